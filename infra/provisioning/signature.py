"""Signatures of operators, made and checked by OpenSSH: with a key file, or with the key in the ssh-agent."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.domain.operator import Operator
from infra.errors import InfraError

NAMESPACE = "citycloud-plan"
_SECONDS = 120.0  # a person may have to type a passphrase or to touch a token


class NotSigned(InfraError):
    """OpenSSH could not sign with this key; name the private key's file, or load it into ssh-agent."""

    code = "not_signed"


class SignatureWrong(InfraError):
    """A signature is not what that operator's key makes of this text."""

    code = "signature_wrong"


@dataclass(frozen=True)
class Signer:
    """An operator at work. `key` is the private key's file; without one the ssh-agent signs."""

    operator: Operator
    key: Path | None = None

    def sign(self, text: str) -> str:
        """The armoured signature; raises NotSigned, and SignatureWrong if the key is another one."""
        with tempfile.TemporaryDirectory(prefix="citycloud-") as folder:
            public = Path(folder) / "key.pub"
            public.write_text(self.operator.ssh_public_key + "\n", encoding="utf-8")
            with_key = ["-f", str(self.key)] if self.key is not None else ["-U", "-f", str(public)]
            done = _ssh_keygen(["-Y", "sign", "-n", NAMESPACE, *with_key], text)
        if done.returncode != 0:
            raise NotSigned(
                f"{self.operator.name}: {_last_line(done.stderr)}; name the private key's file with --key,"
                f" or load it"
                " into ssh-agent"
            )
        verify(self.operator, text, done.stdout)
        return done.stdout


def verify(operator: Operator, text: str, signature: str) -> None:
    """Raises SignatureWrong unless the key that the inventory has for the operator made the signature."""
    with tempfile.TemporaryDirectory(prefix="citycloud-") as folder:
        allowed, signed = Path(folder) / "allowed", Path(folder) / "signature"
        allowed.write_text(f"{operator.name} {' '.join(operator.key)}\n", encoding="utf-8")
        signed.write_text(signature, encoding="utf-8")
        how = ["-Y", "verify", "-n", NAMESPACE, "-I", operator.name, "-f", str(allowed), "-s", str(signed)]
        done = _ssh_keygen(how, text)
    if done.returncode != 0:
        raise SignatureWrong(
            f"this is not the signature of {operator.name}: sign with the key that operators.yaml has for"
            f" that name"
        )


def _ssh_keygen(arguments: list[str], text: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=text, capture_output=True, text=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError as missing:
        raise NotSigned("there is no ssh-keygen here; install openssh-client") from missing
    except subprocess.TimeoutExpired as slow:
        raise NotSigned(f"nobody answered for the key within {_SECONDS:.0f} s; try again") from slow


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "ssh-keygen gave no reason"

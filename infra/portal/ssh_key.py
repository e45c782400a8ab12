"""A pair of SSH keys for a person who has none: made here, the private half shown once and kept nowhere."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class MadeKey:
    """`public` is a line of authorized_keys; `private` OpenSSH's own format, without a passphrase, and in no
    repr; `fingerprint` as `ssh-keygen -l` writes it. `file` is a name to save the private half under.
    """

    public: str
    fingerprint: str
    file: str
    private: str = field(repr=False)

    @property
    def link(self) -> str:
        """The private half as an address that a browser saves by itself: nothing has to be asked for again,
        so nothing has to be kept to be asked for.
        """
        return "data:application/octet-stream;base64," + base64.b64encode(self.private.encode()).decode()

    @property
    def on_windows(self) -> str:
        """How the command begins in PowerShell, in the folder of browsers; `user@address` follows."""
        return f"ssh -i $HOME\\Downloads\\{self.file}"

    @property
    def on_unix(self) -> tuple[str, str]:
        """The same in a shell, after the command that keeps others from reading the file."""
        return f"chmod 600 ~/Downloads/{self.file}", f"ssh -i ~/Downloads/{self.file}"


def make_key(name: str) -> MadeKey:
    """An ed25519 pair for the person of this name, which becomes the public half's comment."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-.") or "key"
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    blob = base64.b64decode(public.split()[1])
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return MadeKey(
        f"{public.decode()} {plain}@citycloud", f"SHA256:{digest}", f"citycloud-{plain}.key", private.decode()
    )

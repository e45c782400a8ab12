"""SSH keys: the site's deploy key, a server's host key, and the site's pinned host keys (known_hosts)."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)


def ensure_key(path: Path, comment: str) -> str:
    """The public half of the ed25519 key at `path`, as OpenSSH writes it. Makes the key if there is none.

    The private half is 0600 and has no passphrase: the deploy engine uses it without a person.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, new_key(), 0o600)
    public = f"{public_half(path)} {comment}"
    public_path = path.with_name(path.name + ".pub")
    if not public_path.exists() or public_path.read_text() != public + "\n":
        write_whole(public_path, f"{public}\n".encode(), 0o644)
    return public


def new_key() -> bytes:
    """A new ed25519 private key without a passphrase, as OpenSSH keeps it in a file."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def public_half(path: Path) -> str:
    """`ssh-ed25519 AAAA...` of a private key file."""
    private = load_ssh_private_key(path.read_bytes(), password=None)
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def fingerprint(public: str) -> str:
    """As `ssh-keygen -l` prints it: SHA256:..."""
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def pin(known_hosts: Path, names: Iterable[str], public: str) -> None:
    """Makes `public` the only accepted host key of `names` (addresses or host names); other entries stay."""
    wanted = tuple(names)
    kind, key = public.split()[:2]
    line = f"{','.join(wanted)} {kind} {key}"
    _rewrite(known_hosts, lambda lines: [*_without(lines, wanted), line])


def unpin(known_hosts: Path, names: Iterable[str]) -> None:
    wanted = tuple(names)
    if known_hosts.exists():
        _rewrite(known_hosts, lambda lines: _without(lines, wanted))


def _without(lines: Iterable[str], names: tuple[str, ...]) -> list[str]:
    return [line for line in lines if not set(names) & set(line.split(" ", 1)[0].split(","))]


def _rewrite(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    before = path.read_text().splitlines() if path.exists() else []
    after = change(before)
    if after != before:
        write_whole(path, "".join(f"{line}\n" for line in after).encode(), 0o644)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Writes a file so that a reader sees the old content or all of the new, whenever the writer dies."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        os.fsync(file.fileno())
    os.rename(partial, path)

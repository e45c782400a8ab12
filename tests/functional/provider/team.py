"""Operators with throw-away SSH keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.domain.operator import Operator
from infra.provisioning.signature import Signer


def make_signer(folder: Path, name: str) -> Signer:
    """An operator at work, with a key made for them."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
    return Signer(Operator(name, name.title(), public), key)

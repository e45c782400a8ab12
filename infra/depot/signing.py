"""The depot's own key: it signs the apt index, and servers trust nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from infra.depot.command import run

_PART = "apt"
_IDENTITY = "City Cloud depot"


def key_home(depot_dir: Path) -> Path:
    """Beside the served folder, never in it; 0700."""
    return depot_dir.with_name(depot_dir.name + "-key")


def ensure_key(depot_dir: Path) -> Path:
    """Make the key once (ed25519, no pass phrase: the folder's mode protects it) and return its folder."""
    home = key_home(depot_dir)
    if (home / "complete").is_file():
        return home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700, parents=True)
    os.chmod(home, 0o700)
    _gpg(home, ["--passphrase", "", "--quick-generate-key", _IDENTITY, "ed25519", "sign", "never"])
    (home / "complete").touch()
    return home


def sign_release(home: Path, folder: Path) -> None:
    """Write InRelease from Release, and the public key as depot.asc, into the same folder."""
    _gpg(home, ["--yes", "--output", str(folder / "InRelease"), "--clearsign", str(folder / "Release")])
    (folder / "depot.asc").write_text(_gpg(home, ["--armor", "--export", _IDENTITY]))


def _gpg(home: Path, arguments: list[str]) -> str:
    try:
        return run(
            _PART, ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments]
        )
    finally:
        run(_PART, ["gpgconf", "--homedir", home, "--kill", "all"])

"""Operators with throw-away keys, and a plan between them."""

from __future__ import annotations

import datetime as dt
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.domain.operator import Operator
from infra.provisioning.confirmation import Confirmations, PlanRefused
from infra.provisioning.signature import Signer

START = dt.datetime(2026, 11, 26, 8, tzinfo=dt.UTC)
DIGEST, OTHER = "a" * 64, "b" * 64


def make_signer(folder: Path, name: str, kind: str = "ed25519") -> Signer:
    """An operator at work, with a key made for them."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / name
    how = ["-q", "-t", kind, "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(["ssh-keygen", *how], check=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
    return Signer(Operator(name, name.title(), public), key)


class Clock:
    """Stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@dataclass
class Desk:
    """Where plans wait, and who may stand at it."""

    folder: Path
    operators: tuple[Operator, ...]
    clock: Clock

    def confirmations(self, requester: Signer | None = None, site: str = "lab") -> Confirmations:
        return Confirmations(self.folder, site, self.operators, requester, self.clock)

    def refused(self, requester: Signer | None = None, digest: str = DIGEST) -> str:
        """What is said to a run that is not let through."""
        with pytest.raises(PlanRefused) as refused:
            self.confirmations(requester).demand(digest, "zone up", ("delete web",))
        assert refused.value.digest == digest
        return str(refused.value)

    @property
    def file(self) -> Path:
        return self.folder / f"{DIGEST}.json"

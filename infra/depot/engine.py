"""pulumi/pulumi: the Pulumi engine, copied from where the caller has it.

How it is built is not the depot's business.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from infra.depot.errors import DepotPartFailed
from infra.depot.manifest import sha256
from infra.depot.workshop import Say, Workshop

PART = "pulumi"
FILE = "pulumi/pulumi"


def inputs(workshop: Workshop) -> str:
    """The file itself: where it lies and when it was written says nothing."""
    return sha256(_engine(workshop))


def make(workshop: Workshop, work: Path, say: Say) -> None:
    """Copy the engine."""
    target = work / FILE
    target.parent.mkdir(parents=True)
    shutil.copyfile(_engine(workshop), target)
    target.chmod(0o755)


def _engine(workshop: Workshop) -> Path:
    path = workshop.engine() if callable(workshop.engine) else workshop.engine
    if path is None or not path.is_file():
        raise DepotPartFailed(PART, f"there is no engine at {path}; build it first")
    return path

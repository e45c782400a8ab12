"""The file of one agency's off-boarding: how far it is, and everything that the record will say.

One JSON document per agency in `<site>/offboarding/`, replaced as a whole and on disk before the work goes
on, so that a run that is killed at any instant is taken up by the next. It stays when the off-boarding is
over: it says that the agency is gone (see `infra.provisioning.offboarded`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.cloud.agency import Agency, agency_from
from infra.domain.holding import Holding
from infra.domain.offboarding import Step
from infra.errors import InfraError

VERSION = 1


class CaseDamaged(InfraError):
    """The file of an off-boarding cannot be read; restore it from the deploy host's backup."""

    code = "case_damaged"


@dataclass
class Case:
    """One off-boarding. `step` is the one to do next, None when it is over; `outcome` is then `removed` or
    `called off`.

    Times are seconds since the epoch. `things` are the confirmed holdings as [kind, id, name, bytes];
    `before` what the freeze changed, to give it back; `files` what was written, by `kind/id`; `given_up` the
    disks without bytes and why; `portal` how much the agency had in the portal, by kind, empty where there is
    no portal; `copy_limits` the limits of the administrator's project before it held our
    copies.
    """

    id: str
    agency: str
    folder: str
    requested_by: str
    started: float
    step: Step | None = "inventory"
    outcome: str = ""
    version: int = VERSION
    names: dict[str, str] = field(default_factory=dict)
    waivers: dict[str, str] = field(default_factory=dict)
    times: list[dict[str, Any]] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=dict)
    things: list[list[Any]] = field(default_factory=list)
    looked_through: dict[str, int] = field(default_factory=dict)
    plan_digest: str = ""
    confirmation: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    given_up: dict[str, str] = field(default_factory=dict)
    sums_digest: str = ""
    copy_limits: dict[str, int] = field(default_factory=dict)
    portal: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    proof: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def frozen(self) -> bool:
        return bool(self.before)

    @property
    def holder(self) -> Agency:
        """The ids that are the agency's, as far as they are known."""
        return agency_from(self.scope) if self.scope else Agency(self.agency)

    def remember(self, agency: Agency) -> None:
        """Add what Keystone tells of the agency now to what is known of it."""
        self.scope = self.holder.joined(agency).plain()

    @property
    def holdings(self) -> list[Holding]:
        """The confirmed things, without what the APIs told of them."""
        return [Holding(kind, identity, name, size) for kind, identity, name, size in self.things]

    def waived(self, thing: Holding) -> str:
        """Why this disk is given up, "" when it is not."""
        return self.waivers.get(thing.id) or self.waivers.get(thing.name, "")


class CaseFiles:
    """The cases of one site."""

    def __init__(self, site_dir: Path) -> None:
        self._folder = site_dir / "offboarding"

    def find(self, agency: str) -> Case | None:
        """The agency's case, None if it never had one; raises CaseDamaged."""
        try:
            told = json.loads(self._file(agency).read_text(encoding="utf-8"))
            return Case(**told)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as broken:
            raise CaseDamaged(f"{self._file(agency)} cannot be read ({broken}); restore it") from broken

    def every(self) -> list[Case]:
        """All cases, by the agency's code."""
        found = (self.find(file.stem) for file in sorted(self._folder.glob("*.json")))
        return [case for case in found if case is not None]

    def save(self, case: Case) -> None:
        """On disk, as a whole, when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps(vars(case), ensure_ascii=False, sort_keys=True)
        replace_file(self._file(case.agency), [text.encode()])

    def close(self, case: Case) -> Path:
        """Put a case that is over away under its id, so that the agency may begin anew; where it is."""
        target = self._folder / "closed" / f"{case.agency}-{case.id}.json"
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.replace(self._file(case.agency), target)
        _sync_folder(target.parent)
        return target

    def _file(self, agency: str) -> Path:
        return self._folder / f"{agency}.json"


def replace_file(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file of mode 0600 so that it is there whole or not at all, and is on disk."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        for part in parts:
            stream.write(part)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

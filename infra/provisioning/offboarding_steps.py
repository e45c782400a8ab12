"""What each step of an off-boarding does. Every body can be cut anywhere and run again: it looks at what is
there before it makes anything, and what it must not forget is on disk before it acts."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from infra.cloud import disk, freezing
from infra.cloud.agency import find_agency
from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError
from infra.cloud.holding import COPY, read_holdings, services_not_looked_at
from infra.cloud.image_data import ImageData
from infra.cloud.waiting import Deadline
from infra.domain.holding import Holding, Holdings, digest_of
from infra.domain.offboarding import Event, Plan, Step
from infra.domain.operator import Approval
from infra.errors import InfraError
from infra.provisioning.export import ExportFolder
from infra.provisioning.offboarding_case import Case, CaseFiles
from infra.provisioning.offboarding_disks import Disks, disks_in_the_way
from infra.provisioning.offboarding_work import Portal, Work, Zone
from infra.provisioning.residue import Residue

SECONDS = 6 * 3600.0
"""How long one thing may take the cloud: a copy of a large volume takes hours."""
_PASSING = frozenset({COPY, "allocation"})
"""Kinds that come and go with others and are not confirmed."""


class AgencyNotThere(InfraError):
    """The cloud has no domain of this agency's code, so there is nothing to off-board."""

    code = "agency_not_there"


class ServiceNotLookedAt(InfraError):
    """The catalog has a service whose things off-boarding does not know, so it could not prove that nothing
    is left there; empty it by hand and say so: --without SERVICE_TYPE=REASON."""

    code = "service_not_looked_at"


class Notary(Protocol):
    """Writes and signs the record."""

    def write(self, case: Case, folder: ExportFolder) -> dict[str, Any]:
        """The record's files, as they are told to whoever waits. Writing it again replaces it."""


@dataclass
class Means:
    """What the steps work with. `portal` is None where the site has none. `confirm` returns a second
    person's confirmation of a plan or raises.
    """

    cloud: Cloud
    data: ImageData
    zone: Zone
    confirm: Callable[[Plan], Approval]
    notary: Notary
    say: Callable[[str], None]
    portal: Portal | None = None
    site: str = ""
    deadline: Callable[[], Deadline] = field(default=lambda: Deadline(SECONDS))
    clock: Callable[[], float] = time.time
    workers: int = 4


class Steps:
    """The bodies. `save` puts the case on disk."""

    def __init__(self, means: Means, case: Case, files: CaseFiles, export: ExportFolder) -> None:
        self._means = means
        self._cloud = means.cloud
        self._case = case
        self._files = files
        self._folder = export
        work = Work(
            means.cloud, means.data, means.zone, case, export, self.save, means.say, means.deadline,
            means.portal,
        )  # fmt: skip
        self._disks = Disks(work)
        self._residue = Residue(work)

    def save(self) -> None:
        self._files.save(self._case)

    def run(self, step: Step) -> Event:
        """One step; what it found. Raises an InfraError where the step cannot be done (any more)."""
        event: Event | None = getattr(self, f"_{step}")()
        return event or "done"

    def _inventory(self) -> None:
        case = self._case
        case.remember(find_agency(self._cloud, case.agency))
        if not case.scope["domains"] and not self._means.zone.owned():
            raise AgencyNotThere(f"the cloud has no agency `{case.agency}`: there is nothing to off-board")
        unknown = [kind for kind in services_not_looked_at(self._cloud) if kind not in case.waivers]
        if unknown:
            raise ServiceNotLookedAt(
                f"the cloud has services whose things are not looked at: {', '.join(unknown)}; empty them for"
                " the agency by hand and say so: --without SERVICE_TYPE=REASON"
            )
        holdings = self._read()
        disks_in_the_way(holdings, case.waivers, self._services())
        case.things = [[one.kind, one.id, one.name, one.bytes] for one in sorted(_lasting(holdings))]
        case.looked_through = dict(holdings.looked_through)
        self._look_into_portal()
        confirmed = [self._means.site, case.agency, case.id, case.things, case.waivers]
        case.plan_digest = digest_of([*confirmed, case.portal] if case.portal else confirmed)
        case.confirmation = {}
        told = ", ".join(f"{count} {kind}" for kind, count in holdings.counts().items())
        self._means.say(told or "nothing")

    def _look_into_portal(self) -> None:
        """Note how much the agency has there. Raises HeldByLaw."""
        portal, case = self._means.portal, self._case
        if portal is None:
            return
        found = portal.read(case.agency)
        found.must_be_removable(case.agency)
        for kind, count in found.counts.items():
            case.portal[kind] = max(count, case.portal.get(kind, 0))  # a part may have ended already
        self.save()

    def _close(self) -> None:
        """Once it is done the portal makes nothing more: `export` finds what came since the inventory."""
        if self._means.portal is not None:
            self._look_into_portal()
            self._means.portal.close(self._case.agency)
            self._means.say("the portal lets nobody of the agency in")

    def _end(self) -> None:
        if self._means.portal is not None:
            self._means.portal.end(self._case.agency)
            told = ", ".join(f"{count} {kind}" for kind, count in self._case.portal.items())
            self._means.say(f"ended in the portal: {told or 'nothing'}")

    def _confirmation(self) -> None:
        approval = self._means.confirm(self.plan())
        if approval.digest != self._case.plan_digest:
            raise CloudError("a confirmation of another plan was given")  # a defect of the guard
        self._case.confirmation = asdict(approval)
        self._case.requested_by = approval.requested_by

    def plan(self) -> Plan:
        """What a second person is asked to confirm."""
        case = self._case
        counts = Holdings(tuple(case.holdings)).counts()
        disks = [one for one in case.holdings if one.kind in ("server", "volume", "image")]
        lines = [f"off-board agency {case.agency}: export to {case.folder}, then delete for ever"]
        lines += [f"{count} {kind}" for kind, count in counts.items()]
        lines += [f"{one.kind} {one.name or one.id} ({one.id})" for one in disks]
        lines += [f"in the portal, to be ended: {count} {kind}" for kind, count in case.portal.items()]
        lines += [f"WITHOUT an export of {what}: {why}" for what, why in case.waivers.items()]
        things = tuple((one.kind, one.id, one.name, one.bytes) for one in case.holdings)
        return Plan(case.agency, case.plan_digest, tuple(lines), things)

    def _export(self) -> Event:
        """The metadata, while people still work: states and addresses are those of the running agency."""
        holdings = self._read()
        if self._compared(holdings) == "changed":
            return "changed"
        self._folder.prepare()
        for kind in holdings.counts():
            told = [{"id": one.id, "name": one.name, **one.told} for one in holdings.of(kind)]
            path = f"metadata/{kind.replace(' ', '_')}.json"
            self._case.files[f"metadata/{kind}"] = asdict(self._folder.write_json(path, told))
        summary = {"agency": self._case.agency, "counts": holdings.counts(), "things": self._case.things}
        self._case.files["metadata"] = asdict(self._folder.write_json("metadata/inventory.json", summary))
        self._case.sums_digest = self._folder.write_sums(self._case.files)
        self._folder.read_back(self._case.files)
        return "done"

    def _freeze(self) -> Event:
        case = self._case
        holdings = self._read()
        before = case.before or {"servers": {}, "users": [], "projects": [], "domains": [], "attached": []}
        for kind, part in (("user", "users"), ("project", "projects"), ("domain", "domains")):
            enabled = [one.id for one in holdings.of(kind) if one.told.get("enabled", True)]
            before[part] = sorted({*before[part], *enabled})
        for server in holdings.of("server"):
            if server.told.get("status") != "SHUTOFF":
                before["servers"].setdefault(server.id, server.told.get("status"))
        case.before = before
        self.save()
        freezing.disable(self._cloud, case.holder)
        self._means.say("people's access has ended")
        servers = holdings.of("server")
        with ThreadPoolExecutor(self._means.workers, thread_name_prefix="freeze") as pool:
            stop = lambda one: disk.stop_server(self._cloud, one.id, self._means.deadline())  # noqa: E731
            for server, state in zip(servers, pool.map(stop, servers), strict=True):
                self._means.say(f"server {server.name} rests ({state})")
        return self._compared(self._read())

    def _snapshot(self) -> None:
        self._disks.snapshot()

    def _transfer(self) -> None:
        self._disks.transfer()
        self._case.sums_digest = self._folder.write_sums(self._case.files)

    def _check(self) -> None:
        self._look_into_portal()
        size = self._folder.read_back(self._case.files)
        missing = self._disks.missing()
        if missing:
            raise disk.DiskNotExportable(
                f"no bytes were exported of {', '.join(missing)}; nothing was deleted"
            )
        self._means.say(f"{len(self._case.files)} files, {size} bytes read back")

    def _delete(self) -> None:
        self._residue.remove()

    def _proof(self) -> Event:
        return self._residue.prove(self._means.clock())

    def _record(self) -> None:
        self._case.record = self._means.notary.write(self._case, self._folder)

    def thaw(self) -> None:
        """Give back what the freeze took; copies are removed. Can be run again, too."""
        case = self._case
        self._residue.remove_copies()
        for part in ("domains", "projects"):
            freezing.enable(self._cloud, case.before.get(part, ()))
        freezing.enable(self._cloud, case.before.get("users", ()), "user")
        for server, volume, device in case.before.get("attached", ()):
            disk.attach(self._cloud, server, volume, device, self._means.deadline())
        for server, status in case.before.get("servers", {}).items():
            if status == "ACTIVE":
                disk.start_server(self._cloud, server, self._means.deadline())
        if self._means.portal is not None:
            self._means.portal.reopen(case.agency)

    def _services(self) -> set[str]:
        return {*services_not_looked_at(self._cloud)}

    def _read(self) -> Holdings:
        self._case.remember(find_agency(self._cloud, self._case.agency))
        return read_holdings(self._cloud, self._case.holder)

    def _compared(self, holdings: Holdings) -> Event:
        """Whether these are the things that were confirmed."""
        now, confirmed = {*_lasting(holdings)}, {*self._case.holdings}
        for word, differing in (("new", now - confirmed), ("gone", confirmed - now)):
            for one in sorted(differing):
                self._means.say(f"{word} since the inventory: {one.kind} {one.name or one.id}")
        return "done" if now == confirmed else "changed"


def _lasting(holdings: Holdings) -> list[Holding]:
    return [one for one in holdings if one.kind not in _PASSING]

"""One look at a site for drift: stacks against the cloud, the cloud against stacks, and what is nobody's."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra.cloud.census import Census, Thing, credentials_of, take_census
from infra.cloud.connection import Cloud
from infra.domain.agency import Agency
from infra.domain.drift import PLATFORM, DriftReport, Finding, Orphan, StackDrift
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.provisioning.adoption import NAMED, accepted
from infra.provisioning.drift import Reading, findings_of, read_stacks, unread_of
from infra.provisioning.foreign import find_foreign, known_of, texts, zone_of
from infra.provisioning.foreign_thing import Known
from infra.provisioning.orphans import find_orphans
from infra.provisioning.stack_state import StateResource

States = Mapping[str, Sequence[StateResource]]


@dataclass(frozen=True)
class Scan:
    """A report, and what it was made from: the states of every stack by its agency, the readings of those
    that were asked for.
    """

    report: DriftReport
    states: States
    readings: Mapping[str, Sequence[Reading]]


@dataclass(frozen=True)
class _Others:
    """The cloud beside the stacks; `unread` says why it is not known."""

    census: Census = field(default_factory=lambda: Census({}))
    belongings: Mapping[str, tuple[Sequence[Thing], Sequence[Thing]]] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] = ()
    unread: str = ""


def scan(
    cloud: Cloud,
    inventory: Inventory,
    states: States,
    agencies: Iterable[str],
    *,
    portal: States | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Scan:
    """Look at these agencies (PLATFORM is one of them). `states` are those of all stacks that exist, `portal`
    those of what agencies asked for in the portal, by agency: what any of them holds is nobody's foreign
    thing. Raises nothing of the cloud's: what could not be read is in the report.
    """
    everything = {**states, **{f"portal {code}": held for code, held in (portal or {}).items()}}
    began, taken = time.monotonic(), clock().isoformat(timespec="seconds")
    chosen = list(agencies)
    readings = read_stacks(cloud, {code: states[code] for code in chosen if code in states})
    owned = {one.id for held in everything.values() for one in held if one.managed}
    others = _look_around(cloud, states, chosen, owned)
    known = _with_adopted(known_of(everything), inventory)
    stacks = []
    for code in chosen:
        held = readings.get(code, [])
        findings = _own(inventory, code, held)
        if code in states and code != PLATFORM and not others.unread:
            zone = zone_of(code, states[code], others.census)
            findings += find_foreign(zone, known, others.census, others.belongings)
        unread = unread_of(held) or others.unread
        if code not in states:
            unread = "it has no stack yet: `citycloud zone up` makes it"
        read_at = "" if unread else taken
        ordered = tuple(sorted(findings, key=lambda one: (one.kind, one.type, one.name, one.id)))
        stacks.append(
            StackDrift(code, stack_named(inventory, code), len(held), taken, read_at, ordered, unread)
        )
    report = DriftReport(
        inventory.site.site_name, taken, time.monotonic() - began, tuple(stacks), others.orphans,
        "" if others.unread else taken, others.unread,
    )  # fmt: skip
    return Scan(report, states, readings)


def stack_named(inventory: Inventory, code: str) -> str:
    """The name of an agency's stack, or of the platform's."""
    site = inventory.site.site_name
    return site if code == PLATFORM else f"{site}-{code}"


def _look_around(cloud: Cloud, states: States, chosen: Iterable[str], owned: Collection[str]) -> _Others:
    try:
        census = take_census(cloud)
        users = {
            user
            for code in chosen
            if code != PLATFORM and code in states
            for user in zone_of(code, states[code], census).users
        }
        belongings = credentials_of(cloud, sorted(users))
        return _Others(census, belongings, find_orphans(cloud, census, owned))
    except InfraError as failed:
        return _Others(unread=f"{failed} [{failed.code}]")


def _own(inventory: Inventory, code: str, readings: Sequence[Reading]) -> list[Finding]:
    """What of the stack's own is gone or changed, without what the code asks for by now."""
    agency = next((one for one in inventory.agencies if one.code == code), None)
    by_urn = {reading.resource.urn: reading for reading in readings}
    told = []
    for finding in findings_of(code, readings):
        settled = _without_accepted(agency, by_urn[finding.urn], finding) if agency else finding
        if settled is not None:
            told.append(settled)
    return told


def _without_accepted(agency: Agency, reading: Reading, finding: Finding) -> Finding | None:
    if finding.kind == "missing":
        named = {(one.type, one.name) for one in agency.adopted.resources}
        declared = (finding.type, finding.name) in named
        if finding.name.startswith(NAMED) and not declared:
            return None  # gone, and the code asks for it no more
        return replace(finding, adoptable=declared)
    wanted, found = accepted(agency, reading.resource), reading.found or {}
    left = tuple(
        change
        for change in finding.changes
        if change.name not in wanted or wanted[change.name] != found.get(change.name)
    )
    return replace(finding, changes=left) if left else None


def _with_adopted(known: Known, inventory: Inventory) -> Known:
    """What is adopted belongs to the code, though no up has taken it into a state yet."""
    adopted = [one for agency in inventory.agencies for one in agency.adopted.resources]
    mentioned = {text for one in adopted for text in texts(one.inputs)}
    ours = frozenset((one.type, one.id) for one in adopted)
    return Known(known.resources | ours, known.mentioned | mentioned, ours - known.resources)

"""Reads whole stacks from the cloud in this process, without an engine: what differs from their states.

Every resource is read by its own type of the provider, as a refresh would, but for all stacks at once, kind
by kind: the listings that reads share (`infra.cloud.listing`) then cost one call for each kind, not one for
each resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.waiting import Deadline
from infra.domain.drift import Finding, PropertyDrift, finding_id
from infra.errors import InfraError
from infra.provider.registry import resource
from infra.provider.resource import Context, Resource
from infra.provisioning.stack_state import HIDDEN, StateResource

WORKERS = 8
SECONDS = 120.0
"""How long the reading of one resource may take, the waits for a busy cloud included."""
SECRET = "[secret]"  # noqa: S105  (what is shown in its place)
LIMITS = ("quotaSetV2", "quotaV2", "quoteSetV3")
"""Types of which each value counts, whether the program gives it or not: a limit that it leaves to the
service is drift once a person has raised it."""
_NO_PROPERTIES = frozenset({"region", "id"})


@dataclass(frozen=True)
class Reading:
    """One resource of a state and what the cloud has of it: `found` is None when it is gone; `unread` says
    why it could not be read.
    """

    resource: StateResource
    found: Mapping[str, Any] | None
    unread: str = ""

    @property
    def differs(self) -> bool:
        """Whether a refresh would write anything else into the state."""
        if self.found is None or self.unread:
            return True
        before = _comparable(self.resource.outputs)
        after = _comparable(self.found)
        secret = {name for name, value in before.items() if _hides(value)} | kind_of(self.resource).secrets
        names = (before.keys() | after.keys()) - secret - _NO_PROPERTIES
        return any(not _equal(before.get(name), after.get(name)) for name in names)


def read_stacks(
    cloud: Cloud, states: Mapping[str, Sequence[StateResource]], workers: int = WORKERS
) -> dict[str, list[Reading]]:
    """Every managed resource of these stacks, by the same keys, as the cloud has it now. Reads what it can:
    what cannot be read says so.
    """
    wanted = [(code, one) for code, held in states.items() for one in held if one.managed]
    in_order = sorted(wanted, key=lambda pair: pair[1].type)
    with ThreadPoolExecutor(workers, thread_name_prefix="drift") as pool:
        readings = pool.map(lambda pair: _read(cloud, pair[1]), in_order)
        found: dict[str, list[Reading]] = {code: [] for code in states}
        for (code, _), reading in zip(in_order, readings, strict=True):
            found[code].append(reading)
    return found


def changed_stacks(
    cloud: Cloud, states: Mapping[str, Sequence[StateResource]], workers: int = WORKERS
) -> frozenset[str]:
    """The stacks of which a refresh would change the state, and those that could not be read whole: for them
    an engine has to run, for the others it would find nothing.
    """
    read = read_stacks(cloud, states, workers)
    return frozenset(code for code, readings in read.items() if any(one.differs for one in readings))


def findings_of(agency: str, readings: Iterable[Reading]) -> list[Finding]:
    """What of a stack's own resources is gone or changed."""
    told = [_finding(agency, reading) for reading in readings if not reading.unread]
    return [finding for finding in told if finding is not None]


def unread_of(readings: Iterable[Reading]) -> str:
    """Why the stack could not be read whole, "" if it was."""
    return "; ".join(sorted({one.unread for one in readings if one.unread}))


def kind_of(one: StateResource) -> Resource:
    """The provider's type; raises TypeNotServed."""
    return resource(one.type)


def property_drift(one: StateResource, found: Mapping[str, Any]) -> tuple[PropertyDrift, ...]:
    """The inputs that the cloud does not have as the state does, and limits that a person changed. What the
    state keeps as a secret cannot be compared.
    """
    kind = kind_of(one)
    inputs = plain_inputs(one)
    names = [item.name for item in kind.differences(dict(found), inputs) if not _hides(inputs.get(item.name))]
    if one.type.partition(":")[2].partition("/")[2].partition(":")[0] in LIMITS:
        outputs = _comparable(one.outputs)
        names += [
            item.name
            for item in kind.properties
            if item.name not in inputs and item.kind == "integer" and item.name in outputs
            and not _equal(outputs[item.name], found.get(item.name))
        ]  # fmt: skip
        inputs = {**{name: outputs.get(name) for name in names}, **inputs}
    secret = kind.secrets
    return tuple(
        PropertyDrift(name, SECRET if name in secret else shown(inputs.get(name)),
                      SECRET if name in secret else shown(found.get(name)))
        for name in dict.fromkeys(names)
        if name not in _NO_PROPERTIES
    )  # fmt: skip


def plain_inputs(one: StateResource) -> dict[str, Any]:
    """The inputs of a state without a bridge's bookkeeping and without nulls."""
    return _comparable(one.inputs)


def at(cloud: Cloud, values: Mapping[str, Any]) -> Cloud:
    """The cloud in the region that a resource's values name."""
    return cloud.in_region(str(values.get("region") or ""))


def context_of(cloud: Cloud, kind: Resource | None = None) -> Context:
    """What one operation on the cloud works with: a read, or what its type may take."""
    return Context(cloud, Deadline(kind.seconds if kind else SECONDS))


def shown(value: Any) -> Any:
    """A value as a report holds it: plain data, secrets hidden."""
    if value is HIDDEN:
        return SECRET
    if isinstance(value, Mapping):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value


def _read(cloud: Cloud, one: StateResource) -> Reading:
    try:
        found = kind_of(one).read(context_of(at(cloud, one.outputs)), one.id, _comparable(one.outputs))
    except InfraError as failed:
        return Reading(one, None, f"{failed} [{failed.code}]")
    return Reading(one, found)


def _finding(agency: str, reading: Reading) -> Finding | None:
    one = reading.resource
    noun = one.type.rpartition(":")[2]
    identity = finding_id(one.type, one.id)
    if reading.found is None:
        sentence = f"{noun} {one.name} is gone in the cloud"
        return Finding(
            identity, "missing", agency, one.type, one.name, one.id, sentence, one.urn, adoptable=False
        )
    changes = property_drift(one, reading.found)
    if not changes:
        return None
    sentence = f"{noun} {one.name}: {', '.join(change.name for change in changes)} changed by hand"
    return Finding(identity, "changed", agency, one.type, one.name, one.id, sentence, one.urn, changes)


def _comparable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and not name.startswith("__")}


def _hides(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_hides, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_hides, value))
    return value is HIDDEN


def _equal(before: Any, after: Any) -> bool:
    """Nothing and emptiness are one to the engine's reading of a state."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return all(_equal(before.get(key), after.get(key)) for key in before.keys() | after.keys())
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_equal, before, after))
    return bool(before == after) or (before in (None, "", [], {}) and after in (None, "", [], {}))

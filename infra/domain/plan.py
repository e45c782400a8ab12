"""Plan: what one operation would do to one stack, step by step, before anything is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands in a plan for a value that is not known before the run (Pulumi's own word for it)."""
_CONCEALED = "[secret]"
"""Stands in a plan for a secret. That one changes is told by the name of its property."""


@dataclass(frozen=True)
class PlannedStep:
    """One change. `op`: create, update, replace, delete, import. `id` is the cloud's id, "" before a create.

    `before` and `after` are the inputs without secrets; `properties` names those that differ. `imported`: the
    resource was imported and no up has run since.
    """

    urn: str
    op: str
    type: str
    name: str
    id: str = ""
    before: Mapping[str, Any] = field(default_factory=dict, hash=False)
    after: Mapping[str, Any] = field(default_factory=dict, hash=False)
    properties: tuple[str, ...] = ()
    imported: bool = False

    @property
    def ends_it(self) -> bool:
        """Whether what is there now will be gone."""
        return self.op in ("delete", "replace")


@dataclass(frozen=True)
class WantedResource:
    """A resource as the program asks for it, whether or not it changes."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Plan:
    """One stack's part of an operation. `agency` is "" for the platform, `level` the security level (1 to 5).

    `wanted` are all resources of the program, of which policies speak; empty for a destroy.
    """

    stack: str
    agency: str
    operation: str
    steps: tuple[PlannedStep, ...] = ()
    wanted: tuple[WantedResource, ...] = ()
    level: int = 1


@dataclass(frozen=True)
class Finding:
    """One thing in a plan that must not simply happen. `rule` is a stable word for scripts.

    `reason` and `way_out` are sentences for people. `confirmable`: a second person may let it pass; what
    breaks a policy is corrected or exempted instead. `things` are all that would be lost with it, where the
    sentence names only some.
    """

    stack: str
    agency: str
    urn: str
    type: str
    name: str
    operation: str
    rule: str
    reason: str
    way_out: str
    confirmable: bool = True
    things: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = self.type.rpartition(":")[2]
        return f"{self.stack}: {self.operation} {kind} {self.name}: {self.reason}; {self.way_out}"


def finding(plan: Plan, step: PlannedStep, rule: str, reason: str, way_out: str) -> Finding:
    return Finding(
        plan.stack, plan.agency, step.urn, step.type, step.name, step.op, rule, reason, way_out
    )  # fmt: skip


def digest_of_plans(
    site: str, operation: str, plans: Iterable[Plan], findings: Iterable[Finding] = ()
) -> str:
    """SHA-256 (hex) of exactly what would be done and of what is dangerous in it, in whatever order it was
    found out: another step, another value or another thing that would be lost is another digest.
    """
    steps = sorted(
        json.dumps([plan.stack, one.op, one.urn, one.id, _changes(one), one.properties, one.imported],
                   sort_keys=True, default=str)
        for plan in plans
        for one in plan.steps
    )  # fmt: skip
    told = sorted(json.dumps([one.stack, one.urn, one.rule, one.reason, one.things]) for one in findings)
    return hashlib.sha256(json.dumps([site, operation, steps, told]).encode()).hexdigest()


def _changes(step: PlannedStep) -> dict[str, Any]:
    """Name -> [before, after] of the inputs that differ."""
    names = {*step.before, *step.after}
    pairs = {name: [step.before.get(name), step.after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def concealed(value: Any) -> Any:
    """Plain data of a state or an event with its secrets hidden, fit to be shown, hashed and kept."""
    if isinstance(value, Mapping):
        return {str(key): concealed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [concealed(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return _CONCEALED

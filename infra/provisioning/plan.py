"""Where plans come from: an engine's preview, a state that is to be destroyed, or a program that is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pulumi.automation.events import EngineEvent

from infra.domain.plan import PlannedStep, WantedResource, concealed
from infra.provisioning.stack_state import StateResource, revealed

_REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})
_NOTHING = frozenset({"same", "read", "read-replacement", "read-discard", "refresh", "discard-replaced"})
_OWN = ("pulumi:pulumi:", "pulumi:pulumi:Stack")


class PlannedSteps:
    """Collects the steps that a preview's events tell of, and the resources that the program asks for."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, bool], PlannedStep] = {}
        self._wanted: dict[str, WantedResource] = {}

    def __call__(self, event: EngineEvent) -> None:
        if not event.resource_pre_event:
            return
        told = event.resource_pre_event.metadata
        op = str(getattr(told.op, "value", told.op))
        name = str(told.urn).rpartition("::")[2]
        after = _inputs(told.new) if op not in ("delete", "delete-replaced") else {}
        if told.type.startswith(_OWN):
            return
        if told.new is not None and op not in ("delete", "delete-replaced") and not op.startswith("read"):
            self._wanted[told.urn] = WantedResource(told.urn, told.type, name, after)
        if op in _NOTHING:
            return
        step = PlannedStep(
            told.urn, "replace" if op in _REPLACING else op, told.type, name,
            str(getattr(told.old, "id", "") or ""), _inputs(told.old), after, _properties(told),
        )  # fmt: skip
        self._add(step)

    def steps(self, imported: Iterable[str] = ()) -> tuple[PlannedStep, ...]:
        """In an order that does not depend on the engine's threads. `imported` are URNs of fresh imports."""
        fresh = {*imported}
        steps = sorted(self._steps.values(), key=lambda one: (one.urn, one.op))
        return tuple(_imported(step) if step.urn in fresh else step for step in steps)

    def wanted(self) -> tuple[WantedResource, ...]:
        return tuple(self._wanted[urn] for urn in sorted(self._wanted))

    def _add(self, step: PlannedStep) -> None:
        """A replacement is three events of one URN, each with a part of the story."""
        key = (step.urn, step.op == "delete")
        known = self._steps.get(key)
        if known is not None and "replace" in (known.op, step.op):
            step = PlannedStep(
                step.urn, "replace", step.type, step.name, known.id or step.id, known.before or step.before,
                known.after or step.after, known.properties or step.properties,
            )  # fmt: skip
        self._steps[key] = step


def steps_of_destroy(resources: Iterable[StateResource]) -> tuple[PlannedStep, ...]:
    """Everything that the stack has made, deleted."""
    made = sorted((one for one in resources if one.managed), key=lambda one: (one.urn, one.id))
    return tuple(
        PlannedStep(
            one.urn, "delete", one.type, one.name, one.id, concealed(one.inputs), imported=one.imported
        )
        for one in made
    )


def steps_of_new(wanted: Iterable[WantedResource]) -> tuple[PlannedStep, ...]:
    """Everything that a program asks for, created."""
    return tuple(
        PlannedStep(one.urn, "create", one.type, one.name, after=one.inputs)
        for one in sorted(wanted, key=lambda one: one.urn)
    )


def _imported(step: PlannedStep) -> PlannedStep:
    return PlannedStep(
        step.urn, step.op, step.type, step.name, step.id, step.before, step.after, step.properties, True
    )


def _inputs(state: Any) -> Mapping[str, Any]:
    """The inputs of an event's state; the engine masks secrets in it, and a mark of one is masked here."""
    told = concealed(revealed(dict(getattr(state, "inputs", None) or {})))
    return {name: value for name, value in told.items() if name != "__defaults"}


def _properties(told: Any) -> tuple[str, ...]:
    """What makes a replacement necessary, else all that differs."""
    detailed = told.detailed_diff or {}
    replacing = [
        path
        for path, diff in detailed.items()
        if str(getattr(diff.diff_kind, "value", "")).endswith("replace")
    ]
    return tuple(sorted(told.keys or replacing or told.diffs or ()))

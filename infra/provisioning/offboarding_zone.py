"""An agency's stack, as its off-boarding sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from infra.domain.plan import Finding, Plan
from infra.provisioning.confirmation import PlanRefused
from infra.provisioning.stack import Stacks


class ConfirmedDestroy:
    """In the guard's place: a second person has confirmed everything that the agency has, so the destroy of
    its one stack passes, and nothing else does."""

    def __init__(self, agency: str) -> None:
        self._agency = agency

    def findings(self, plans: Sequence[Plan]) -> list[Finding]:
        return []

    def admit(self, operation: str, plans: Sequence[Plan]) -> None:
        """Raises PlanRefused for any other plan."""
        if operation != "zone destroy" or any(plan.agency != self._agency for plan in plans):
            raise PlanRefused(
                f"an off-boarding of {self._agency} may not run {operation}; nothing was changed"
            )


class StackZone:
    """`opened` gives stacks that let the destroy through: see `ConfirmedDestroy`."""

    def __init__(self, opened: Callable[[], AbstractContextManager[Stacks]], agency: str) -> None:
        self._opened = opened
        self._agency = agency

    def owned(self) -> set[str]:
        """The cloud's ids of what the stack has made; the stack's own name where it has made nothing yet;
        empty when there is no stack."""
        with self._opened() as stacks:
            resources = stacks.state(self._agency)
        if resources is None:
            return set()
        return {f"stack of {self._agency}", *(one.id for one in resources if one.managed)}

    def destroy(self) -> None:
        """Remove the stack with all that it has made; nothing to do when there is none."""
        with self._opened() as stacks:
            if stacks.state(self._agency) is not None:
                stacks.zone_destroy([self._agency])

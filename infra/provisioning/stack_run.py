"""One engine at work on one stack: preview, up, refresh or destroy; its locks and its failures by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pulumi import automation

from infra.errors import InfraError
from infra.provisioning.pulumi_workspace import PulumiFiles
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_program import Program
from infra.provisioning.stack_result import Operation, StackLocked
from infra.provisioning.state_backend import BackendUnreachable, LockHolders, patiently, said, unreachable


class StackStopped(InfraError):
    """One stack stopped before it was done; the message has the engine's and the provider's reasons."""

    code = "stack_stopped"


class PlanLeft(StackStopped):
    """A run came to something that its plan had not, because a value that was unknown then is known now; it
    stopped there. It is planned and looked at anew.
    """

    code = "plan_left"


class StackRun:
    """`port` is the provider's; `parallel` resources at a time. `targets` (URNs) restrict a run to them and
    what depends on them. With `keep_going` an up makes also what does not depend on what failed.
    """

    def __init__(  # noqa: PLR0917  (what a run needs)
        self, files: PulumiFiles, port: int, parallel: int, project: str, stack: str,
        program: Program | None, targets: Sequence[str] = (), *, keep_going: bool = False,
    ) -> None:  # fmt: skip
        self._files = files
        self._providers = {"PULUMI_DEBUG_PROVIDERS": f"openstack:{port}"}
        self._project = project
        self._stack = stack
        self._program = program
        self._options: dict[str, Any] = {"parallel": parallel}
        self._targets: dict[str, Any] = {"target": list(targets)} if targets else {}
        self._failing: dict[str, Any] = {"continue_on_error": True} if keep_going else {}

    def preview(self, events: RunEvents, save_plan: Path | None = None) -> None:
        """What an up would do. A stack that the engine had to make for it is removed again. `save_plan` gets
        the engine's own plan, which `up` can be bound to.
        """
        known = self._stack in self._files.backend.stacks(self._project)
        opened = self._open(forget=save_plan is not None and known)
        plan = str(save_plan) if save_plan else None
        more = {**self._targets, "target_dependents": True} if self._targets else {}
        try:
            self._do(
                events, lambda: opened.preview(on_event=events, plan=plan, **self._options, **more), opened
            )
        finally:
            if not known:
                self._files.remove(self._project, opened)

    def operate(self, operation: Operation, events: RunEvents, plan: Path | None = None) -> None:
        """Up, refresh or destroy. With `plan`, an up does nothing beyond it: the engine stops instead."""
        opened = self._open(forget=True)
        match operation:
            case "up":
                more = {**self._targets, "target_dependents": True} if self._targets else {}
                bound = str(plan) if plan else None
                self._do(
                    events,
                    lambda: opened.up(
                        on_event=events,
                        suppress_outputs=True,
                        plan=bound,
                        **self._options,
                        **more,
                        **self._failing,
                    ),
                    opened,
                )
            case "refresh":
                self._do(
                    events, lambda: opened.refresh(on_event=events, **self._options, **self._targets), opened
                )
            case "destroy":
                self._do(
                    events, lambda: opened.destroy(on_event=events, remove=True, **self._options), opened
                )
                self._files.backend.changed(self._project, self._stack)
            case "preview":
                self.preview(events)

    def _open(self, *, forget: bool) -> Any:
        try:
            opened = self._files.open(self._project, self._stack, self._program, self._providers)
            if forget:
                what = partial(self._files.forget_pending_operations, self._project, self._stack, opened)
                patiently(lambda: self._unlocking(opened, what))
        except automation.CommandError as failed:
            raise self._named(failed, "") from failed
        return opened

    def _do(self, events: RunEvents, act: Callable[[], object], opened: Any) -> None:
        def attempt() -> None:
            try:
                self._unlocking(opened, act)
            except StackLocked:
                events.errors.clear()
                raise

        try:
            patiently(attempt)
        except automation.CommandError as failed:
            raise self._named(failed, events.reason("")) from failed

    def _unlocking(self, opened: Any, act: Callable[[], object]) -> None:
        """Raises StackLocked; a lock that only the dead have is gone then."""
        try:
            act()
        except automation.ConcurrentUpdateError as busy:
            holders = LockHolders.named_in(str(busy))
            if holders.all_dead:
                opened.cancel()  # while they stand nobody can have got the lock; we hold the site's
            raise StackLocked(holders.sentence(self._stack)) from busy

    def _named(self, failed: automation.CommandError, reason: str) -> InfraError:
        if unreachable(failed):
            return BackendUnreachable(said(failed))
        words = reason or _last_words(failed)
        return PlanLeft(words) if "violates plan" in words else StackStopped(words)


def _last_words(failed: automation.CommandError) -> str:
    lines = [line.strip() for line in str(failed).splitlines() if line.strip()]
    return " ".join(lines[-5:])

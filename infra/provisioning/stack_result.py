"""What a run of stacks did: typed results, progress, and the failure that lists every stack that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.errors import InfraError

Operation = Literal["up", "preview", "refresh", "destroy"]


@dataclass(frozen=True)
class Step:
    """One thing that was done, or in a preview would be. `op` as Pulumi says it: create, update, delete,
    replace.
    """

    op: str
    type: str
    name: str
    seconds: float = 0.0
    properties: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerResult:
    """A server of an agency. `requested_at` (UTC, ISO) and `active_seconds`, from the request to ACTIVE, are
    of the run that made it; "" and None where that was not a run of this deploy host.
    """

    name: str
    id: str
    fixed_ip: str
    floating_ip: str
    requested_at: str = ""
    active_seconds: float | None = None


@dataclass(frozen=True)
class StackResult:
    """One stack after one operation. `changes` counts resources by operation (`{"create": 21, "same": 2}`).

    `skipped`: nothing was run, because the stack's inputs are those of its last successful up and its state
    is as that up left it; the cloud was not asked. `why` then says so in a sentence.
    """

    stack: str
    agency: str
    operation: Operation
    changes: Mapping[str, int]
    seconds: float
    steps: tuple[Step, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    servers: tuple[ServerResult, ...] = ()
    skipped: bool = False
    why: str = ""

    @property
    def changed(self) -> int:
        """How many resources changed, or would."""
        return sum(
            count for op, count in self.changes.items() if op not in ("same", "read", "refresh", "discard")
        )


@dataclass(frozen=True)
class StackProgress:
    """Said while stacks run. `done` of `total` stacks are finished; a `step` was just done in `stack`."""

    stack: str
    agency: str
    kind: Literal["started", "step", "finished", "skipped", "failed"]
    sentence: str
    done: int
    total: int


@dataclass(frozen=True)
class StackFailure:
    """Why one stack stopped, in the engine's and the provider's words."""

    stack: str
    agency: str
    reason: str


class StacksFailed(InfraError):
    """Some stacks could not be brought to the state that the inventory asks for; run again when the cause is
    mended.
    """

    code = "stacks_failed"

    def __init__(self, failures: Sequence[StackFailure], results: Sequence[StackResult]) -> None:
        self.failures = tuple(failures)
        self.results = tuple(results)
        told = "\n".join(f"{one.stack}: {one.reason}" for one in failures)
        super().__init__(f"{len(failures)} of {len(failures) + len(results)} stacks failed\n{told}")


class StackLocked(InfraError):
    """Another run works on this stack at this moment; wait for it to end."""

    code = "busy"


class PlatformMissing(InfraError):
    """There is no platform yet, and landing zones stand on it; run `citycloud platform up` first."""

    code = "platform_missing"

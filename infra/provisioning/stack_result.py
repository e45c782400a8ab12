"""What a run of stacks did: typed results, progress, and the failure that lists every stack that failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from infra.domain.plan import Finding
from infra.errors import InfraError

if TYPE_CHECKING:
    from infra.provisioning.stack_events import RunEvents

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
    is as that up left it; the cloud was not asked. `why` then says so in a sentence. `findings`, of a
    preview: what the guard would refuse.
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
    findings: tuple[Finding, ...] = ()

    @property
    def changed(self) -> int:
        """How many resources changed, or would."""
        return sum(
            count for op, count in self.changes.items() if op not in ("same", "read", "refresh", "discard")
        )


@dataclass(frozen=True)
class StackProgress:
    """Said while stacks run. `done` of `total` stacks are finished; a `step` was just done in `stack`. `word`
    is what is done to them all: plan, up, preview, refresh, destroy; "" in a step.
    """

    stack: str
    agency: str
    kind: Literal["started", "step", "finished", "skipped", "failed"]
    sentence: str
    done: int
    total: int
    word: str = ""


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


def servers_of(events: RunEvents, before: Iterable[ServerResult]) -> tuple[ServerResult, ...]:
    """The servers of an up; one that stood before keeps the times of its making."""
    known = {server.id: server for server in before}
    made = {
        urn.rpartition("::")[2]: when
        for urn, when in events.created.items()
        if "compute/instance:Instance" in urn
    }
    told = []
    for server in events.outputs.get("servers", []):
        name, identity = server["name"], server["id"]
        when, seconds = "", None
        if name in made:
            asked, seconds = made[name]
            when = dt.datetime.fromtimestamp(asked, dt.UTC).isoformat(timespec="milliseconds")
        elif identity in known:
            when, seconds = known[identity].requested_at, known[identity].active_seconds
        told.append(ServerResult(name, identity, server["fixed_ip"], server["floating_ip"], when, seconds))
    return tuple(told)

"""How an agency leaves the cloud: the steps in their order, and what may follow what. No I/O.

inventory      everything that the agency holds over every API
confirmation   a second person confirms the inventory by its digest
close          the portal lets nobody of the agency in and makes nothing more for it
export         what the APIs tell of each thing, to the folder, read back
freeze         people's access ends, servers are stopped; a second inventory must be the confirmed one
snapshot       of every volume and server, of the frozen state
transfer       the bytes of volumes, servers and images to the folder, from the frozen state
check          the folder is read back, whole, against its checksums
delete         through the agency's stack, then through the APIs what no stack owns
end            what the agency had in the portal ends: requests, deployments, delegations, quota
proof          every API and the portal are read again: nothing is left
record         the signed record, PDF and JSON

The bytes are taken after freeze and snapshot, so that they are of one state that nobody can change any more;
the metadata is taken before, for the freeze changes it. Nothing is deleted before `check` is done. `close`
comes before anything is looked at again, so that nothing more is made meanwhile; `end` after the deletion, so
that the portal knows its things as long as the off-boarding can be called off. A site without a portal passes
over both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from infra.errors import InfraError

Step = Literal[
    "inventory",
    "confirmation",
    "close",
    "export",
    "freeze",
    "snapshot",
    "transfer",
    "check",
    "delete",
    "end",
    "proof",
    "record",
]
STEPS: tuple[Step, ...] = get_args(Step)
Event = Literal["done", "changed", "thawed"]
OF_PORTAL: tuple[Step, ...] = ("close", "end")
"""What a site without a portal passes over."""
_FROZEN: tuple[Step, ...] = ("freeze", "snapshot", "transfer", "check")


class OffboardingOver(InfraError):
    """What was asked for is not possible at this step of the off-boarding; the message says what is."""

    code = "offboarding_over"


def _table() -> Mapping[tuple[Step, Event], Step | None]:
    """(step, event) -> the step that comes next; None is the end.

    `changed`: what the agency holds is not what was confirmed, and has to be confirmed anew; at the proof,
    that something is left. `thawed`: the
    off-boarding was called off; until something was deleted that is always possible.
    """
    following: list[Step | None] = [*STEPS[1:], None]
    table: dict[tuple[Step, Event], Step | None] = {
        (step, "done"): after for step, after in zip(STEPS, following, strict=True)
    }
    again: tuple[Step, ...] = ("confirmation", "close", "export")
    table |= {(step, "changed"): "inventory" for step in again}
    table |= {("freeze", "changed"): "inventory", ("proof", "changed"): "delete"}
    called_off: tuple[Step, ...] = ("inventory", *again, *_FROZEN)
    return table | {(step, "thawed"): None for step in called_off}


TRANSITIONS = _table()


def after(step: Step, event: Event) -> Step | None:
    """The step that follows; raises OffboardingOver where the event cannot happen in this step."""
    try:
        return TRANSITIONS[step, event]
    except KeyError:
        raise OffboardingOver(
            f"the off-boarding is at `{step}`: things of the agency may be gone already, so it cannot be"
            " called off any more; run `citycloud zone offboard` again to finish it"
        ) from None


@dataclass(frozen=True)
class Waiver:
    """A disk that is given up, or a service that is not looked at, and why. `what` is the id or name of a
    server or volume, or the type of a service."""

    what: str
    reason: str


def parse_waiver(text: str) -> Waiver:
    """`SERVER_OR_VOLUME=REASON`, as it is written on the command line; raises ValueError."""
    what, found, reason = text.partition("=")
    if not found or not what.strip() or not reason.strip():
        raise ValueError("write it as SERVER_OR_VOLUME=REASON, with a reason that the record can hold")
    return Waiver(what.strip(), reason.strip())


@dataclass(frozen=True)
class Plan:
    """What a second person confirms: that exactly these things of this agency are exported and deleted.

    `digest` covers site, agency, every thing's kind, id, name and size, the disks that are given up, and the
    off-boarding's own id, so that a confirmation serves once. `lines` say it to the person, `things` are
    all of them as [kind, id, name, bytes].
    """

    agency: str
    digest: str
    lines: tuple[str, ...]
    things: tuple[tuple[str, str, str, int], ...] = ()

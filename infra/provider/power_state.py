"""Whether a server runs, stands still, or is put away; and the steps from one to the other."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.errors import WentWrong
from infra.cloud.server import must_not_be_in_error, servers
from infra.provider.resource import Context

_STATUS = {
    "active": "ACTIVE",
    "shutoff": "SHUTOFF",
    "paused": "PAUSED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
}
# Which action leads out of a status towards running, and which from running to the wanted status. Nova stops
# and pauses only what runs, and shelves from anywhere.
_WAKE = {
    "SHUTOFF": "os-start",
    "PAUSED": "unpause",
    "SUSPENDED": "resume",
    "SHELVED": "unshelve",
    "SHELVED_OFFLOADED": "unshelve",
    "RESCUE": "unrescue",
    "VERIFY_RESIZE": "confirmResize",
}
_REST = {"SHUTOFF": "os-stop", "PAUSED": "pause", "SHELVED_OFFLOADED": "shelve"}
_SHELVABLE = frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"})
_LONGEST_WAY = 4
PASSING = frozenset(
    {
        "build", "error", "hard_reboot", "migrating", "password", "reboot", "rebuild", "resize",
        "revert_resize", "unknown",
    }
)  # fmt: skip
"""States that a server passes through, or fell into: no reason to start or stop it."""


def power_state(status: str) -> str:
    """Nova's status as the property `powerState` has it."""
    return status.lower()


def one_of_the_states(value: str) -> str | None:
    """The rule of the property `powerState`."""
    if value.lower() in _STATUS:
        return None
    return f"must be one of {', '.join(_STATUS)}, not {value!r}"


def alike(present: str, wanted: str) -> bool:
    """Whether a server in this state needs nothing done to be as it is wanted."""
    return present in PASSING or present.lower() == wanted.lower()


def settled(context: Context, identity: str, statuses: frozenset[str], what: str) -> Thing:
    """The server once it has one of these statuses (any, when there are none) and no task under way; raises
    WentWrong when it ends in ERROR."""
    seen: Thing = {}

    def look() -> Thing | None:
        seen.clear()
        seen.update(servers(context.cloud).get(identity))
        must_not_be_in_error(seen)
        there = not statuses or seen["status"] in statuses
        return dict(seen) if there and not seen.get("OS-EXT-STS:task_state") else None

    return context.deadline.wait(f"server {identity} {what}", look, lambda: standing(seen))


def bring_to(context: Context, identity: str, wanted: str) -> Thing:
    """Make the server `wanted`, by as many steps as Nova needs."""
    goal = _STATUS[wanted.lower()]
    for _ in range(_LONGEST_WAY):
        server = settled(context, identity, frozenset(), "to finish what it does")
        if server["status"] == goal:
            return server
        action, reached = _step(str(server["status"]), goal)
        servers(context.cloud).act(identity, {action: None})
        settled(context, identity, reached, f"to become {goal} ({action})")
    server = servers(context.cloud).get(identity)
    if server["status"] == goal:
        return server
    raise WentWrong(f"server {identity} cannot be made {wanted}: nova leaves it {standing(server)}")


def _step(status: str, goal: str) -> tuple[str, frozenset[str]]:
    """The next action from a status, and the statuses that it may lead to."""
    if goal == "SHELVED_OFFLOADED" and status == "SHELVED":
        return "shelveOffload", frozenset({goal})
    if goal == "SHELVED_OFFLOADED" and status in _SHELVABLE:
        return "shelve", frozenset({"SHELVED", goal})
    if status == "ACTIVE":
        return _REST[goal], frozenset({goal})
    if status not in _WAKE:
        raise WentWrong(f"a server that is {status} cannot be made {goal}: bring it to ACTIVE by hand first")
    return _WAKE[status], frozenset({"ACTIVE", "SHUTOFF"})


def standing(server: Thing) -> str:
    """Its status and what is being done to it, for a person."""
    task = server.get("OS-EXT-STS:task_state")
    return f"{server.get('status', 'gone')}" + (f" ({task})" if task else "")

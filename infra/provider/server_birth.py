"""How a server comes to stand after Nova has accepted it."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.server import must_not_be_in_error, servers
from infra.provider.power_state import standing
from infra.provider.resource import Context

UNATTENDED_SECONDS = 60.0
"""How long the first server may be in BUILD with nothing done for it; each that is made in its place twice as
long, for a cloud may also be slow. Nova's parts tell each other of it by one message, which a broker or a
conductor that is killed takes with it; and a hypervisor that fails while the database is away can write down
neither what it does nor that it failed. It is in BUILD for ever."""
_NOTHING_DONE = frozenset({"scheduling", None})
"""Task states before a network or a disk is made for it."""
_STANDS = frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SHELVED_OFFLOADED"})


def born(context: Context, identity: str, patience: float) -> Thing:
    """The server once it stands; or in BUILD, when nothing was done for it for `patience` seconds. Raises
    WentWrong when it ends in ERROR.
    """
    seen: Thing = {}
    task, since = "", 0.0

    def look() -> Thing | None:
        nonlocal task, since
        seen.clear()
        seen.update(servers(context.cloud).get(identity))
        must_not_be_in_error(seen)
        stands = seen["status"] in _STANDS and not seen.get("OS-EXT-STS:task_state")
        if (now := str(seen.get("OS-EXT-STS:task_state"))) != task:
            task, since = now, context.deadline.clock()
        lost = unattended(seen) and context.deadline.clock() - since >= patience
        return dict(seen) if stands or lost else None

    return context.deadline.wait(f"server {identity} to become ACTIVE", look, lambda: standing(seen))


def unattended(server: Thing) -> bool:
    """Whether nothing is being done for it: it has nothing that could be lost."""
    return server["status"] == "BUILD" and server.get("OS-EXT-STS:task_state") in _NOTHING_DONE

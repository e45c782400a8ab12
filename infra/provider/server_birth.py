"""How a server comes to stand after Nova has accepted it."""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.server import must_not_be_in_error, servers
from infra.provider.power_state import standing
from infra.provider.resource import Context

UNTAKEN_SECONDS = 120.0
"""How long a server may wait for a host. Nova's parts tell each other of it by one message, which a broker or
a conductor that is killed takes with it: nobody works on the server then, and it is in BUILD for ever."""
_STANDS = frozenset({"ACTIVE", "SHUTOFF", "PAUSED", "SHELVED_OFFLOADED"})


def born(context: Context, identity: str) -> Thing:
    """The server once it stands; or in BUILD, where it is sure enough that nobody works on it. Raises
    WentWrong when it ends in ERROR.
    """
    began = context.deadline.clock()
    seen: Thing = {}

    def look() -> Thing | None:
        seen.clear()
        seen.update(servers(context.cloud).get(identity))
        must_not_be_in_error(seen)
        stands = seen["status"] in _STANDS and not seen.get("OS-EXT-STS:task_state")
        lost = untaken(seen) and context.deadline.clock() - began >= UNTAKEN_SECONDS
        return dict(seen) if stands or lost else None

    return context.deadline.wait(f"server {identity} to become ACTIVE", look, lambda: standing(seen))


def untaken(server: Thing) -> bool:
    """Whether no host has it yet: it has nothing that could be lost."""
    return server["status"] == "BUILD" and server.get("OS-EXT-STS:task_state") == "scheduling"

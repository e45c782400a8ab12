"""How a server goes: gracefully where that was asked for, and waited for until its ports and volumes are
free."""

from __future__ import annotations

from collections.abc import Iterable

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, NotFound, WaitedTooLong, WentWrong
from infra.cloud.server import interfaces, servers
from infra.cloud.waiting import Deadline
from infra.provider.power_state import bring_to, standing
from infra.provider.resource import Context, State

GONE = frozenset({"DELETED", "SOFT_DELETED"})
DETACH_SECONDS = 180.0
"""Nova asks a guest eight times for a port, 20 seconds each (`device_detach_attempts`), and then keeps it."""


def remove(context: Context, identity: str, *, force: bool = False) -> None:
    """Remove the server and wait until it is gone; `force` past a cloud's time for second thoughts.

    One that nova calls DELETED is in its database for a moment more, and in its server group: the next server
    of an anti-affinity group would find no host.
    """
    if force:
        try:
            servers(context.cloud).act(identity, {"forceDelete": None})
        except NotFound:
            return
    else:
        servers(context.cloud).remove(identity)
    seen: Thing = {}

    def gone() -> bool | None:
        seen.clear()
        seen.update(servers(context.cloud).find(identity) or {})
        return True if not seen or seen["status"] == "SOFT_DELETED" else None

    context.deadline.wait(f"server {identity} to be gone", gone, lambda: standing(seen))


def stop_in_good_time(context: Context, identity: str) -> None:
    """Let the guest shut down. One that cannot, or takes more than half of our time, is removed as it is:
    that is what the property promises."""
    time = context.deadline
    half = Context(context.cloud, Deadline(time.left / 2, clock=time.clock, pause=time.pause))
    try:
        bring_to(half, identity, "shutoff")
    except (WaitedTooLong, WentWrong, Conflict):
        return


def detach_ports(context: Context, identity: str, rows: Iterable[State]) -> None:
    """Take the server's ports off it, so that Neutron shows them free and not just ownerless. One that a
    guest does not let go, because it has halted or has not booted yet, goes with the server.
    """
    attached = interfaces(context.cloud, identity)
    time = context.deadline
    for port in [str(row["port"]) for row in rows if row.get("port")]:
        attached.remove(port)

        def detached(port: str = port) -> bool | None:
            return True if attached.find(port) is None else None

        patience = Deadline(min(time.left / 2, DETACH_SECONDS), clock=time.clock, pause=time.pause)
        try:
            patience.wait(f"port {port} to be detached from server {identity}", detached)
        except WaitedTooLong:
            return

"""Growing a server's data volume where the storage cannot grow one that is attached.

The server is stopped before the volume is taken off it: a running system has it mounted. Each step looks at
what is there first, so that it goes on after a kill.
"""

from __future__ import annotations

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.server import must_not_be_in_error, servers, volume_attachments
from infra.cloud.volume import attachment_to, volumes
from infra.cloud.volume import must_not_be_in_error as must_be_sound
from infra.cloud.waiting import Deadline

FAILED = "error_extending"


def grow(cloud: Cloud, server: Thing, name: str, gib: int, *, on: bool, deadline: Deadline) -> None:
    """Bring the server's volume of this name to `gib` (GiB) at least, attached again, and the server to run
    again where it is to be `on`; 0 leaves the size as it is. Where there is no such volume yet nothing is
    done. A growth that failed is forgotten first: Cinder does nothing with such a volume. Raises WentWrong,
    WaitedTooLong.
    """
    volume = _find(cloud, server, name)
    if volume is None:
        return
    if volume["status"] == FAILED:
        status = "in-use" if volume.get("attachments") else "available"
        volumes(cloud).act(volume["id"], {"os-reset_status": {"status": status}})
    if volume["size"] < gib:
        _stop(cloud, server, deadline)
        _take_off(cloud, server, volume, deadline)
        _extend(cloud, volume, gib, deadline)
    if not _on_it(cloud, server, volume):
        volume_attachments(cloud, server["id"]).create({"volumeId": volume["id"]})
        deadline.wait(f"{name} to be attached again", lambda: _on_it(cloud, server, volume) or None)
    if on and servers(cloud).get(server["id"])["status"] == "SHUTOFF":
        servers(cloud).act(server["id"], {"os-start": None})
        deadline.wait(f"{name} to start", lambda: _is(cloud, server, "ACTIVE"))


def _find(cloud: Cloud, server: Thing, name: str) -> Thing | None:
    """The one that it has; else, while it is taken off, the one of that name that none has."""
    known = volumes(cloud).list(all_tenants="1", name=name, project_id=server["tenant_id"])
    found = [one for one in known if attachment_to(one, server=server["id"]) or not one.get("attachments")]
    return min(found, key=lambda one: not one.get("attachments"), default=None)


def _stop(cloud: Cloud, server: Thing, deadline: Deadline) -> None:
    if servers(cloud).get(server["id"])["status"] == "ACTIVE":
        servers(cloud).act(server["id"], {"os-stop": None})
    deadline.wait(f"{server['name']} to stop", lambda: _is(cloud, server, "SHUTOFF"))


def _take_off(cloud: Cloud, server: Thing, volume: Thing, deadline: Deadline) -> None:
    if _on_it(cloud, server, volume):
        volume_attachments(cloud, server["id"]).remove(volume["id"])
    what = f"{volume['name']} to be free of its server"
    deadline.wait(what, lambda: volumes(cloud).get(volume["id"])["status"] == "available" or None)


def _extend(cloud: Cloud, volume: Thing, gib: int, deadline: Deadline) -> None:
    def grown() -> bool | None:
        now = volumes(cloud).get(volume["id"])
        must_be_sound(cloud, now)
        return (now["status"] == "available" and now["size"] >= gib) or None

    volumes(cloud).act(volume["id"], {"os-extend": {"new_size": gib}})
    deadline.wait(f"{volume['name']} to grow to {gib} GiB", grown)


def _on_it(cloud: Cloud, server: Thing, volume: Thing) -> bool:
    attached = volume_attachments(cloud, server["id"]).list()
    return any(one["volumeId"] == volume["id"] for one in attached)


def _is(cloud: Cloud, server: Thing, status: str) -> bool | None:
    """True when it is. Raises WentWrong where it is in error."""
    now = servers(cloud).get(server["id"])
    must_not_be_in_error(now)
    return now["status"] == status or None

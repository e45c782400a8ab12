"""Removes an agency's things in the order in which the cloud lets go of them, and waits for their end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError, Conflict, NotFound, Refused
from infra.cloud.holding import COPY, KINDS
from infra.cloud.project import projects, remove_project
from infra.cloud.quota import COMPUTE, NETWORK, VOLUME, reset_quota
from infra.cloud.waiting import Deadline
from infra.domain.holding import Holding

ORDER = (
    COPY, "trust", "application credential", "credential", "floating IP", "server",
    "server group", "keypair", "volume transfer", "backup", "group snapshot", "snapshot", "volume",
    "volume group", "image access", "image", "hidden image", "metadata definition", "trunk", "port",
    "router", "subnet", "RBAC policy", "network", "security group rule", "security group", "address group",
    "subnet pool", "address scope", "QoS policy", "metering label", "quota", "flavor access",
    "volume type access", "limit", "role assignment", "identity provider", "user", "group",
    "project", "domain role", "domain",
)  # fmt: skip
"""Kinds, what must go first before what holds it."""
_THEIRS = frozenset({"network:router_gateway", "network:floatingip", "network:distributed", "network:dhcp"})
"""Whose ports Neutron makes and removes with their network, router or address."""
_LISTED = {kind.name: kind for kind in KINDS}
_QUOTAS = {"compute": COMPUTE, "network": NETWORK, "volume": VOLUME}
_SLOW = frozenset({"server", "volume", "snapshot", "backup", "volume group", "group snapshot", COPY})
"""Kinds that are gone some time after the cloud has said yes."""
Say = Callable[[str], None]


class NotRemoved(CloudError):
    """The cloud did not let go of something; the message has each thing with the cloud's own reason. When the
    cause is mended, run it again."""

    code = "not_removed"


def remove_all(cloud: Cloud, things: Iterable[Holding], deadline: Deadline, say: Say) -> int:
    """Remove these things, and say how many. What is gone already is success; things that the cloud holds on
    to are tried again as long as others go. Raises NotRemoved, WaitedTooLong."""
    left = sorted(things, key=lambda thing: ORDER.index(thing.kind) if thing.kind in ORDER else len(ORDER))
    count = len(left)
    while left:
        kept, reasons = _pass(cloud, left, deadline, say)
        if len(kept) == len(left):
            raise NotRemoved("the cloud holds on to: " + "; ".join(reasons))
        left = kept
    return count


def _pass(
    cloud: Cloud, things: list[Holding], deadline: Deadline, say: Say
) -> tuple[list[Holding], list[str]]:
    kept: list[Holding] = []
    reasons: list[str] = []
    for kind in dict.fromkeys(thing.kind for thing in things):
        asked: list[Holding] = []
        for thing in (one for one in things if one.kind == kind):
            try:
                remove(cloud, thing)
                asked.append(thing)
            except (Conflict, Refused) as held:
                kept.append(thing)
                reasons.append(f"{thing.kind} {thing.name or thing.id}: {held}")
        if kind in _SLOW:
            for thing in asked:
                deadline.wait(f"{kind} {thing.name or thing.id} to be gone", lambda: _gone(cloud, thing))  # noqa: B023
        removed = [thing for thing in asked if not goes_by_itself(thing)]
        if removed:
            say(f"{len(removed)} x {kind} removed")
    return kept, reasons


def goes_by_itself(thing: Holding) -> bool:
    """Whether the cloud made it for another thing and removes it with that."""
    return thing.kind == "allocation" or (thing.kind == "port" and thing.told.get("device_owner") in _THEIRS)


def remove(cloud: Cloud, thing: Holding) -> None:
    """Ask the cloud to remove one thing; that it is gone already is success."""
    if goes_by_itself(thing):
        return
    if thing.kind in _UNUSUAL:
        _UNUSUAL[thing.kind](cloud, thing)
    elif thing.kind in _LISTED:
        kind = _LISTED[thing.kind]
        _delete(cloud, kind.service, f"{kind.place}/{thing.id}")
    elif thing.kind in _PATHS:
        service, path = _PATHS[thing.kind]
        _delete(cloud, service, path.format(*thing.id.split("/"), id=thing.id))


def _gone(cloud: Cloud, thing: Holding) -> bool | None:
    """True when it is gone; raises Refused when its removal failed."""
    kind, identity = _what(thing)
    listed = _LISTED[kind]
    try:
        body = cloud.service(listed.service).request("GET", f"{listed.place}/{identity}")
    except NotFound:
        return True
    told = next(iter(body.values())) if len(body) == 1 else body
    status = str(told.get("status", "")).lower()
    if status == "deleted":
        return True
    if status in ("error_deleting", "error") and (told.get("OS-EXT-STS:task_state") or "") != "deleting":
        reason = (told.get("fault") or {}).get("message", "the service's journal has the reason")
        raise NotRemoved(f"{kind} {thing.name or identity} is in {status} and was not removed: {reason}")
    return None


def _what(thing: Holding) -> tuple[str, str]:
    if thing.kind == COPY:
        kind, _, identity = thing.id.partition("/")
        return kind, identity
    return thing.kind, thing.id


def _delete(cloud: Cloud, service: str, path: str) -> None:
    try:
        cloud.service(service).request("DELETE", path)
    except NotFound:
        return


def _remove_copy(cloud: Cloud, thing: Holding) -> None:
    kind, identity = _what(thing)
    listed = _LISTED[kind]
    _delete(cloud, listed.service, f"{listed.place}/{identity}")


def _remove_image(cloud: Cloud, thing: Holding) -> None:
    """A protected image is made removable first."""
    if thing.told.get("protected"):
        steps = [{"op": "replace", "path": "/protected", "value": False}]
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        try:
            cloud.service("image").request("PATCH", f"/images/{thing.id}", json=steps, headers=headers)
        except NotFound:
            return
    _delete(cloud, "image", f"/images/{thing.id}")


def _remove_port(cloud: Cloud, thing: Holding) -> None:
    """A router's interface is taken off the router."""
    owner = str(thing.told.get("device_owner") or "")
    if owner.startswith("network:router_interface"):
        path = f"/routers/{thing.told['device_id']}/remove_router_interface"
        try:
            cloud.service("network").request("PUT", path, json={"port_id": thing.id})
        except NotFound:
            return
    else:
        _delete(cloud, "network", f"/ports/{thing.id}")


def _remove_keypair(cloud: Cloud, thing: Holding) -> None:
    user, _, name = thing.id.partition("/")
    own = user == cloud.user_id
    try:
        cloud.service("compute").request(
            "DELETE", f"/os-keypairs/{name}", params={} if own else {"user_id": user}
        )
    except NotFound:
        return


def _remove_quota(cloud: Cloud, thing: Holding) -> None:
    service, _, project = thing.id.partition("/")
    reset_quota(cloud, _QUOTAS[service], project)


def _take_flavor_access(cloud: Cloud, thing: Holding) -> None:
    flavor, _, project = thing.id.partition("/")
    _act(cloud, "compute", f"/flavors/{flavor}/action", {"removeTenantAccess": {"tenant": project}})


def _take_type_access(cloud: Cloud, thing: Holding) -> None:
    kind, _, project = thing.id.partition("/")
    _act(cloud, "volume", f"/types/{kind}/action", {"removeProjectAccess": {"project": project}})


def _act(cloud: Cloud, service: str, path: str, action: dict[str, object]) -> None:
    try:
        cloud.service(service).request("POST", path, json=action)
    except NotFound:
        return


def _take_role(cloud: Cloud, thing: Holding) -> None:
    _delete(cloud, "identity", thing.id)


def _remove_project(cloud: Cloud, thing: Holding) -> None:
    """A domain takes whatever Keystone still has in it along."""
    if projects(cloud).find(thing.id) is not None:
        remove_project(cloud, thing.id)


_UNUSUAL: dict[str, Callable[[Cloud, Holding], None]] = {
    COPY: _remove_copy,
    "image": _remove_image,
    "hidden image": _remove_image,
    "port": _remove_port,
    "keypair": _remove_keypair,
    "quota": _remove_quota,
    "flavor access": _take_flavor_access,
    "volume type access": _take_type_access,
    "role assignment": _take_role,
    "project": _remove_project,
    "domain": _remove_project,
}
_PATHS = {
    "trust": ("identity", "/OS-TRUST/trusts/{id}"),
    "application credential": ("identity", "/users/{0}/application_credentials/{1}"),
    "credential": ("identity", "/credentials/{id}"),
    "image access": ("image", "/images/{0}/members/{1}"),
    "limit": ("identity", "/limits/{id}"),
    "identity provider": ("identity", "/OS-FEDERATION/identity_providers/{id}"),
    "user": ("identity", "/users/{id}"),
    "group": ("identity", "/groups/{id}"),
    "domain role": ("identity", "/roles/{id}"),
}

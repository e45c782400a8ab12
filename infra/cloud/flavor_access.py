"""Which projects may use a flavor that is not public."""

from __future__ import annotations

from infra.cloud.collection import Things
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.flavor import flavors


def allow(cloud: Cloud, flavor_id: str, project_id: str) -> None:
    """Let the project use the flavor; raises Conflict when it may already, or when everyone may."""
    flavors(cloud).act(flavor_id, {"addTenantAccess": {"tenant": project_id}})


def is_allowed(cloud: Cloud, flavor_id: str, project_id: str) -> bool:
    """Whether the project is on the flavor's list: never so on a public one's."""
    return any(row["tenant_id"] == project_id for row in _rows(cloud, flavor_id))


def looks_allowed(cloud: Cloud, flavor_id: str, project_id: str) -> bool:
    """The same for a read: a listing that is a few seconds old will do."""
    found = cloud.service("compute").listings.some(
        f"/flavors/{flavor_id}/os-flavor-access", {"tenant_id": project_id},
        lambda: [row for row in _rows(cloud, flavor_id) if row["tenant_id"] == project_id],
        lambda: _rows(cloud, flavor_id),
    )  # fmt: skip
    return bool(found)


def disallow(cloud: Cloud, flavor_id: str, project_id: str) -> None:
    """Take the flavor from the project; that it has not got it, or that the flavor is gone, is success."""
    try:
        flavors(cloud).act(flavor_id, {"removeTenantAccess": {"tenant": project_id}})
    except NotFound:
        return


def _rows(cloud: Cloud, flavor_id: str) -> Things:
    """The flavor's list; a flavor that is gone has none, nor has (by Nova's answer) a public one."""
    try:
        body = cloud.service("compute").request("GET", f"/flavors/{flavor_id}/os-flavor-access")
    except NotFound:
        return []
    return Things(body["flavor_access"])

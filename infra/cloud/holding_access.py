"""What a project holds without owning it: shares of images, flavors and volume types; quotas; allocations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.cloud.agency import Agency
from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound, Refused
from infra.cloud.holding_identity import Read, listed
from infra.domain.holding import Holding

_OWN = frozenset({"id", "project_id", "tenant_id"})


def read(cloud: Cloud, agency: Agency, images: list[Thing]) -> Read:
    """Image, flavor and volume type access of the agency's projects, and what placement has allocated."""
    looked: dict[str, int] = {}
    found: list[Holding] = []
    shared = [image for image in images if image.get("visibility") == "shared"]
    rows = [
        (image, member)
        for image in shared
        for member in listed(cloud, "image", f"/images/{image['id']}/members", "members") or ()
    ]
    looked["image access"] = len(rows)
    found += [
        Holding("image access", f"{image['id']}/{row['member_id']}", str(image.get("name") or ""), told=row)
        for image, row in rows
        if row["member_id"] in agency.projects and image.get("owner") not in agency.projects
    ]
    granted = (("flavor access", _flavor_access(cloud)), ("volume type access", _type_access(cloud)))
    for kind, found_rows in granted:
        every = [*found_rows]
        looked[kind] = len(every)
        found += [
            Holding(
                kind, f"{thing['id']}/{row.get('tenant_id', row.get('project_id'))}", thing["name"], told=row
            )
            for thing, row in every
            if row.get("tenant_id", row.get("project_id")) in agency.projects
        ]
    found += [*_allocations(cloud, agency)]
    looked["allocation"] = len(agency.projects)
    return looked, found


def read_quotas(cloud: Cloud, agency: Agency) -> Read:
    """Limits of the agency's projects that are not the service's defaults, one holding per service."""
    looked = {"quota": 0}
    found: list[Holding] = []
    for project in sorted(agency.projects):
        for service in ("compute", "volume"):
            own, usual = _quota_sets(cloud, service, project)
            looked["quota"] += 1
            if own != usual:
                found.append(Holding("quota", f"{service}/{project}", service, told=own))
    for row in listed(cloud, "network", "/quotas", "quotas") or ():
        looked["quota"] += 1
        owner = row.get("project_id") or row.get("tenant_id")
        if owner in agency.projects:
            found.append(Holding("quota", f"network/{owner}", "network", told=row))
    return looked, found


def _quota_sets(cloud: Cloud, service: str, project: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The project's limits and the defaults. Nova refuses (400) what Keystone does not know any more: what it
    may keep for that id cannot be used or read, so quotas are reset before the project goes."""
    try:
        own = cloud.service(service).request("GET", f"/os-quota-sets/{project}")["quota_set"]
        usual = cloud.service(service).request("GET", f"/os-quota-sets/{project}/defaults")["quota_set"]
    except (NotFound, Refused):
        return {}, {}
    return _limits(own), _limits(usual)


def _limits(quota: Thing) -> dict[str, Any]:
    return {key: value for key, value in quota.items() if key not in _OWN}


def _flavor_access(cloud: Cloud) -> Iterator[tuple[Thing, Thing]]:
    for flavor in listed(cloud, "compute", "/flavors/detail", "flavors", is_public="none") or ():
        if not flavor.get("os-flavor-access:is_public", True):
            path = f"/flavors/{flavor['id']}/os-flavor-access"
            for row in listed(cloud, "compute", path, "flavor_access") or ():
                yield flavor, row


def _type_access(cloud: Cloud) -> Iterator[tuple[Thing, Thing]]:
    for kind in listed(cloud, "volume", "/types", "volume_types", is_public="None") or ():
        if not kind.get("os-volume-type-access:is_public", kind.get("is_public", True)):
            path = f"/types/{kind['id']}/os-volume-type-access"
            for row in listed(cloud, "volume", path, "volume_type_access") or ():
                yield kind, row


def _allocations(cloud: Cloud, agency: Agency) -> Iterator[Holding]:
    for project in sorted(agency.projects):
        try:
            usages = cloud.service("placement").request("GET", "/usages", params={"project_id": project})[
                "usages"
            ]
        except NotFound:
            continue
        for consumers in usages.values():
            for name, used in consumers.items() if isinstance(consumers, dict) else ():
                if name != "consumer_count" and used:
                    yield Holding("allocation", f"{project}/{name}", name, told={name: used})

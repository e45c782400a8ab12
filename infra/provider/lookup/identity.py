"""Functions of the module `identity`: who and what Keystone knows."""

from __future__ import annotations

import re
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.endpoint import endpoints, services
from infra.cloud.errors import NotFound, Refused
from infra.cloud.group import groups
from infra.cloud.project import projects
from infra.cloud.role import roles
from infra.cloud.user import users
from infra.provider.lookup.function import (
    ID,
    REGION,
    Answer,
    Function,
    Given,
    Thing,
    fitting,
    only,
    shown,
)
from infra.provider.lookup.search import ids_of, named_like, one, one_of, pattern, rfc3339
from infra.provider.property import Property

_EXPIRY = re.compile(r"^((lt|lte|gt|gte|eq|neq):)?\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")


def _token(cloud: Cloud, given: Given) -> Answer:
    """What Keystone says of our token."""
    token = cloud.token
    body = cloud.service("identity").request("GET", "/auth/tokens", headers={"X-Subject-Token": token})
    held: dict[str, Any] = body["token"]
    answer = {"id": given["name"], "tokenId": token if given.get("setTokenId") else ""}
    for whose in ("user", "project"):
        scope = held.get(whose) or {}
        answer |= {
            f"{whose}Id": scope.get("id", ""),
            f"{whose}Name": scope.get("name", ""),
            f"{whose}DomainId": (scope.get("domain") or {}).get("id") or "",
            f"{whose}DomainName": (scope.get("domain") or {}).get("name") or "",
        }
    domain = held.get("domain") or {}
    answer |= {"domainId": domain.get("id", ""), "domainName": domain.get("name", "")}
    answer["roles"] = shown(_SCOPE, {"roles": held.get("roles", [])})["roles"]
    answer["serviceCatalogs"] = shown(_SCOPE, {"catalog": held.get("catalog", [])})["serviceCatalogs"]
    return answer


_SCOPE = (
    ID, REGION,
    Property("name", required=True, kept=True),
    Property("setTokenId", "boolean", kept=True),
    Property("tokenId", output=True, secret=True),
    Property("userId", output=True), Property("userName", output=True),
    Property("userDomainId", output=True), Property("userDomainName", output=True),
    Property("projectId", output=True), Property("projectName", output=True),
    Property("projectDomainId", output=True), Property("projectDomainName", output=True),
    Property("domainId", output=True), Property("domainName", output=True),
    Property("roles", "objects", output=True, fields=(
        Property("roleId", attribute="id", output=True), Property("roleName", attribute="name", output=True),
    )),
    Property("serviceCatalogs", "objects", attribute="catalog", output=True, fields=(
        ID, Property("name", output=True), Property("type", output=True),
        Property("endpoints", "objects", output=True, fields=(
            ID, Property("interface", output=True), Property("region", output=True),
            Property("regionId", output=True), Property("url", output=True),
        )),
    )),
)  # fmt: skip
AUTH_SCOPE = Function("openstack:identity/getAuthScope:getAuthScope", _SCOPE, _token)

_ENDPOINT = (
    ID, REGION,
    Property("name"),
    Property("interface", default="public", rule=one_of("public", "internal", "admin")),
    Property("endpointRegion", attribute="region"),
    Property("serviceId"), Property("serviceName"), Property("serviceType"),
    Property("url", output=True),
)  # fmt: skip


def _endpoint(cloud: Cloud, given: Given) -> Answer:
    kinds = {str(service["id"]): service for service in services(cloud).list()}
    every: list[Thing] = [
        {
            **endpoint,
            "service_name": kinds[endpoint["service_id"]].get("name", ""),
            "service_type": kinds[endpoint["service_id"]].get("type", ""),
        }
        for endpoint in endpoints(cloud).list()
        if endpoint["service_id"] in kinds
    ]
    return shown(_ENDPOINT, only("endpoint", fitting(_ENDPOINT, every, given), given))


ENDPOINT = Function("openstack:identity/getEndpoint:getEndpoint", _ENDPOINT, _endpoint)

SERVICE = one("openstack:identity/getService:getService", "service", services, (
    ID, REGION,
    Property("name"), Property("type"), Property("enabled", "boolean"),
    Property("description", output=True),
))  # fmt: skip

GROUP = one("openstack:identity/getGroup:getGroup", "group", groups, (
    ID, REGION,
    Property("name", required=True), Property("domainId"),
    Property("description", output=True),
))  # fmt: skip

ROLE = one(
    "openstack:identity/getRole:getRole", "role", roles,
    (ID, REGION, Property("name", required=True), Property("domainId")),
    # Without a domain, Keystone means its global roles.
    refine=lambda cloud, things, given: [
        role for role in things if (role.get("domain_id") or "") == given.get("domainId", "")
    ],
)  # fmt: skip

_PROJECT_FILTERS = (
    Property("name"), Property("domainId", chosen_by_cloud=True), Property("parentId"),
    Property("enabled", "boolean", default=True), Property("isDomain", "boolean", default=False),
)  # fmt: skip
_PROJECT = (
    ID, REGION, *_PROJECT_FILTERS,
    Property("projectId", attribute="id"),
    Property("description", output=True), Property("tags", "strings", output=True),
)  # fmt: skip


def _projects(cloud: Cloud, properties: tuple[Property, ...], given: Given) -> list[Thing]:
    """The projects as the arguments say; of an account that may not list them all, its own ones."""
    filters = {
        item.key: given[item.name] for item in _PROJECT_FILTERS[:3] if item.name in given
    }  # what Keystone filters by as we mean it
    if given.get("isDomain"):
        filters["is_domain"] = "true"
    try:
        every: list[Thing] = [*projects(cloud).list(**filters)]
    except Refused:
        body = cloud.service("identity").request("GET", "/auth/projects")
        every = [*body["projects"]]
    return fitting(properties, every, given)


def _project(cloud: Cloud, given: Given) -> Answer:
    if "projectId" in given:
        found = projects(cloud).look(given["projectId"])
        things: list[Thing] = [found] if found else []
    else:
        things = _projects(cloud, _PROJECT, given)
    return shown(_PROJECT, only("project", things, given))


PROJECT = Function(
    "openstack:identity/getProject:getProject", _PROJECT, _project,
    apart=(("projectId", "name", "domainId", "enabled", "isDomain", "parentId"),),
)  # fmt: skip

_PROJECT_IDS = (
    ID, REGION, *_PROJECT_FILTERS,
    Property("nameRegex", kept=True, rule=pattern), Property("tags", "strings"),
    Property("ids", "strings", output=True), Property("description", output=True),
)  # fmt: skip


def _project_ids(cloud: Cloud, given: Given) -> Answer:
    return ids_of(named_like(_projects(cloud, _PROJECT_IDS, given), given))


PROJECT_IDS = Function(
    "openstack:identity/getProjectIdsV3:getProjectIdsV3", _PROJECT_IDS, _project_ids,
    apart=(("name", "nameRegex"),), echoes=True,
)  # fmt: skip


def _expiry(value: str) -> str | None:
    if _EXPIRY.match(value):
        return None
    return "must be a time in UTC (2026-01-31T08:00:00Z), after lt:, lte:, gt:, gte:, eq: or neq: if wanted"


_USER = (
    ID, REGION,
    Property("name"), Property("domainId"), Property("enabled", "boolean", default=True),
    Property("idpId", kept=True), Property("protocolId", kept=True), Property("uniqueId", kept=True),
    Property("passwordExpiresAt", kept=True, rule=_expiry),
    Property("defaultProjectId", output=True), Property("description", output=True),
)  # fmt: skip


def _user(cloud: Cloud, given: Given) -> Answer:
    asked = ("name", "domainId", "idpId", "protocolId", "uniqueId", "passwordExpiresAt")
    filters = {item.key: given[item.name] for item in _USER if item.name in asked and item.name in given}
    try:
        every: list[Thing] = [*users(cloud).list(**filters)]
    except NotFound:  # Keystone's answer for an identity provider that it does not know
        every = []
    user = only("user", fitting(_USER, every, given), given)
    return {**shown(_USER, user), "passwordExpiresAt": rfc3339(user.get("password_expires_at"))}


USER = Function("openstack:identity/getUser:getUser", _USER, _user)

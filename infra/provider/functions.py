"""The package's functions (`getRole`, ...): look something up that the program does not make itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.network import networks
from infra.cloud.role import role_named
from infra.errors import InfraError


class FunctionNotServed(InfraError):
    """This provider does not serve that function yet; the official one does."""

    code = "function_not_served"


def _role(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any]:
    found = role_named(cloud, given["name"], given.get("domainId", ""))
    if found is None:
        raise NotFound(f"there is no role named {given['name']}")
    return {"id": found["id"], "name": found["name"], "domainId": found.get("domain_id") or ""}


def _auth_scope(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": given["name"],
        "name": given["name"],
        "projectId": cloud.project_id,
        "userId": cloud.user_id,
    }


def _network(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any]:
    names = {"name": "name", "networkId": "id", "external": "router:external", "tenantId": "project_id"}
    filters = {names[name]: value for name, value in given.items() if name in names}
    found = networks(cloud).list(**filters)
    if len(found) != 1:
        raise NotFound(f"{len(found)} networks match {filters}, not one")
    return {
        "id": found[0]["id"],
        "name": found[0]["name"],
        "external": found[0].get("router:external", False),
    }


_SERVED: dict[str, Callable[[Cloud, Mapping[str, Any]], dict[str, Any]]] = {
    "openstack:identity/getAuthScope:getAuthScope": _auth_scope,
    "openstack:identity/getRole:getRole": _role,
    "openstack:networking/getNetwork:getNetwork": _network,
}


def call(cloud: Cloud, token: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The function's answer; raises FunctionNotServed, or NotFound where nothing (or too much) matches."""
    if token not in _SERVED:
        raise FunctionNotServed(f"function {token} is not served by this provider yet")
    return _SERVED[token](cloud, given)

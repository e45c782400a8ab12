"""The servers of an agency's landing zone, and what it takes to make things in the agency's project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pulumi import ResourceOptions
from pulumi_openstack import Provider, compute, identity, networking

from infra.domain.agency import Agency
from infra.domain.catalog import DEFAULT_ITEM, ITEM_KEY
from stacks.landing_zone.adopted import needs_project

Given: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """A provider whose token is for the project, None where nothing needs it, and what servers are given
    besides.
    """

    provider: Provider | None = None
    arguments: Given = field(default_factory=dict)


def scope_of(agency: Agency, project: identity.Project, given: Given, ssh_public_key: str) -> Scope:
    """Nova boots a server in the project of the token: this needs a role there and a provider of its own."""
    if not agency.servers and not needs_project(agency.adopted):
        return Scope()
    grant = {"user_id": given["operator_user_id"], "role_id": given["roles"]["member"]}
    duty = identity.RoleAssignment("operator", project_id=project.id, **grant)
    scoped = Provider("agency", tenant_id=project.id, opts=ResourceOptions(depends_on=[duty]))
    if not agency.servers:
        return Scope(scoped)
    keypair = compute.Keypair("keypair", name=f"{agency.code}-operator", public_key=ssh_public_key)
    opts = ResourceOptions(provider=scoped, ignore_changes=["imageId"])
    return Scope(scoped, {"opts": opts, "key_pair": keypair.name})


def servers(agency: Agency, given: Given, place: Given, scope: Scope) -> list[Given]:
    """A newer image of a name is for new servers; it never replaces one that stands (`ignore_changes`)."""
    made: list[Given] = []
    for spec in agency.servers:
        port = networking.Port(f"port-{(name := spec.name)}", name=name, **place)
        kind = {"flavor_id": given["flavors"][spec.flavor], "image_id": given["images"][spec.image]}
        if spec.item != DEFAULT_ITEM:
            kind["metadata"] = {ITEM_KEY: spec.item}
        server = compute.Instance(name, name=name, networks=[{"port": port.id}], **kind, **scope.arguments)
        made.append({"name": name, "id": server.id, "fixed_ip": port.all_fixed_ips[0], "floating_ip": ""})
        if spec.floating_ip:
            outside = {"pool": given["external_network"]["name"], "tenant_id": place["tenant_id"]}
            floating = networking.FloatingIp(f"address-{name}", **outside)
            networking.FloatingIpAssociate(f"address-{name}", floating_ip=floating.address, port_id=port.id)
            made[-1]["floating_ip"] = floating.address
    return made

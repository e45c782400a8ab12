"""Which module serves which type token. A type's module is imported when the engine first names it."""

from __future__ import annotations

import importlib
from functools import cache

from infra.errors import InfraError
from infra.provider.resource import Resource

_SERVED = {
    "openstack:blockstorage/quoteSetV3:QuoteSetV3": "quota:QuoteSetV3",
    "openstack:compute/aggregateV2:AggregateV2": "aggregate:AggregateV2",
    "openstack:compute/flavor:Flavor": "flavor:Flavor",
    "openstack:compute/instance:Instance": "instance:Instance",
    "openstack:compute/keypair:Keypair": "keypair:Keypair",
    "openstack:compute/quotaSetV2:QuotaSetV2": "quota:QuotaSetV2",
    "openstack:identity/groupV3:GroupV3": "group:GroupV3",
    "openstack:identity/project:Project": "project:Project",
    "openstack:identity/role:Role": "role:Role",
    "openstack:identity/roleAssignment:RoleAssignment": "role_assignment:RoleAssignment",
    "openstack:identity/user:User": "user:User",
    "openstack:images/image:Image": "image:Image",
    "openstack:networking/floatingIp:FloatingIp": "floating_ip:FloatingIp",
    "openstack:networking/floatingIpAssociate:FloatingIpAssociate": "floating_ip:FloatingIpAssociate",
    "openstack:networking/network:Network": "network:Network",
    "openstack:networking/port:Port": "port:Port",
    "openstack:networking/quotaV2:QuotaV2": "quota:QuotaV2",
    "openstack:networking/router:Router": "router:Router",
    "openstack:networking/routerInterface:RouterInterface": "router_interface:RouterInterface",
    "openstack:networking/secGroup:SecGroup": "security_group:SecGroup",
    "openstack:networking/secGroupRule:SecGroupRule": "security_group_rule:SecGroupRule",
    "openstack:networking/subnet:Subnet": "subnet:Subnet",
}


class TypeNotServed(InfraError):
    """This provider does not serve that resource type yet; the official one does."""

    code = "type_not_served"


def served() -> tuple[str, ...]:
    """Every type token that this provider serves."""
    return tuple(_SERVED)


@cache
def resource(token: str) -> Resource:
    """The resource type behind a token; raises TypeNotServed."""
    try:
        module, _, name = _SERVED[token].partition(":")
    except KeyError:
        raise TypeNotServed(f"type {token} is not served by this provider yet") from None
    loaded = getattr(importlib.import_module(f"infra.provider.{module}"), name)()
    assert isinstance(loaded, Resource)  # or the table above is wrong
    return loaded

"""Which module serves which type token. A type's module is imported when the engine first names it."""

from __future__ import annotations

import importlib
from functools import cache

from infra.errors import InfraError
from infra.provider.resource import Resource

_SERVED = {
    "openstack:blockstorage/qosAssociationV3:QosAssociationV3": ("volume_qos_association:QosAssociationV3"),
    "openstack:blockstorage/qosV3:QosV3": "volume_qos:QosV3",
    "openstack:blockstorage/quoteSetV3:QuoteSetV3": "quota:QuoteSetV3",
    "openstack:blockstorage/volume:Volume": "volume:Volume",
    "openstack:blockstorage/volumeAttach:VolumeAttach": "volume_host_attach:VolumeAttach",
    "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3": ("volume_type_access:VolumeTypeAccessV3"),
    "openstack:blockstorage/volumeTypeV3:VolumeTypeV3": "volume_type:VolumeTypeV3",
    "openstack:compute/aggregateV2:AggregateV2": "aggregate:AggregateV2",
    "openstack:compute/flavor:Flavor": "flavor:Flavor",
    "openstack:compute/flavorAccess:FlavorAccess": "flavor_access:FlavorAccess",
    "openstack:compute/instance:Instance": "instance:Instance",
    "openstack:compute/interfaceAttach:InterfaceAttach": "interface_attach:InterfaceAttach",
    "openstack:compute/keypair:Keypair": "keypair:Keypair",
    "openstack:compute/quotaSetV2:QuotaSetV2": "quota:QuotaSetV2",
    "openstack:compute/serverGroup:ServerGroup": "server_group:ServerGroup",
    "openstack:compute/volumeAttach:VolumeAttach": "volume_attach:VolumeAttach",
    "openstack:identity/applicationCredential:ApplicationCredential": (
        "application_credential:ApplicationCredential"
    ),
    "openstack:identity/groupV3:GroupV3": "group:GroupV3",
    "openstack:identity/inheritRoleAssignment:InheritRoleAssignment": (
        "inherit_role_assignment:InheritRoleAssignment"
    ),
    "openstack:identity/limitV3:LimitV3": "limit:LimitV3",
    "openstack:identity/project:Project": "project:Project",
    "openstack:identity/registeredLimitV3:RegisteredLimitV3": "registered_limit:RegisteredLimitV3",
    "openstack:identity/role:Role": "role:Role",
    "openstack:identity/roleAssignment:RoleAssignment": "role_assignment:RoleAssignment",
    "openstack:identity/user:User": "user:User",
    "openstack:identity/userMembershipV3:UserMembershipV3": "user_membership:UserMembershipV3",
    "openstack:images/image:Image": "image:Image",
    "openstack:images/imageAccess:ImageAccess": "image_access:ImageAccess",
    "openstack:networking/addressGroupV2:AddressGroupV2": "address_group:AddressGroupV2",
    "openstack:networking/addressScope:AddressScope": "address_scope:AddressScope",
    "openstack:networking/floatingIp:FloatingIp": "floating_ip:FloatingIp",
    "openstack:networking/floatingIpAssociate:FloatingIpAssociate": "floating_ip:FloatingIpAssociate",
    "openstack:networking/network:Network": "network:Network",
    "openstack:networking/port:Port": "port:Port",
    "openstack:networking/portForwardingV2:PortForwardingV2": "port_forwarding:PortForwardingV2",
    "openstack:networking/portSecGroupAssociate:PortSecGroupAssociate": (
        "port_security_groups:PortSecGroupAssociate"
    ),
    "openstack:networking/qosBandwidthLimitRule:QosBandwidthLimitRule": "qos_rule:QosBandwidthLimitRule",
    "openstack:networking/qosDscpMarkingRule:QosDscpMarkingRule": "qos_rule:QosDscpMarkingRule",
    "openstack:networking/qosMinimumBandwidthRule:QosMinimumBandwidthRule": (
        "qos_rule:QosMinimumBandwidthRule"
    ),
    "openstack:networking/qosPolicy:QosPolicy": "qos_policy:QosPolicy",
    "openstack:networking/quotaV2:QuotaV2": "quota:QuotaV2",
    "openstack:networking/rbacPolicyV2:RbacPolicyV2": "rbac_policy:RbacPolicyV2",
    "openstack:networking/router:Router": "router:Router",
    "openstack:networking/routerInterface:RouterInterface": "router_interface:RouterInterface",
    "openstack:networking/routerRoute:RouterRoute": "route:RouterRoute",
    "openstack:networking/secGroup:SecGroup": "security_group:SecGroup",
    "openstack:networking/secGroupRule:SecGroupRule": "security_group_rule:SecGroupRule",
    "openstack:networking/subnet:Subnet": "subnet:Subnet",
    "openstack:networking/subnetPool:SubnetPool": "subnet_pool:SubnetPool",
    "openstack:networking/subnetRoute:SubnetRoute": "route:SubnetRoute",
    "openstack:networking/trunk:Trunk": "trunk:Trunk",
}


class TypeNotServed(InfraError):
    """This provider does not serve that resource type yet; the official one does."""

    code = "type_not_served"


def served() -> tuple[str, ...]:
    """Every type token that this provider serves."""
    return tuple(_SERVED)


@cache
def resource(token: str) -> Resource:
    """The resource type behind a token; raises TypeNotServed. That of a resource in a component has the types
    of all its parents before it, as in a URN: `city:Server$openstack:compute/instance:Instance`.
    """
    try:
        module, _, name = _SERVED[token.rpartition("$")[2]].partition(":")
    except KeyError:
        raise TypeNotServed(f"type {token} is not served by this provider yet") from None
    loaded = getattr(importlib.import_module(f"infra.provider.{module}"), name)()
    assert isinstance(loaded, Resource)  # or the table above is wrong
    return loaded

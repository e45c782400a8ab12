"""In which order things are made; the reverse is the order in which they can be removed."""

from __future__ import annotations

_ORDER = (
    "Project", "User", "GroupV3", "RoleAssignment", "InheritRoleAssignment", "AddressScope", "SubnetPool",
    "QosPolicy", "Network", "Subnet", "Router", "RouterInterface", "RouterRoute", "RbacPolicyV2",
    "AddressGroupV2", "SecGroup", "SecGroupRule", "Port", "Trunk", "FloatingIp", "FloatingIpAssociate",
    "ServerGroup", "Image", "Volume", "snapshot", "backup", "Keypair", "ApplicationCredential", "Instance",
    "InterfaceAttach", "VolumeAttach",
)  # fmt: skip
_RANKS = {name: number for number, name in enumerate(_ORDER)}


def rank(token: str) -> int:
    """The place of a type in the order; one that is not listed comes last, as what hangs on others does."""
    return _RANKS.get(token.rpartition(":")[2], len(_ORDER))

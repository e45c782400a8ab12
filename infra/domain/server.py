"""Server: a virtual machine that an agency asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.domain.catalog import DEFAULT_ITEM
from infra.domain.flavor import Flavor
from infra.domain.image import Image
from infra.domain.quota import Quota


@dataclass(frozen=True)
class ServerSpec:
    """A server as the inventory asks for it; `flavor`, `image` and `item` (of the catalog) are names."""

    name: str
    flavor: str
    image: str
    floating_ip: bool = False
    item: str = DEFAULT_ITEM


def hypervisor_types_agree(flavor: Flavor, image: Image) -> bool:
    """Whether some type of hypervisor may run `image` at the size of `flavor`."""
    return (
        None in (flavor.hypervisor_type, image.hypervisor_type)
        or flavor.hypervisor_type == image.hypervisor_type
    )


def required_hypervisor_type(flavor: Flavor, image: Image) -> str | None:
    """The type of hypervisor that a server of this flavor and image needs; None: any."""
    return flavor.hypervisor_type or image.hypervisor_type


def usage(servers: Iterable[tuple[ServerSpec, Flavor]]) -> Quota:
    """What servers take from their project's quota (one port each)."""
    pairs = tuple(servers)
    return Quota(
        instances=len(pairs),
        cores=sum(flavor.vcpus for _, flavor in pairs),
        ram_mib=sum(flavor.memory_mib for _, flavor in pairs),
        floating_ips=sum(server.floating_ip for server, _ in pairs),
        ports=len(pairs),
    )

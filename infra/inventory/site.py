"""The site's variables: `group_vars/all.yml`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from infra.domain.network import ExternalNetwork, SiteNetwork
from infra.domain.site import Site
from infra.domain.volume_backend import LvmBackend, NfsBackend, RbdBackend, VolumeBackend
from infra.inventory.alerting import AlertingModel
from infra.inventory.lab import LabModel
from infra.inventory.portal_data import PortalModel
from infra.inventory.schema import Strict
from infra.inventory.sign_in import SignInModel
from infra.inventory.state_backend import StateBackend
from infra.inventory.value import (
    Address,
    Cidr,
    HostName,
    InterfaceName,
    Label,
    Name,
    Positive,
    refuse,
)

API_SERVICES = ("keystone", "glance", "placement", "nova", "neutron", "cinder")
"""Services whose number of API processes can be set."""


def _release(value: str) -> str:
    year, _, number = value.partition(".")
    if len(year) != 4 or not year.isascii() or not year.isdigit() or number not in ("1", "2"):
        raise refuse("is not an OpenStack release", 'write it in quotes like "2026.2"')
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        complete = False
    if not complete or parts.query or parts.fragment or parts.username is not None:
        raise refuse("is not a plain HTTP address", "write it like http://172.30.0.1:8090")
    return value


def _share(value: str) -> str:
    server, _, folder = value.partition(":")
    if not server or not folder.startswith("/") or not value.isprintable() or " " in value:
        raise refuse("is not an NFS share", "write it like 10.20.3.5:/export/volumes")
    return value


def _uuid(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
        raise refuse("is not a UUID", "write the output of `uuidgen`, in lower case")
    return value


_KEY_SERVICES = ("awskms", "azurekeyvault", "gcpkms", "hashivault")


def _secrets_provider(value: str) -> str:
    if value != "passphrase" and urlsplit(value).scheme not in _KEY_SERVICES:
        way_out = (
            f"write passphrase, or the URL of a key ({', '.join(f'{one}://...' for one in _KEY_SERVICES)})"
        )
        raise refuse("is no secrets provider of Pulumi", way_out)
    return value


class SiteNetworkModel(Strict):
    cidr: Cidr
    interface: InterfaceName


class ExternalNetworkModel(Strict):
    cidr: Cidr
    interface: InterfaceName
    gateway: Address
    first: Address
    last: Address
    mtu: int = Field(ge=1280, le=9216)
    vlan: Annotated[int, Field(ge=1, le=4094)] | None


class NfsModel(Strict):
    driver: Literal["nfs"]
    capacity_gib: Positive
    share: Annotated[str, AfterValidator(_share)]
    bind_mount: bool = False


class LvmModel(Strict):
    driver: Literal["lvm"]
    capacity_gib: Positive
    volume_group: Name


class RbdModel(Strict):
    driver: Literal["rbd"]
    capacity_gib: Positive
    pool: Name
    user: Name
    secret_uuid: Annotated[str, AfterValidator(_uuid)]


class ApiWorkersModel(Strict):
    """One field for each of `API_SERVICES`."""

    keystone: int = Field(default=1, ge=1, le=64)
    glance: int = Field(default=1, ge=1, le=64)
    placement: int = Field(default=1, ge=1, le=64)
    nova: int = Field(default=1, ge=1, le=64)
    neutron: int = Field(default=1, ge=1, le=64)
    cinder: int = Field(default=1, ge=1, le=64)


class SiteModel(Strict):
    """Every variable is required, so that the file says all that is true of the site; only `lab` and what has
    a default at the end may be absent.
    """

    site_name: Label
    region_name: Label
    openstack_release: Annotated[str, AfterValidator(_release)]
    ansible_user: Name
    management_network: SiteNetworkModel
    tunnel_network: SiteNetworkModel
    external_network: ExternalNetworkModel
    api_address: Address
    api_name: HostName
    depot_url: Annotated[str, AfterValidator(_url)]
    dns_servers: list[Address] = Field(max_length=8)
    time_servers: list[HostName] = Field(max_length=8)
    ovs_datapath: Literal["netdev", "system"]
    distributed_floating_ip: bool
    nova_cpu_mode: Literal["none", "host-model", "host-passthrough"]
    cpu_allocation_ratio: float = Field(gt=0, le=128)
    ram_allocation_ratio: float = Field(gt=0, le=16)
    quota_overcommit: float = Field(ge=1, le=1000)
    service_down_seconds: int = Field(ge=15, le=3600)
    volume_backend: Annotated[NfsModel | LvmModel | RbdModel, Field(discriminator="driver")]
    virtio_offload: bool
    api_workers: ApiWorkersModel
    pulumi_backend_url: StateBackend = ""
    pulumi_secrets_provider: Annotated[str, AfterValidator(_secrets_provider)] = "passphrase"
    alerting: AlertingModel | None = None
    sign_in: SignInModel | None = None
    portal: PortalModel = PortalModel()
    lab: LabModel | None = None


PLAIN_FIELDS = (
    "site_name",
    "region_name",
    "openstack_release",
    "ansible_user",
    "api_address",
    "api_name",
    "depot_url",
    "ovs_datapath",
    "distributed_floating_ip",
    "nova_cpu_mode",
    "cpu_allocation_ratio",
    "ram_allocation_ratio",
    "quota_overcommit",
    "service_down_seconds",
    "virtio_offload",
    "pulumi_backend_url",
    "pulumi_secrets_provider",
)


def to_site(model: SiteModel) -> Site:
    """The site as the domain knows it."""
    plain: dict[str, Any] = {name: getattr(model, name) for name in PLAIN_FIELDS}
    external = model.external_network
    return Site(
        **plain,
        management_network=SiteNetwork(model.management_network.cidr, model.management_network.interface),
        tunnel_network=SiteNetwork(model.tunnel_network.cidr, model.tunnel_network.interface),
        external_network=ExternalNetwork(
            **{name: getattr(external, name) for name in type(external).model_fields}
        ),
        dns_servers=tuple(model.dns_servers),
        time_servers=tuple(model.time_servers),
        volume_backend=_volume_backend(model.volume_backend),
        api_workers={service: getattr(model.api_workers, service) for service in API_SERVICES},
        alerting=model.alerting.to_domain() if model.alerting is not None else None,
        sign_in=model.sign_in.to_domain() if model.sign_in is not None else None,
        portal=model.portal.to_domain(),
    )


def _volume_backend(model: NfsModel | LvmModel | RbdModel) -> VolumeBackend:
    if isinstance(model, NfsModel):
        return NfsBackend(model.capacity_gib, model.share, model.bind_mount)
    if isinstance(model, LvmModel):
        return LvmBackend(model.capacity_gib, model.volume_group)
    return RbdBackend(model.capacity_gib, model.pool, model.user, model.secret_uuid)

"""Site: one data center, one OpenStack. Field names are the names of the variables in
`group_vars/all.yml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from infra.domain.alerting import Alerting
from infra.domain.network import ExternalNetwork, SiteNetwork
from infra.domain.portal_data import PortalData
from infra.domain.sign_in import SignInService
from infra.domain.volume_backend import VolumeBackend


@dataclass(frozen=True)
class Site:
    """What is true of the whole site. The comments of `inventories/lab/group_vars/all.yml` say why each
    exists.
    """

    site_name: str
    region_name: str
    openstack_release: str
    ansible_user: str
    management_network: SiteNetwork
    tunnel_network: SiteNetwork
    external_network: ExternalNetwork
    api_address: IPv4Address
    api_name: str
    depot_url: str
    dns_servers: tuple[IPv4Address, ...]
    time_servers: tuple[str, ...]
    ovs_datapath: str
    distributed_floating_ip: bool
    nova_cpu_mode: str
    cpu_allocation_ratio: float
    ram_allocation_ratio: float
    quota_overcommit: float
    service_down_seconds: int
    volume_backend: VolumeBackend
    virtio_offload: bool
    api_workers: Mapping[str, int] = field(hash=False)
    pulumi_backend_url: str = ""
    """Where the stacks' states are kept; "" is the site's own folder on the deploy host."""
    pulumi_secrets_provider: str = "passphrase"
    alerting: Alerting | None = None
    """Who is told of alerts by e-mail; None is nobody."""
    sign_in: SignInService | None = None
    """Where people sign in to the portal, beside Keystone's own users."""
    portal: PortalData = field(default_factory=PortalData)

    def workers(self, service: str) -> int:
        """Processes of an API; 1 unless `api_workers` says more."""
        return self.api_workers.get(service, 1)

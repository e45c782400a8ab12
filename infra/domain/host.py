"""Host: a physical server of the site (in the lab, a container that plays one)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from infra.domain.capacity import Capacity, allocatable

CONTROLLERS = "controllers"
GATEWAYS = "gateways"
HYPERVISORS = "hypervisors"
MONITORING = "monitoring"
PORTAL = "portal"
KEYCLOAK = "keycloak"
GROUPS = (CONTROLLERS, GATEWAYS, HYPERVISORS, MONITORING, PORTAL, KEYCLOAK)
"""What a server can be for; a server may be in several groups."""
OPTIONAL_GROUPS = frozenset({PORTAL, KEYCLOAK})
"""Groups without which there is a cloud all the same."""

_RUNS = {"kvm": {"kvm", "qemu"}, "qemu": {"qemu"}, "lxc": {"lxc"}, "fake": {"fake"}}


@dataclass(frozen=True)
class Host:
    """A server of the site: `address` on the management network, `tunnel_address` carries the agencies'
    traffic.

    The fields from `virt_type` on are None for a server that is not a hypervisor. `cpus` (threads),
    `memory_mib` and `disk_gib` are what the hypervisor offers to servers: what its own system keeps is
    already taken off. `fake_count` is the number of nova-compute processes with the fake driver (0 on real
    hypervisors); each of them offers `cpus`, `memory_mib` and `disk_gib`.
    """

    name: str
    address: IPv4Address
    tunnel_address: IPv4Address
    groups: frozenset[str]
    virt_type: str | None = None
    cpus: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    fake_count: int = 0

    @property
    def is_controller(self) -> bool:
        return CONTROLLERS in self.groups

    @property
    def is_gateway(self) -> bool:
        return GATEWAYS in self.groups

    @property
    def is_hypervisor(self) -> bool:
        return HYPERVISORS in self.groups

    @property
    def is_monitoring(self) -> bool:
        return MONITORING in self.groups

    @property
    def is_portal(self) -> bool:
        return PORTAL in self.groups

    @property
    def is_keycloak(self) -> bool:
        """Whether the agencies' people sign in at a Keycloak that runs here."""
        return KEYCLOAK in self.groups

    @property
    def is_fake(self) -> bool:
        """Whether its servers exist in Nova's books only; what it offers is then no promise of the real
        machine.
        """
        return self.virt_type == "fake"

    @property
    def compute_names(self) -> tuple[str, ...]:
        """Names under which its nova-compute processes appear in the cloud."""
        if not self.is_hypervisor:
            return ()
        if not self.is_fake:
            return (self.name,)
        return tuple(f"{self.name}-{number}" for number in range(self.fake_count))

    def runs(self, hypervisor_type: str | None) -> bool:
        """Whether servers that need `hypervisor_type` (None: any) can run here. KVM runs what qemu runs."""
        if self.virt_type is None:
            return False
        return hypervisor_type is None or hypervisor_type in _RUNS[self.virt_type]

    def capacity(self, cpu_ratio: float, ram_ratio: float) -> Capacity:
        """What one nova-compute here can allocate; disk is never overcommitted. Nothing on a
        non-hypervisor.
        """
        return Capacity(
            allocatable(self.cpus or 0, 0, cpu_ratio),
            allocatable(self.memory_mib or 0, 0, ram_ratio),
            self.disk_gib or 0,
        )

    @property
    def compute_count(self) -> int:
        """How many nova-compute processes run here."""
        return len(self.compute_names)

"""What the model cloud holds: hosts, projects and servers of a size, as the APIs would list them.

Everything is made once and by rule, so two runs see the same cloud. Placement's usages are the sum of the
flavors of the servers on a host, as they are when nothing has gone wrong.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Item = dict[str, Any]
DEFAULT_DOMAIN = "default"
SERVICE_PROJECT = "service"
ZONES = ("north", "south", "port")
VCPUS, MEMORY_MB, DISK_GB = 128, 1048576, 20000
RATIOS = {"VCPU": 4.0, "MEMORY_MB": 1.0, "DISK_GB": 1.0}
RESERVED = {"VCPU": 2, "MEMORY_MB": 8192, "DISK_GB": 100}
STAMP = "2026-11-23T10:00:00.000000"


def identity(kind: str, number: int) -> str:
    """The same UUID for the same thing, in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}-{number}"))


def hexadecimal(kind: str, number: int) -> str:
    """As Keystone writes UUIDs."""
    return identity(kind, number).replace("-", "")


@dataclass(frozen=True)
class World:
    """A cloud of so many hosts, projects and servers. An agency (domain) has two projects."""

    hosts: int
    projects: int
    servers: int
    flavors: int = 20
    images: int = 60

    def host(self, number: int) -> str:
        return f"hv{number:04}.city.example"

    def zone(self, host: int) -> str:
        return ZONES[host % len(ZONES)]

    def project(self, number: int) -> str:
        return hexadecimal("project", number)

    @cached_property
    def domains(self) -> list[Item]:
        own = [_domain(hexadecimal("domain", n), f"agency{n:03}") for n in range((self.projects + 1) // 2)]
        return [_domain(DEFAULT_DOMAIN, "Default"), *own]

    @cached_property
    def project_list(self) -> list[Item]:
        own = [
            _project(self.project(n), f"project{n:04}", hexadecimal("domain", n // 2))
            for n in range(self.projects)
        ]
        return [_project(hexadecimal("service", 0), SERVICE_PROJECT, DEFAULT_DOMAIN), *own]

    @cached_property
    def flavor_list(self) -> list[Item]:
        return [_flavor(n) for n in range(self.flavors)]

    @cached_property
    def server_list(self) -> list[Item]:
        """Newest first, as nova lists them."""
        return [self._server(n) for n in reversed(range(self.servers))]

    @cached_property
    def hypervisors(self) -> list[Item]:
        return [self._hypervisor(n) for n in range(self.hosts)]

    @cached_property
    def compute_services(self) -> list[Item]:
        controllers = [
            _service(name, f"ctl{n}", "internal", n + 10 * kind)
            for kind, name in enumerate(("nova-scheduler", "nova-conductor"))
            for n in range(3)
        ]
        return controllers + [
            _service("nova-compute", self.host(n), self.zone(n), 1000 + n) for n in range(self.hosts)
        ]

    @cached_property
    def aggregates(self) -> list[Item]:
        return [
            {
                "id": number + 1, "uuid": identity("aggregate", number), "name": zone,
                "availability_zone": zone,
                "hosts": [self.host(n) for n in range(self.hosts) if self.zone(n) == zone],
                "metadata": {"availability_zone": zone}, "created_at": STAMP, "updated_at": None,
                "deleted": False, "deleted_at": None,
            }
            for number, zone in enumerate(ZONES)
        ]  # fmt: skip

    @cached_property
    def usages(self) -> list[Counter[str]]:
        """What servers hold on each host, in Placement's units."""
        found: list[Counter[str]] = [Counter(VCPU=0, MEMORY_MB=0, DISK_GB=0) for _ in range(self.hosts)]
        for n in range(self.servers):
            found[n % self.hosts].update(self.demand(n))
        return found

    @cached_property
    def held(self) -> list[Counter[str]]:
        """Instances, cores and MiB that each project holds."""
        found: list[Counter[str]] = [Counter(instances=0, cores=0, ram=0) for _ in range(self.projects)]
        for n in range(self.servers):
            demand = self.demand(n)
            found[n % self.projects].update(instances=1, cores=demand["VCPU"], ram=demand["MEMORY_MB"])
        return found

    @cached_property
    def servers_by_host(self) -> list[list[int]]:
        return [list(range(host, self.servers, self.hosts)) for host in range(self.hosts)]

    def demand(self, server: int) -> dict[str, int]:
        flavor = self.flavor_list[server % self.flavors]
        return {"VCPU": flavor["vcpus"], "MEMORY_MB": flavor["ram"], "DISK_GB": flavor["disk"]}

    def _server(self, number: int) -> Item:
        status = {0: "SHUTOFF", 1: "ERROR"}.get(number % 50, "ACTIVE")
        host, project = number % self.hosts, number % self.projects
        floating = (number,) if number % 5 == 0 else ()
        return {
            "id": identity("server", number), "name": f"vm{number:05}", "status": status,
            "tenant_id": self.project(project), "user_id": hexadecimal("user", project),
            "metadata": {"city:deployment": identity("deployment", number)},
            "hostId": hexadecimal("host", host) * 2,
            "image": {"id": identity("image", number % self.images), "links": []},
            "flavor_number": number % self.flavors, "created": "2026-10-01T08:00:00Z",
            "updated": "2026-11-01T08:00:00Z", "addresses": {
                f"net{project}": [
                    _address(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "fixed"),
                    *(_address(f"203.0.{n >> 8 & 255}.{n & 255}", "floating") for n in floating),
                ]
            },
            "accessIPv4": "", "accessIPv6": "", "links": [], "OS-DCF:diskConfig": "MANUAL", "progress": 0,
            "OS-EXT-AZ:availability_zone": self.zone(host), "config_drive": "", "key_name": None,
            "OS-SRV-USG:launched_at": STAMP, "OS-SRV-USG:terminated_at": None,
            "OS-EXT-SRV-ATTR:host": self.host(host), "OS-EXT-SRV-ATTR:hypervisor_hostname": self.host(host),
            "OS-EXT-SRV-ATTR:instance_name": f"instance-{number:08x}", "OS-EXT-STS:task_state": None,
            "OS-EXT-STS:vm_state": {"SHUTOFF": "stopped", "ERROR": "error"}.get(status, "active"),
            "OS-EXT-STS:power_state": 1 if status == "ACTIVE" else 4, "locked": False, "locked_reason": None,
            "os-extended-volumes:volumes_attached": [], "security_groups": [{"name": "baseline"}],
            "trusted_image_certificates": None, "tags": [], "server_groups": [], "description": None,
        }  # fmt: skip

    def _hypervisor(self, number: int) -> Item:
        used = self.usages[number]
        return {
            "id": identity("hypervisor", number), "hypervisor_hostname": self.host(number), "state": "up",
            "status": "enabled", "hypervisor_type": "QEMU", "hypervisor_version": 7002022,
            "host_ip": f"172.20.{number >> 8}.{number & 255}", "servers": [], "uptime": None,
            "service": {"id": identity("service-nova-compute", 1000 + number), "host": self.host(number),
                        "disabled_reason": None},
            "vcpus": VCPUS, "vcpus_used": used["VCPU"], "memory_mb": MEMORY_MB,
            "memory_mb_used": used["MEMORY_MB"] + RESERVED["MEMORY_MB"],
            "free_ram_mb": MEMORY_MB - RESERVED["MEMORY_MB"] - used["MEMORY_MB"], "local_gb": DISK_GB,
            "local_gb_used": used["DISK_GB"], "free_disk_gb": DISK_GB - used["DISK_GB"],
            "disk_available_least": DISK_GB // 2, "running_vms": len(self.servers_by_host[number]),
            "current_workload": 0,
            "cpu_info": {"arch": "x86_64", "model": "EPYC-Rome", "vendor": "AMD", "features": ["pge", "avx2"],
                         "topology": {"cells": 2, "sockets": 1, "cores": 32, "threads": 2}},
        }  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """Networks, addresses, volumes and images of a world, as Neutron, Cinder and Glance list them."""

    world: World
    _cache: dict[str, list[Item]] = field(default_factory=dict)

    def listing(self, kind: str) -> list[Item]:
        if kind not in self._cache:
            self._cache[kind] = [*getattr(self, "_" + kind)()]
        return self._cache[kind]

    def _agents(self) -> Any:
        for n in range(self.world.hosts):
            for kind, binary in (("OVN Controller agent", "ovn-controller"),
                                 ("OVN Metadata agent", "neutron-ovn-metadata-agent")):  # fmt: skip
                yield {
                    "id": identity(binary, n), "agent_type": kind, "binary": binary,
                    "host": self.world.host(n),
                    "alive": True, "admin_state_up": True, "availability_zone": self.world.zone(n),
                    "heartbeat_timestamp": "2026-11-23 10:00:00", "started_at": "2026-10-01 08:00:00",
                    "created_at": "2026-10-01 08:00:00", "topic": "n/a", "configurations": {},
                    "resources_synced": None, "description": "",
                }  # fmt: skip

    def _networks(self) -> Any:
        yield {"id": identity("network", -1), "name": "external", "project_id": hexadecimal("service", 0),
               "tenant_id": hexadecimal("service", 0), "router:external": True, "shared": False,
               "admin_state_up": True, "status": "ACTIVE", "subnets": [identity("subnet", -1)], "mtu": 1500,
               "provider:network_type": "flat", "provider:physical_network": "external"}  # fmt: skip
        for n in range(self.world.projects):
            yield {"id": identity("network", n), "name": f"net{n}", "project_id": self.world.project(n),
                   "tenant_id": self.world.project(n), "router:external": False, "shared": False,
                   "admin_state_up": True, "status": "ACTIVE", "subnets": [identity("subnet", n)],
                   "mtu": 1442,
                   "provider:network_type": "geneve", "provider:physical_network": None}  # fmt: skip

    def _subnets(self) -> Any:
        yield {"id": identity("subnet", -1), "name": "external", "network_id": identity("network", -1),
               "cidr": "203.0.0.0/16", "ip_version": 4, "project_id": hexadecimal("service", 0),
               "tenant_id": hexadecimal("service", 0),
               "enable_dhcp": False, "gateway_ip": "203.0.0.1", "dns_nameservers": [], "subnetpool_id": None,
               "allocation_pools": [{"start": "203.0.0.10", "end": "203.0.255.250"}]}  # fmt: skip
        for n in range(self.world.projects):
            yield {"id": identity("subnet", n), "name": f"net{n}", "network_id": identity("network", n),
                   "cidr": f"10.{n >> 8}.{n & 255}.0/24", "ip_version": 4,
                   "project_id": self.world.project(n),
                   "tenant_id": self.world.project(n),
                   "enable_dhcp": True, "gateway_ip": f"10.{n >> 8}.{n & 255}.1", "dns_nameservers": [],
                   "subnetpool_id": None, "allocation_pools": []}  # fmt: skip

    def _availabilities(self) -> Any:
        for subnet, network in zip(self.listing("subnets"), self.listing("networks"), strict=True):
            used = len(range(0, self.world.servers, 5)) if network["router:external"] else 20
            total = 65000 if network["router:external"] else 252
            yield {"network_id": network["id"], "network_name": network["name"],
                   "project_id": network["project_id"], "tenant_id": network["project_id"],
                   "total_ips": total, "used_ips": used, "subnet_ip_availability": [
                       {"subnet_id": subnet["id"], "subnet_name": subnet["name"], "cidr": subnet["cidr"],
                        "ip_version": 4, "total_ips": total, "used_ips": used}]}  # fmt: skip

    def _routers(self) -> Any:
        for n in range(self.world.projects):
            yield {"id": identity("router", n), "name": f"router{n}", "status": "ACTIVE",
                   "admin_state_up": True, "project_id": self.world.project(n),
                   "tenant_id": self.world.project(n), "ha": False, "distributed": False,
                   "external_gateway_info": {"network_id": identity("network", -1)}}  # fmt: skip

    def _ports(self) -> Any:
        for n in range(self.world.servers):
            yield {"id": identity("port", n), "name": "", "status": "ACTIVE", "device_owner": "compute:nova",
                   "device_id": identity("server", n), "network_id": identity("network",
                   n % self.world.projects),
                   "project_id": self.world.project(n % self.world.projects),
                   "mac_address": "fa:16:3e:00:00:01",
                   "tenant_id": self.world.project(n % self.world.projects),
                   "admin_state_up": True, "binding:host_id": self.world.host(n % self.world.hosts),
                   "binding:vif_type": "ovs", "fixed_ips": [
                       {"subnet_id": identity("subnet", n % self.world.projects),
                           "ip_address": "10.0.0.2"}]}  # fmt: skip
        for n in range(self.world.projects * 3):
            yield {"id": identity("port-x", n), "name": "", "status": "ACTIVE",
                   "device_owner": "network:router_interface", "device_id": identity("router", n // 3),
                   "network_id": identity("network", n // 3), "project_id": self.world.project(n // 3),
                   "tenant_id": self.world.project(n // 3),
                   "mac_address": "fa:16:3e:00:00:02", "admin_state_up": True, "binding:host_id": "",
                   "binding:vif_type": "unbound", "fixed_ips": [
                       {"subnet_id": identity("subnet", n // 3), "ip_address": "10.0.0.1"}]}  # fmt: skip

    def _floatingips(self) -> Any:
        for n in range(0, self.world.servers, 5):
            yield {"id": identity("fip", n), "status": "ACTIVE", "port_id": identity("port", n),
                   "floating_network_id": identity("network", -1),
                   "router_id": identity("router", n % self.world.projects),
                   "project_id": self.world.project(n % self.world.projects),
                   "tenant_id": self.world.project(n % self.world.projects), "fixed_ip_address": "10.0.0.2",
                   "floating_ip_address": f"203.0.{n >> 8 & 255}.{n & 255}", "description": ""}  # fmt: skip

    def _security_groups(self) -> Any:
        for n in range(self.world.projects * 2):
            yield {"id": identity("group", n), "name": "baseline" if n % 2 else "default",
                   "project_id": self.world.project(n // 2), "tenant_id": self.world.project(n // 2),
                   "description": "", "stateful": True, "security_group_rules": [
                       {"id": identity("rule", n * 4 + r), "direction": "ingress", "ethertype": "IPv4",
                        "security_group_id": identity("group", n)} for r in range(4)]}  # fmt: skip

    def _volumes(self) -> Any:
        for n in range(0, self.world.servers, 2):
            yield {"id": identity("volume", n), "name": f"disk{n}", "size": 20,
                   "status": "error" if n % 500 == 0 else "in-use", "volume_type": "standard",
                   "bootable": "false", "encrypted": False, "multiattach": False, "created_at": STAMP,
                   "availability_zone": "nova", "user_id": hexadecimal("user", n % self.world.projects),
                   "os-vol-tenant-attr:tenant_id": self.world.project(n % self.world.projects),
                   "os-vol-host-attr:host": "ctl0@ceph#ceph", "metadata": {}, "snapshot_id": None,
                   "source_volid": None, "links": [], "attachments": [
                       {"server_id": identity("server", n), "volume_id": identity("volume", n),
                        "device": "/dev/vdb"}]}  # fmt: skip

    def _snapshots(self) -> Any:
        for n in range(0, self.world.servers, 20):
            yield {"id": identity("snapshot", n), "name": f"before{n}", "status": "available", "size": 20,
                   "volume_id": identity("volume", n), "created_at": STAMP, "metadata": {},
                   "os-extended-snapshot-attributes:project_id": self.world.project(n % self.world.projects),
                   "os-extended-snapshot-attributes:progress": "100%"}  # fmt: skip

    def _images(self) -> Any:
        for n in range(self.world.images):
            yield {"id": identity("image", n), "name": f"debian-{n}", "status": "active", "size": 2**30,
                   "visibility": "public" if n % 2 else "private", "disk_format": "qcow2",
                   "container_format": "bare", "owner": hexadecimal("service", 0), "min_disk": 2,
                   "min_ram": 0, "created_at": "2026-10-01T08:00:00Z", "updated_at": "2026-10-01T08:00:00Z",
                   "tags": [], "checksum": "0" * 32, "protected": False, "os_hidden": False}  # fmt: skip

    def _volume_services(self) -> Any:
        for binary, host in (("cinder-scheduler", "ctl0"), ("cinder-scheduler", "ctl1"),
                             ("cinder-volume", "ctl0@ceph"), ("cinder-backup", "ctl0")):  # fmt: skip
            yield {"binary": binary, "host": host, "zone": "nova", "status": "enabled", "state": "up",
                   "updated_at": STAMP, "disabled_reason": None}  # fmt: skip


def _domain(number: str, name: str) -> Item:
    return {"id": number, "name": name, "enabled": True, "description": "", "tags": [], "options": {}}


def _project(number: str, name: str, domain: str) -> Item:
    return {"id": number, "name": name, "domain_id": domain, "parent_id": domain, "enabled": True,
            "is_domain": False, "description": "", "tags": [], "options": {}, "links": {}}  # fmt: skip


def _flavor(number: int) -> Item:
    vcpus = 2 ** (number % 4)
    return {"id": identity("flavor", number), "name": f"c{vcpus}.m{number // 4 + 1}", "vcpus": vcpus,
            "ram": vcpus * 1024 * (number // 4 + 1), "disk": 20, "swap": "", "OS-FLV-EXT-DATA:ephemeral": 0,
            "OS-FLV-DISABLED:disabled": False, "os-flavor-access:is_public": True, "rxtx_factor": 1.0,
            "description": None, "extra_specs": {}, "links": []}  # fmt: skip


def _service(binary: str, host: str, zone: str, number: int) -> Item:
    return {"id": identity(f"service-{binary}", number), "binary": binary, "host": host, "zone": zone,
            "status": "enabled", "state": "up", "updated_at": STAMP, "disabled_reason": None,
            "forced_down": False}  # fmt: skip


def _address(address: str, kind: str) -> Item:
    return {
        "addr": address,
        "version": 4,
        "OS-EXT-IPS:type": kind,
        "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01",
    }

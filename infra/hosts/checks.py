"""Rules that a server must keep before City Cloud deploys on it: facts in, problems out.

Each rule yields what is wrong, as findings. A rule that a deployed server would break must not stand here:
the same checks run before every later deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from infra.domain.host import Host
from infra.domain.site import Site
from infra.hosts import ports
from infra.hosts.facts import ServerFacts

OS_ID, OS_VERSION = "debian", "12"
ARCHITECTURE = "x86_64"
CLOCK_SECONDS = 5.0  # Keystone's tokens and certificates tolerate this; a time service then removes it
MIB_KIB = 1024
GIB = 1024**3
LOOPBACK_PREFIX = "127."


@dataclass(frozen=True)
class Minimum:
    """What a server must have for its own work, beside what a hypervisor offers to guests."""

    cpus: int
    memory_mib: int
    free_gib: int


CONTROLLER = Minimum(cpus=2, memory_mib=4096, free_gib=15)
"""Databases, message queue and APIs of an idle cloud take 3 GiB; packages and images 8 GiB of disk."""
OTHER = Minimum(cpus=1, memory_mib=1024, free_gib=8)
"""System, Open vSwitch, nova-compute or Prometheus; packages and the environment take 3 GiB."""


@dataclass(frozen=True)
class Finding:
    """A broken rule. `variable` is the host's in the inventory; empty if none of them can be wrong."""

    variable: str
    value: str
    why: str
    way_out: str


@dataclass(frozen=True)
class Subject:
    """A server under check. `depot_digest` is the deploy host's; None: it has no depot to compare with."""

    host: Host
    site: Site
    facts: ServerFacts
    addresses: dict[str, IPv4Address]
    depot_digest: str | None


Rule = Callable[[Subject], Iterator[Finding]]


def operating_system(subject: Subject) -> Iterator[Finding]:
    facts = subject.facts
    if (facts.os_id, facts.os_version) != (OS_ID, OS_VERSION):
        found = f"{facts.os_id or 'unknown'} {facts.os_version}".strip()
        yield Finding("", found, "the packages of the depot are for Debian 12", "install Debian 12")
    if facts.architecture != ARCHITECTURE:
        yield Finding(
            "", facts.architecture, f"the depot is for {ARCHITECTURE}", "use a server of that architecture"
        )


def name(subject: Subject) -> Iterator[Finding]:
    if subject.facts.hostname != subject.host.name:
        yield Finding(
            "",
            subject.facts.hostname,
            "the server's hostname is not its name in the inventory; the cloud would call it so",
            f"on the server: hostnamectl set-hostname {subject.host.name}; or correct the address",
        )


def size(subject: Subject) -> Iterator[Finding]:
    host, facts = subject.host, subject.facts
    own = CONTROLLER if host.is_controller else OTHER
    offers = host.is_hypervisor and not host.is_fake
    cpus = max(own.cpus, (host.cpus or 0) if offers else 0)
    memory = own.memory_mib + ((host.memory_mib or 0) if offers else 0)
    disk = own.free_gib + ((host.disk_gib or 0) if offers else 0)
    if facts.cpus < cpus:
        yield Finding("cpus", str(facts.cpus), f"the server needs {cpus} CPUs", _lower("cpus", offers))
    if facts.memory_kib < memory * MIB_KIB:
        has = f"{facts.memory_kib // MIB_KIB} MiB"
        yield Finding("memory_mib", has, f"the server needs {memory} MiB", _lower("memory_mib", offers))
    if facts.free_bytes < disk * GIB:
        has = f"{facts.free_bytes // GIB} GiB free"
        yield Finding(
            "disk_gib", has, f"the server needs {disk} GiB below /var/lib", _lower("disk_gib", offers)
        )


def _lower(variable: str, offers: bool) -> str:
    return f"use a larger server{f', or offer less to guests: lower {variable}' if offers else ''}"


def clock(subject: Subject) -> Iterator[Finding]:
    offset = subject.facts.clock_offset
    if abs(offset) > CLOCK_SECONDS:
        side = "ahead of" if offset > 0 else "behind"
        yield Finding(
            "",
            f"{abs(offset):.0f} s {side} the deploy host",
            f"tokens and certificates fail when clocks differ by more than {CLOCK_SECONDS:.0f} s",
            "set the clock of the server, or of the deploy host if that one is wrong",
        )


def interfaces(subject: Subject) -> Iterator[Finding]:
    site, host = subject.site, subject.host
    management = IPv4Interface(f"{host.address}/{site.management_network.cidr.prefixlen}")
    yield from _interface(subject, site.management_network.interface, "ansible_host", management)
    if not (host.is_gateway or host.is_hypervisor) or host.is_fake:
        return
    tunnel = IPv4Interface(f"{host.tunnel_address}/{site.tunnel_network.cidr.prefixlen}")
    # with the userspace datapath the address goes to a bridge of Open vSwitch, which the playbooks make
    wanted = tunnel if site.ovs_datapath == "system" else None
    yield from _interface(subject, site.tunnel_network.interface, "tunnel_address", wanted)
    if host.is_gateway or site.distributed_floating_ip:
        yield from _interface(subject, site.external_network.interface, "", None)


def _interface(
    subject: Subject, link: str, variable: str, address: IPv4Interface | None
) -> Iterator[Finding]:
    found = subject.facts.addresses.get(link)
    if found is None:
        known = ", ".join(sorted(subject.facts.addresses)) or "none"
        yield Finding(
            "", known, f"the server has no interface {link}", f"name or connect its interface {link}"
        )
    elif address is not None and str(address) not in found:
        yield Finding(
            variable,
            ", ".join(found) or "no address",
            f"{link} of the server must have {address}",
            f"give {address} to {link} of the server, or write the server's own address",
        )


def names(subject: Subject) -> Iterator[Finding]:
    """A name that is not known yet is fine: the playbooks tell the servers each other's names."""
    for known, address in subject.addresses.items():
        found = [one for one in subject.facts.resolved.get(known, ()) if not one.startswith(LOOPBACK_PREFIX)]
        if found and str(address) not in found:
            yield Finding(
                "",
                f"{known} is {', '.join(found)}",
                f"the name {known} leads elsewhere than to {address}",
                "correct the name service or /etc/hosts of the server, or the inventory",
            )


def free_ports(subject: Subject) -> Iterator[Finding]:
    for port in ports.needed(subject.host):
        strangers = [unit for unit in subject.facts.listeners.get(port.number, ()) if unit not in port.units]
        if strangers:
            yield Finding(
                "",
                f"port {port.number}: {', '.join(strangers)}",
                f"the port is needed for {port.purpose}, and another program listens there",
                f"stop it on the server: systemctl disable --now {strangers[0]}",
            )


def depot(subject: Subject) -> Iterator[Finding]:
    facts, url = subject.facts, subject.site.depot_url
    if facts.depot_digest is None:
        yield Finding(
            "", url, f"the server cannot read the depot: {facts.depot_error}", "serve the depot at depot_url"
        )
    elif subject.depot_digest is not None and facts.depot_digest != subject.depot_digest:
        yield Finding(
            "",
            url,
            "the depot that the server sees is not the deploy host's: their manifests differ",
            "copy the deploy host's depot to the server of depot_url, or correct depot_url",
        )


def virtualisation(subject: Subject) -> Iterator[Finding]:
    kind, facts = subject.host.virt_type, subject.facts
    if kind == "kvm" and not facts.kvm:
        yield Finding(
            "virt_type",
            "kvm",
            "/dev/kvm does not work there",
            "switch virtualisation on in the firmware, or use qemu",
        )
    if kind == "lxc":
        for device in ("/dev/fuse", "/dev/loop-control"):
            if device not in facts.devices:
                yield Finding(
                    "virt_type", "lxc", f"the server has no {device}", "load its kernel module, or use qemu"
                )


def datapath(subject: Subject) -> Iterator[Finding]:
    host, facts = subject.host, subject.facts
    if not (host.is_gateway or host.is_hypervisor) or host.is_fake:
        return
    if subject.site.ovs_datapath == "system" and not facts.openvswitch:
        yield Finding(
            "",
            "system",
            "the server's kernel has no openvswitch module",
            "boot Debian's kernel, or set ovs_datapath: netdev",
        )
    if subject.site.ovs_datapath == "netdev" and "/dev/net/tun" not in facts.devices:
        yield Finding("", "netdev", "the server has no /dev/net/tun", "load the module tun")


RULES: tuple[Rule, ...] = (
    operating_system, name, size, clock, interfaces, names, free_ports, depot, virtualisation, datapath,
)  # fmt: skip


def check(subject: Subject) -> list[Finding]:
    """Everything that is wrong with one server."""
    return [finding for rule in RULES for finding in rule(subject)]

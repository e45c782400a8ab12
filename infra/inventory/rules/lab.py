"""Lab: the servers that are made are the servers of hosts.yml, with the same addresses."""

from __future__ import annotations

from collections.abc import Iterator

from infra.domain.lab import LabServer
from infra.domain.site import Site
from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.wording import choose


def every_host_is_a_lab_server_and_no_other(draft: Draft) -> Iterator[Problem]:
    if draft.lab is None:
        return
    made = {server.name for server in draft.lab.value.servers}
    for name in sorted(made - draft.hosts.names):
        way_out = choose(name, draft.hosts.names, "remove it")
        yield draft.lab.problem(f"servers.{name}", name, "is an unknown host", way_out)
    for host in draft.hosts.entries:
        if host.value.name not in made:
            why = "is in hosts.yml, but nothing says how to make it"
            yield draft.lab.problem(
                f"servers.{host.value.name}", "", why, "add it, or remove it from hosts.yml"
            )


def lab_interfaces_join_known_bridges(draft: Draft) -> Iterator[Problem]:
    if draft.lab is None:
        return
    bridges = {bridge.name: bridge for bridge in draft.lab.value.bridges}
    for server in draft.lab.value.servers:
        for interface in server.interfaces:
            key = f"servers.{server.name}.{interface.name}"
            bridge = bridges.get(interface.bridge)
            if bridge is None:
                way_out = choose(interface.bridge, bridges, "add it to lab.bridges")
                yield draft.lab.problem(f"{key}.bridge", interface.bridge, "is an unknown bridge", way_out)
            elif None not in (interface.address, bridge.address) and (
                interface.address.network != bridge.address.network  # type: ignore[union-attr]
            ):
                why = f"is in another network than bridge {bridge.name} with {bridge.address}"
                yield draft.lab.problem(
                    f"{key}.address", interface.address, why, "use an address of that network"
                )


def lab_servers_have_the_site_s_interfaces_and_addresses(draft: Draft) -> Iterator[Problem]:
    if draft.lab is None or draft.site is None:
        return
    site = draft.site.value
    servers = {server.name: server for server in draft.lab.value.servers}
    for host in draft.hosts.entries:
        server = servers.get(host.value.name)
        if server is None:
            continue
        ports = {interface.name: interface.address for interface in server.interfaces}
        for name, interface in _interfaces(site):
            if interface not in ports:
                why = f"has no interface {interface}, which {name} asks for"
                yield draft.lab.problem(f"servers.{server.name}", "", why, f"add {interface}")
        yield from _address(draft, server, site.management_network.interface, str(host.value.address))


def _interfaces(site: Site) -> tuple[tuple[str, str], ...]:
    return (
        ("management_network", site.management_network.interface),
        ("tunnel_network", site.tunnel_network.interface),
        ("external_network", site.external_network.interface),
    )


def _address(draft: Draft, server: LabServer, interface: str, expected: str) -> Iterator[Problem]:
    found = next((one.address for one in server.interfaces if one.name == interface), None)
    has_port = any(one.name == interface for one in server.interfaces)
    if draft.lab is not None and has_port and (found is None or str(found.ip) != expected):
        why = f"differs from the ansible_host {expected} of {server.name}"
        yield draft.lab.problem(
            f"servers.{server.name}.{interface}.address", found, why, "write the same address"
        )


RULES = (
    every_host_is_a_lab_server_and_no_other,
    lab_interfaces_join_known_bridges,
    lab_servers_have_the_site_s_interfaces_and_addresses,
)

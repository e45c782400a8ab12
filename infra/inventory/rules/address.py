"""Addresses: each in its network, and each given once."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from infra.domain.network import is_usable
from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.rules.repetition import repeated
from infra.inventory.schema import Located


def host_addresses_are_unique(draft: Draft) -> Iterator[Problem]:
    hosts = draft.hosts.entries
    yield from repeated(((host.value.address, host) for host in hosts), "ansible_host", "ansible_host")
    yield from repeated(
        ((host.value.tunnel_address, host) for host in hosts), "tunnel_address", "tunnel_address"
    )


def host_addresses_are_inside_their_networks(draft: Draft) -> Iterator[Problem]:
    if draft.site is None:
        return
    site = draft.site.value
    for host in draft.hosts.entries:
        pairs = (
            ("ansible_host", host.value.address, "management_network", site.management_network.cidr),
            ("tunnel_address", host.value.tunnel_address, "tunnel_network", site.tunnel_network.cidr),
        )
        for key, address, name, network in pairs:
            yield from _inside(host, key, address, name, network)


def _inside(
    place: Located[object], key: str, address: IPv4Address, name: str, network: IPv4Network
) -> Iterator[Problem]:
    if not is_usable(address, network):
        way_out = f"use an address between {network[1]} and {network[-2]}, or correct {name}"
        yield place.problem(
            key, address, f"is outside {name} {network} (or its first or last address)", way_out
        )


def the_api_address_is_free_and_inside_the_management_network(draft: Draft) -> Iterator[Problem]:
    if draft.site is None:
        return
    site = draft.site.value
    yield from _inside(
        draft.site, "api_address", site.api_address, "management_network", site.management_network.cidr
    )
    for host in draft.hosts.entries:
        if host.value.address == site.api_address:
            why = f"is already the address of {host.value.name}, and keepalived needs one of its own"
            yield draft.site.problem("api_address", site.api_address, why, "choose a free address")


def the_external_gateway_is_inside_the_external_network(draft: Draft) -> Iterator[Problem]:
    if draft.site is None:
        return
    external = draft.site.value.external_network
    yield from _inside(
        draft.site, "external_network.gateway", external.gateway, "external_network", external.cidr
    )


def the_external_pool_is_a_range_inside_its_network_without_the_gateway(draft: Draft) -> Iterator[Problem]:
    if draft.site is None:
        return
    external, place = draft.site.value.external_network, draft.site
    for key, address in (("first", external.first), ("last", external.last)):
        yield from _inside(place, f"external_network.{key}", address, "external_network", external.cidr)
    if external.first > external.last:
        why = f"is above last {external.last}: the pool is empty"
        yield place.problem("external_network.first", external.first, why, "swap first and last")
    elif external.pool_contains(external.gateway):
        why = f"is inside the pool {external.first} to {external.last}, so that a server could be given it"
        yield place.problem(
            "external_network.gateway", external.gateway, why, "begin the pool behind the gateway"
        )


RULES = (
    host_addresses_are_unique,
    host_addresses_are_inside_their_networks,
    the_api_address_is_free_and_inside_the_management_network,
    the_external_gateway_is_inside_the_external_network,
    the_external_pool_is_a_range_inside_its_network_without_the_gateway,
)

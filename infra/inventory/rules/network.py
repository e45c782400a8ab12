"""Networks: none overlaps another, and each is of a kind and size that servers can use."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from infra.domain.network import overlapping
from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.schema import Located

SITE_NETWORKS = ("management_network", "tunnel_network", "external_network")
SMALLEST_PREFIX, LARGEST_PREFIX = 28, 16
"""Prefix lengths of agencies' networks: 14 to 65,534 addresses."""


def networks_do_not_overlap(draft: Draft) -> Iterator[Problem]:
    named: dict[str, tuple[Located[object], str, IPv4Network]] = {}
    if draft.site is not None:
        for name in SITE_NETWORKS:
            named[name] = (draft.site, f"{name}.cidr", getattr(draft.site.value, name).cidr)
    for agency in draft.agencies.entries:
        named[f"{agency.key} ({agency.value.code})"] = (agency, "network", agency.value.network)
    for earlier, later in overlapping((name, network) for name, (_, _, network) in named.items()):
        place, key, network = named[later]
        why = f"overlaps {earlier} {named[earlier][2]}"
        yield place.problem(key, network, why, "give it a range that no other network has")


def agency_networks_have_a_usable_size(draft: Draft) -> Iterator[Problem]:
    for agency in draft.agencies.entries:
        network = agency.value.network
        if not LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX:
            why = f"has prefix /{network.prefixlen}"
            yield agency.problem(
                "network", network, why, f"use a prefix from /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}"
            )


def agency_networks_are_ordinary(draft: Draft) -> Iterator[Problem]:
    """Guests could not use such addresses; link-local holds the metadata address."""
    for agency in draft.agencies.entries:
        network = agency.value.network
        if network.is_loopback or network.is_link_local or network.is_multicast or network.is_reserved:
            why = "is a range with a meaning of its own (loopback, link-local, multicast or reserved)"
            yield agency.problem("network", network, why, "use a private range, such as one of 10.0.0.0/8")


def site_networks_have_room(draft: Draft) -> Iterator[Problem]:
    if draft.site is None:
        return
    for name in SITE_NETWORKS:
        network = getattr(draft.site.value, name).cidr
        if network.prefixlen > 30 or network.prefixlen < 8:
            yield draft.site.problem(
                f"{name}.cidr", network, f"has prefix /{network.prefixlen}", "use /8 to /30"
            )


RULES = (
    networks_do_not_overlap,
    agency_networks_have_a_usable_size,
    agency_networks_are_ordinary,
    site_networks_have_room,
)

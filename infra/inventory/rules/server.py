"""Servers of agencies: known flavors and images that go together, within the quota, and room for all."""

from __future__ import annotations

from collections.abc import Iterator

from infra.domain import quota as quotas
from infra.domain.capacity import Capacity
from infra.domain.capacity import total as total_capacity
from infra.domain.catalog import DEFAULT_ITEM
from infra.domain.flavor import Flavor
from infra.domain.image import Image
from infra.domain.server import ServerSpec, hypervisor_types_agree, required_hypervisor_type, usage
from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.schema import Located
from infra.inventory.wording import choose


def flavors_and_images_are_known(draft: Draft) -> Iterator[Problem]:
    for place in _servers(draft):
        pairs = (
            ("flavor", place.value.flavor, draft.flavors.names),
            ("image", place.value.image, draft.images.names),
        )
        for key, name, known in pairs:
            if known and name not in known:
                way_out = choose(name, known, f"add the {key} to platform.yaml")
                yield place.problem(key, name, f"is not a known {key}", way_out)


def items_are_known(draft: Draft) -> Iterator[Problem]:
    """An item that is there and not valid has a problem of its own already, and so has a missing default."""
    catalog = draft.catalog
    if catalog is not None and not catalog.names:
        return
    known = {DEFAULT_ITEM} | (catalog.names if catalog is not None else set())
    other = {item.name for item in catalog.values if item.kind != "server"} if catalog is not None else set()
    for place in _servers(draft):
        name = place.value.item
        if name in known - other:
            continue
        why = "is not a server's item" if name in other else "is not an item of the catalog"
        yield place.problem("item", name, why, choose(name, known - other, "add it to catalog.yaml"))


def names_are_unique_within_an_agency(draft: Draft) -> Iterator[Problem]:
    for agency in draft.agencies.entries:
        names = [server.name for server in agency.value.servers]
        for index, name in enumerate(names):
            if name in names[:index]:
                why = f"is already the name of servers[{names.index(name)}] of {agency.value.code}"
                yield agency.problem(f"servers[{index}].name", name, why, "choose another name")


def images_go_with_their_flavors(draft: Draft) -> Iterator[Problem]:
    for place, flavor, image in _resolved(draft):
        if hypervisor_types_agree(flavor, image):
            continue
        runs, sized = image.hypervisor_type, flavor.hypervisor_type
        why = f"runs on {runs} hypervisors, but flavor {flavor.name} is for {sized} hypervisors"
        fitting = [one.name for one in draft.images.values if hypervisor_types_agree(flavor, one)]
        choice = f"use an image for it ({', '.join(sorted(fitting))})" if fitting else "use another flavor"
        way_out = f"{choice}, or a flavor for {runs} hypervisors"
        yield place.problem("image", image.name, why, way_out)


def images_fit_on_the_disks_of_their_flavors(draft: Draft) -> Iterator[Problem]:
    for place, flavor, image in _resolved(draft):
        if image.min_disk_gib > flavor.disk_gib:
            why = (
                f"has a disk of {flavor.disk_gib} GiB, but image {image.name} needs {image.min_disk_gib} GiB"
            )
            yield place.problem("flavor", flavor.name, why, "use a flavor with a larger disk")


def servers_stay_within_their_agency_s_quota(draft: Draft) -> Iterator[Problem]:
    flavors = {flavor.name: flavor for flavor in draft.flavors.values}
    for agency in draft.agencies.entries:
        size, servers = agency.value.size, agency.value.servers
        if size not in draft.quotas:
            continue
        quota = agency.value.quota_in(draft.quotas)
        pairs = [(one.to_domain(), flavors[one.flavor]) for one in servers if one.flavor in flavors]
        for excess in quotas.exceeding(quotas.LANDING_ZONE_USAGE + usage(pairs), quota):
            why = (
                f"landing zone and servers of {agency.value.code} take {excess.wanted} {excess.resource}, "
                f"but size class {size} allows {excess.limit}"
            )
            way_out = f"ask for fewer or smaller servers, or raise size_classes.{size}.{excess.resource}"
            yield agency.problem("servers" if servers else "size", excess.wanted, why, way_out)


def all_servers_together_fit_on_the_hypervisors(draft: Draft) -> Iterator[Problem]:
    """Quotas may be overcommitted, the servers that the inventory asks for on day one may not."""
    if draft.site is None or not draft.hosts.complete or not draft.agencies.entries:
        return
    ratios = draft.site.value.cpu_allocation_ratio, draft.site.value.ram_allocation_ratio
    needs: dict[str | None, Capacity] = {}
    for _, flavor, image in _resolved(draft):
        kind = required_hypervisor_type(flavor, image)
        needs[kind] = needs.get(kind, Capacity()) + flavor.size
    for kind, need in needs.items():
        able = [host for host in draft.hypervisors if host.runs(kind)]
        offer = total_capacity(host.capacity(*ratios) for host in able for _ in host.compute_names)
        if not offer.holds(need):
            why = (
                f"the servers of all agencies need {need}, but the {kind or 'site'} hypervisors offer {offer}"
            )
            way_out = "ask for fewer or smaller servers, or add hypervisors"
            yield Problem(draft.agencies.entries[0].file, "agencies[*].servers", "", why, way_out)


def _servers(draft: Draft) -> Iterator[Located[ServerSpec]]:
    for agency in draft.agencies.entries:
        for index, server in enumerate(agency.value.servers):
            yield Located(agency.file, f"{agency.key}.servers[{index}]", server.to_domain())


def _resolved(draft: Draft) -> Iterator[tuple[Located[ServerSpec], Flavor, Image]]:
    """Servers whose flavor and image are there and valid."""
    flavors = {flavor.name: flavor for flavor in draft.flavors.values}
    images = {image.name: image for image in draft.images.values}
    for place in _servers(draft):
        flavor, image = flavors.get(place.value.flavor), images.get(place.value.image)
        if flavor is not None and image is not None:
            yield place, flavor, image


RULES = (
    flavors_and_images_are_known,
    items_are_known,
    names_are_unique_within_an_agency,
    images_go_with_their_flavors,
    images_fit_on_the_disks_of_their_flavors,
    servers_stay_within_their_agency_s_quota,
    all_servers_together_fit_on_the_hypervisors,
)

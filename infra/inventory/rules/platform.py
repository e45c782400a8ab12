"""Platform: names that stand once, and flavors and aggregates that the hypervisors can honour."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.rules.repetition import repeated
from infra.inventory.wording import choose


def names_are_unique(draft: Draft) -> Iterator[Problem]:
    for items in (draft.flavors, draft.images, draft.aggregates):
        yield from repeated(((entry.value.name, entry) for entry in items.entries), "name", "name")


def every_flavor_fits_on_some_hypervisor(draft: Draft) -> Iterator[Problem]:
    if draft.site is None or not draft.hosts.complete:
        return
    site = draft.site.value
    for entry in draft.flavors.entries:
        flavor = entry.value
        able = [host for host in draft.hypervisors if host.runs(flavor.hypervisor_type)]
        offers = [(h, h.capacity(site.cpu_allocation_ratio, site.ram_allocation_ratio)) for h in able]
        if not able:
            there = ", ".join(sorted({str(host.virt_type) for host in draft.hypervisors}))
            why = f"is a type that no hypervisor has; the site has {there}"
            yield entry.problem(
                "hypervisor_type", flavor.hypervisor_type, why, "correct it, or add such a hypervisor"
            )
        elif not any(offer.holds(flavor.size) for _, offer in offers):
            host, offer = max(offers, key=lambda pair: (pair[1].ram_mib, pair[1].cores, pair[1].disk_gib))
            why = f"needs {flavor.size}, which no hypervisor has; the largest, {host.name}, offers {offer}"
            yield entry.problem(
                "name", flavor.name, why, "make the flavor smaller, or add a larger hypervisor"
            )


def aggregates_name_known_hypervisors(draft: Draft) -> Iterator[Problem]:
    known = {host.name: host for host in draft.hosts.values}
    for entry in draft.aggregates.entries:
        for index, name in enumerate(entry.value.hosts):
            host = known.get(name)
            if name not in draft.hosts.names:
                way_out = choose(name, draft.hosts.names, "add the host to hosts.yml")
                yield entry.problem(f"hosts[{index}]", name, "is an unknown host", way_out)
            elif host is not None and not host.is_hypervisor:
                why = "is not a hypervisor"
                yield entry.problem(
                    f"hosts[{index}]", name, why, "name hypervisors only, or add it to that group"
                )
            elif name in entry.value.hosts[:index]:
                yield entry.problem(f"hosts[{index}]", name, "stands twice in this aggregate", "remove one")


RULES = (names_are_unique, every_flavor_fits_on_some_hypervisor, aggregates_name_known_hypervisors)

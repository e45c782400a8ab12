"""The catalog against the platform: a size that names a flavor takes from the quota what the flavor is."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft


def sizes_take_what_their_flavor_is(draft: Draft) -> Iterator[Problem]:
    """A choice whose value is no flavor's name is no size of a server."""
    flavors = {one.name: one for one in draft.flavors.values}
    for place in draft.catalog.entries if draft.catalog is not None else ():
        for at, parameter in enumerate(place.value.parameters):
            for index, choice in enumerate(parameter.choices):
                flavor = flavors.get(choice.value)
                if flavor is None:
                    continue
                said = (choice.takes.instances, choice.takes.cores, choice.takes.ram_mib)
                if said != (1, flavor.vcpus, flavor.memory_mib):
                    yield place.problem(
                        f"parameters[{at}].choices[{index}].takes", choice.value,
                        "takes something else than a server of this flavor",
                        f"write instances: 1, cores: {flavor.vcpus}, ram_mib: {flavor.memory_mib}",
                    )  # fmt: skip


RULES = (sizes_take_what_their_flavor_is,)

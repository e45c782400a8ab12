"""Contract classes are given to agencies and catalog items that there are."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.wording import choose


def contracted_agencies_are_known(draft: Draft) -> Iterator[Problem]:
    if draft.contract is None or not draft.agencies.complete:
        return
    contract = draft.contract.value
    named = {f"agencies.{code}": code for code in contract.agencies}
    named |= {f"workloads.{one}": one.partition("/")[0] for one in contract.workloads}
    for key, code in named.items():
        if code not in draft.agencies.names:
            way_out = choose(code, draft.agencies.names, "remove the line")
            yield draft.contract.problem(key, code, "is not the code of an agency", way_out)


def contracted_items_are_known(draft: Draft) -> Iterator[Problem]:
    if draft.contract is None or draft.catalog is None or not draft.catalog.names:
        return
    for name in draft.contract.value.items:
        if name not in draft.catalog.names:
            way_out = choose(name, draft.catalog.names, "remove the line")
            yield draft.contract.problem(f"items.{name}", name, "is not an item of the catalog", way_out)


RULES = (contracted_agencies_are_known, contracted_items_are_known)

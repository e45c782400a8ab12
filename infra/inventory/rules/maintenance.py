"""Maintenance windows have names of their own, and are for agencies that there are."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.wording import choose


def window_ids_differ(draft: Draft) -> Iterator[Problem]:
    seen: set[str] = set()
    for one in draft.maintenance.entries:
        if one.value.id in seen:
            yield one.problem("id", one.value.id, "is the id of another window too", "give it another id")
        seen.add(one.value.id)


def agencies_under_maintenance_are_known(draft: Draft) -> Iterator[Problem]:
    if not draft.agencies.complete:
        return
    for one in draft.maintenance.entries:
        for index, code in enumerate(one.value.agencies):
            if code not in draft.agencies.names:
                way_out = choose(code, draft.agencies.names, "remove it")
                yield one.problem(f"agencies[{index}]", code, "is not the code of an agency", way_out)


RULES = (window_ids_differ, agencies_under_maintenance_are_known)

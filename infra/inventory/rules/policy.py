"""Policies are exempted for agencies that there are: a name with a slip in it would exempt nobody."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.wording import choose


def exempted_agencies_are_known(draft: Draft) -> Iterator[Problem]:
    if draft.policies is None or not draft.agencies.complete:
        return
    for index, one in enumerate(draft.policies.value.exemptions):
        if one.agency not in ("", "*") and one.agency not in draft.agencies.names:
            way_out = choose(one.agency, draft.agencies.names, "remove the exemption")
            where = f"exemptions[{index}].agency"
            yield draft.policies.problem(where, one.agency, "is not the code of an agency", way_out)


RULES = (exempted_agencies_are_known,)

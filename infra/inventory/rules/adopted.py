"""What was adopted belongs to agencies that there are, each thing once."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.wording import choose


def adopting_agencies_are_known(draft: Draft) -> Iterator[Problem]:
    if draft.adopted is None or not draft.agencies.complete:
        return
    for code in draft.adopted.value:
        if code not in draft.agencies.names:
            way_out = choose(code, draft.agencies.names, "remove what it adopted")
            yield draft.adopted.problem(code, code, "is not the code of an agency", way_out)


def what_is_adopted_has_names_of_its_own(draft: Draft) -> Iterator[Problem]:
    for code, adopted in draft.adopted.value.items() if draft.adopted else ():
        for part in ("resources", "properties"):
            names = [(one.type, one.name) for one in getattr(adopted, part)]
            for index, name in enumerate(names):
                if name in names[:index] and draft.adopted:
                    why = f"stands twice with type {name[0]}"
                    where = f"{code}.{part}[{index}].name"
                    yield draft.adopted.problem(where, name[1], why, "keep one of the two, or rename it")


def no_thing_is_adopted_twice(draft: Draft) -> Iterator[Problem]:
    """What two declare, the first that lets go of it deletes for both."""
    first: dict[tuple[str, str], str] = {}
    for code, adopted in draft.adopted.value.items() if draft.adopted else ():
        for index, one in enumerate(adopted.resources):
            here = f"{code}.resources[{index}]"
            there = first.setdefault((one.type, one.id), here)
            if one.id and there != here and draft.adopted:
                why = f"is already adopted as {draft.adopted.key}.{there}"
                yield draft.adopted.problem(f"{here}.id", one.id, why, "keep one of the two")


RULES = (adopting_agencies_are_known, what_is_adopted_has_names_of_its_own, no_thing_is_adopted_twice)

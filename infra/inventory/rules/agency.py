"""Agencies: codes and size classes."""

from __future__ import annotations

from collections.abc import Iterator

from infra.domain.agency import RESERVED_CODES
from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.rules.repetition import repeated
from infra.inventory.wording import choose


def codes_are_unique(draft: Draft) -> Iterator[Problem]:
    yield from repeated(((agency.value.code, agency) for agency in draft.agencies.entries), "code", "code")


def codes_are_not_reserved(draft: Draft) -> Iterator[Problem]:
    for agency in draft.agencies.entries:
        if agency.value.code in RESERVED_CODES:
            yield agency.problem(
                "code", agency.value.code, "is a name that Keystone uses itself", "choose another code"
            )


def size_classes_are_known(draft: Draft) -> Iterator[Problem]:
    for agency in draft.agencies.entries:
        size = agency.value.size
        if size not in draft.size_class_names:
            way_out = choose(size, draft.size_class_names, "add it to size_classes")
            yield agency.problem("size", size, "is not a known size class", way_out)


def at_most_one_agency_operates_the_cloud(draft: Draft) -> Iterator[Problem]:
    operators = [agency for agency in draft.agencies.entries if agency.value.operator]
    for agency in operators[1:]:
        why = f"is the second operator; {operators[0].value.code} is already one"
        yield agency.problem("operator", True, why, "let one agency run the cloud")


RULES = (
    codes_are_unique,
    codes_are_not_reserved,
    size_classes_are_known,
    at_most_one_agency_operates_the_cloud,
)

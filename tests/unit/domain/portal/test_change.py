"""What of a deployment can be changed: what the catalog names, never to something smaller; what it takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.change import Change, check_change, offered
from infra.domain.flavor import Flavor
from infra.domain.parameter import ChangePolicy, Choice, Parameter, ParameterKind
from infra.domain.quota import NO_QUOTA, RESOURCES, Quota
from infra.domain.words import Words

LABEL = Words("a", "a")
FLAVORS = {
    one.name: one
    for one in (
        Flavor("c.small", 1, 512, 2, "lxc"), Flavor("c.large", 2, 1024, 2, "lxc"),
        Flavor("v.small", 1, 512, 20, "qemu"), Flavor("v.large", 4, 4096, 40, "qemu"),
    )
}  # fmt: skip
SIZE = Parameter(
    "size", ParameterKind.CHOICE, LABEL, default="c.small", change=ChangePolicy.REQUESTED,
    choices=tuple(
        Choice(one.name, LABEL, takes=Quota(instances=1, cores=one.vcpus, ram_mib=one.memory_mib))
        for one in FLAVORS.values()
    ),
)  # fmt: skip
VOLUME = Parameter(
    "volume", ParameterKind.INTEGER, LABEL, required=False, minimum=1, maximum=50, takes=Quota(gigabytes=1),
    takes_once=Quota(volumes=1), unless={"size": ("c.small", "c.large")}, change=ChangePolicy.REQUESTED,
)  # fmt: skip
PUBLIC = Parameter(
    "public", ParameterKind.SWITCH, LABEL, takes=Quota(floating_ips=1), change=ChangePolicy.ALLOWED
)
DATABASE = Parameter("database", ParameterKind.TEXT, LABEL, pattern="[a-z]+")
ALL = (SIZE, VOLUME, PUBLIC, DATABASE)
STOOD = {"size": "v.small", "volume": "", "public": "false", "database": "hoso"}


def wrong(before: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    return {name: told.en for name, told in check_change(ALL, before, given, FLAVORS).problems}


@pytest.mark.parametrize(
    ("before", "given", "field", "told"),
    [
        ({}, {"size": "c.small"}, "size", "container never becomes"),
        ({"size": "c.small"}, {"size": "v.small"}, "size", "container never becomes"),
        ({"size": "c.small"}, {"size": "c.large"}, "size", "lose its disk"),
        ({"size": "v.large"}, {"size": "v.small"}, "size", "does not shrink"),
        ({"volume": "5"}, {"volume": "4"}, "volume", "only grows: it is 5"),
        ({"volume": "5"}, {"volume": ""}, "volume", "only grows"),
        ({}, {"volume": "51"}, "volume", "at most 50"),
        ({}, {"volume": "viele"}, "volume", "whole number"),
        ({"volume": "5"}, {"volume": "-1"}, "volume", "whole number"),
        ({"size": "c.small"}, {"volume": "5"}, "volume", "cannot be had"),
        ({}, {"database": "khac"}, "database", "stays as it was made"),
        ({}, {"colour": "red"}, "colour", "no such field"),
        ({}, {"size": "v.huge"}, "size", "of the list"),
        ({"size": "gone"}, {"public": "true"}, "size", "of the list"),
    ],
)
def test_what_cannot_be_changed_is_told_by_its_field(
    before: dict[str, str], given: dict[str, str], field: str, told: str
) -> None:
    found = wrong({**STOOD, **before}, given)
    assert told in found[field]


@pytest.mark.parametrize(
    ("before", "given", "takes", "stays", "allowed"),
    [
        ({}, {"size": "v.large"}, Quota(instances=1, cores=4, ram_mib=4096), {"size"}, False),
        ({}, {"volume": " 5 "},
         Quota(instances=1, cores=1, ram_mib=512, volumes=1, gigabytes=5), set(), False),
        ({"volume": "5"}, {"volume": "9"},
         Quota(instances=1, cores=1, ram_mib=512, volumes=1, gigabytes=9), {"volume"}, False),
        ({}, {"public": "true"}, Quota(instances=1, cores=1, ram_mib=512, floating_ips=1), set(), True),
        ({"public": "true"}, {"public": "false"}, Quota(instances=1, cores=1, ram_mib=512), set(), True),
        ({}, {"public": "true", "volume": "1"},
         Quota(instances=1, cores=1, ram_mib=512, volumes=1, gigabytes=1, floating_ips=1), set(), False),
    ],
)  # fmt: skip
def test_a_change_takes_what_is_there_afterwards_and_knows_what_cannot_be_taken_back(
    before: dict[str, str], given: dict[str, str], takes: Quota, stays: set[str], allowed: bool
) -> None:
    stood = {**STOOD, **before}
    found = check_change(ALL, stood, given, FLAVORS)
    assert found.problems == ()
    assert found.takes == takes
    assert set(found.stays) == stays
    assert found.allowed is allowed
    assert {name: found.values[name] for name in found.changed} == {
        name: value.strip() for name, value in given.items()
    }
    untouched = set(stood) - set(given)
    assert {name: found.values[name] for name in untouched} == {name: stood[name] for name in untouched}


def test_a_form_that_says_what_stands_changes_nothing() -> None:
    found = check_change(ALL, STOOD, dict(STOOD), FLAVORS)
    assert (found.changed, found.problems, found.allowed) == ((), (), False)


def test_a_parameter_that_is_newer_than_what_stands_is_not_switched_on_by_its_default() -> None:
    newer = Parameter("fast", ParameterKind.SWITCH, LABEL, default="true", takes=Quota(cores=9))
    found = check_change((*ALL, newer), STOOD, {"size": "v.large"}, FLAVORS)
    assert found.problems == ()
    assert found.takes.cores == 4
    assert "fast" not in found.values


def test_only_what_it_can_become_is_offered() -> None:
    sizes = {one.name: one for one in offered(ALL, {**STOOD, "volume": "5"}, FLAVORS)}
    assert [choice.value for choice in sizes["size"].choices] == ["v.small", "v.large"]
    assert (sizes["volume"].minimum, sizes["volume"].required) == (5, True)
    assert "database" not in sizes
    container = [one.name for one in offered(ALL, {**STOOD, "size": "c.small"}, FLAVORS)]
    assert container == ["public"]
    full = offered(ALL, {**STOOD, "size": "v.large", "volume": "50"}, FLAVORS)
    assert [one.name for one in full] == ["public"]


@given(
    st.fixed_dictionaries({
        "size": st.sampled_from([*FLAVORS]), "volume": st.sampled_from(["", "1", "7", "50"]),
        "public": st.sampled_from(["true", "false"]), "database": st.just("hoso"),
    }),
    st.dictionaries(
        st.sampled_from(["size", "volume", "public", "database", "other"]),
        st.one_of(st.sampled_from(["", "3", "50", "true", "false", *FLAVORS]), st.text(max_size=5)),
    ),
)  # fmt: skip
def test_whatever_is_asked_a_change_that_is_right_shrinks_nothing_and_is_offered(
    stood: dict[str, str], asked: dict[str, str]
) -> None:
    if stood["size"].startswith("c."):
        stood["volume"] = ""
    found = check_change(ALL, stood, asked, FLAVORS)
    if found.problems or not found.changed:
        return
    after, before = FLAVORS[found.values["size"]], FLAVORS[stood["size"]]
    assert after.hypervisor_type == before.hypervisor_type
    assert after == before or after.hypervisor_type != "lxc"
    assert after.disk_gib >= before.disk_gib
    assert int(found.values["volume"] or 0) >= int(stood["volume"] or 0)
    assert not (found.values["volume"] and after.hypervisor_type == "lxc")
    can = {one.name: one for one in offered(ALL, stood, FLAVORS)}
    assert set(found.changed) <= set(can)
    for name in found.changed:
        assert can[name].check(found.values[name]) is None


GROWN = Change(
    "d", "web-1", {"size": "v.small", "volume": "5", "public": "false"}, Quota(cores=1, gigabytes=5),
    Quota(cores=4, gigabytes=9), {"size": Quota(cores=3), "volume": Quota(gigabytes=4)},
)  # fmt: skip
AFTER = {"size": "v.large", "volume": "9", "public": "true"}


@pytest.mark.parametrize(
    ("there", "values", "takes"),
    [
        ({}, GROWN.before, GROWN.took),
        ({"size": "v.small", "volume": "5"}, GROWN.before, GROWN.took),
        ({"size": "v.small", "volume": "9"}, {**GROWN.before, "volume": "9"}, Quota(cores=1, gigabytes=9)),
        ({"size": "v.large", "volume": "9", "public": "true"},
         {**GROWN.before, "size": "v.large", "volume": "9"}, GROWN.takes),
    ],
)  # fmt: skip
def test_what_is_taken_back_is_as_it_was_but_for_what_has_grown_in_the_cloud(
    there: dict[str, str], values: dict[str, str], takes: Quota
) -> None:
    assert GROWN.undone(AFTER, there) == (values, takes)


@given(*[st.builds(Quota, **{name: st.integers(0, 9) for name in RESOURCES})] * 2)
def test_a_difference_and_what_of_it_is_more(one: Quota, other: Quota) -> None:
    assert one + (other - one) == other
    growth = (other - one).growth
    assert all(getattr(growth, name) >= 0 for name in RESOURCES)
    assert (one + growth) - other == (one - other).growth
    assert (one - one).growth == NO_QUOTA

"""What is entered is checked by the schema alone, and counted by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.parameter import Choice, Parameter, ParameterKind, check_values
from infra.domain.price import PriceList
from infra.domain.quota import NO_QUOTA, Quota
from infra.domain.words import Words

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0gJ0pMRIh3TtoaITAnMS42WOgpcFZ4k5Vx0mVlyB4P an@sotc"
LABEL = Words("a", "a")


def make(kind: ParameterKind, **more: object) -> Parameter:
    return Parameter("p", kind, LABEL, **more)  # type: ignore[arg-type]


SIZES = make(
    ParameterKind.CHOICE,
    choices=(Choice("s", LABEL, takes=Quota(cores=1)), Choice("l", LABEL, takes=Quota(cores=4))),
)
DISK = make(ParameterKind.INTEGER, minimum=1, maximum=50, takes=Quota(gigabytes=1))
NAME = make(ParameterKind.TEXT, minimum=2, maximum=5, pattern="[a-z]+")
SWITCH = make(ParameterKind.SWITCH, takes=Quota(floating_ips=1))
SSH = make(ParameterKind.SSH_KEY)


@pytest.mark.parametrize(
    ("parameter", "value", "told"),
    [
        (SIZES, "xl", "value of the list"), (SIZES, "", "needed"), (DISK, "0", "at least 1"),
        (DISK, "51", "at most 50"), (DISK, "1.5", "whole number"), (DISK, "-1", "whole number"),
        (DISK, "٣", "whole number"), (DISK, "9" * 400, "whole number"), (NAME, "a", "at least 2"),
        (NAME, "abcdef", "at most 5"), (NAME, "AB", "form"), (NAME, "a\nb", "one line"),
        (SWITCH, "maybe", "yes or no"), (SSH, "ssh-ed25519 AAAA", "no public SSH key"),
        (SSH, "-----BEGIN OPENSSH PRIVATE KEY-----", "private key"), (SSH, KEY.replace("ssh-ed", "ssh-fd"),
        "no public"), (SSH, "ssh-rsa " + KEY.split()[1], "no public SSH key"), (SSH, KEY + "\nssh-rsa x",
        "no public SSH key"), (SSH, "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", "no public SSH key"),
    ],
)  # fmt: skip
def test_a_value_that_is_wrong_is_told(parameter: Parameter, value: str, told: str) -> None:
    ((name, words),) = check_values([parameter], {"p": value}).problems
    assert name == "p"
    assert told in words.en
    assert words.vi


@pytest.mark.parametrize(
    ("size", "disk", "told", "takes"),
    [
        ("s", "5", "It cannot be had where", Quota(cores=1)),
        ("s", "", "", Quota(cores=1)),
        ("l", "5", "", Quota(cores=4, gigabytes=5, volumes=1)),
        ("l", "", "", Quota(cores=4)),
    ],
)
def test_what_another_choice_excludes_is_told_and_an_optional_volume_counts_when_it_is_asked_for(
    size: str, disk: str, told: str, takes: Quota
) -> None:
    sizes = replace(SIZES, name="size")
    disks = replace(
        DISK, name="disk", required=False, takes_once=Quota(volumes=1), unless={"size": ("s",)}
    )  # fmt: skip
    for parameters in ([sizes, disks], [disks, sizes]):
        checked = check_values(parameters, {"size": size, "disk": disk})
        assert [(name, told in words.en) for name, words in checked.problems] == (
            [("disk", True)] if told else []
        )
        assert checked.takes == takes


@pytest.mark.parametrize(
    ("parameter", "value", "takes"),
    [
        (SIZES, "l", Quota(cores=4)), (DISK, " 7 ", Quota(gigabytes=7)), (NAME, "abc", NO_QUOTA),
        (SWITCH, "true", Quota(floating_ips=1)), (SWITCH, "false", NO_QUOTA), (SWITCH, "", NO_QUOTA),
        (SSH, KEY, NO_QUOTA),
    ],
)  # fmt: skip
def test_a_value_that_is_right_takes_what_the_schema_says(
    parameter: Parameter, value: str, takes: Quota
) -> None:
    checked = check_values([parameter], {"p": value})
    assert checked.problems == ()
    assert checked.takes == takes


@given(given_=st.dictionaries(st.sampled_from(["p", "q"]), st.text(max_size=50)))
@pytest.mark.parametrize("parameter", [SIZES, DISK, NAME, SWITCH, SSH], ids=lambda one: one.kind)
def test_no_text_at_all_breaks_the_check(parameter: Parameter, given_: dict[str, str]) -> None:
    checked = check_values([parameter], given_)
    if not checked.problems:
        assert set(given_) <= {"p"}


def test_a_field_that_the_catalog_does_not_have_is_told() -> None:
    ((name, words),) = check_values([], {"quota": "999"}).problems
    assert (name, words.en) == ("quota", "The catalog has no such field.")


def test_a_price_is_a_sum_over_what_is_taken() -> None:
    prices = PriceList(core=100, memory_gib=50, volume_gib=2, address=7)
    lines = prices.of(Quota(instances=9, cores=3, ram_mib=1536, gigabytes=10))
    assert [(label.en, vnd) for label, vnd in lines] == [
        ("CPU cores", 300), ("Memory", 75), ("Volume space", 20),
    ]  # fmt: skip

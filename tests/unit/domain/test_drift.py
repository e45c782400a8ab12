"""When a report is clean, what it counts, and what its times mean."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.drift import Choice, DriftReport, Finding, Orphan, StackDrift, finding_id, moment, oldest

TAKEN = "2026-11-24T03:00:00+00:00"
NOW = dt.datetime(2026, 11, 24, 3, tzinfo=dt.UTC)
FOUND = Finding("11112222", "foreign", "sxd", "type", "name", "identity", "sentence")


def make_stack(*findings: Finding, unread: str = "") -> StackDrift:
    return StackDrift("sxd", "lab-sxd", 20, TAKEN, TAKEN, findings, unread)


def make_orphan(created: str = "", kind: str = "volume") -> Orphan:
    return Orphan("11112222", kind, "old", "id", "gone", created, "sentence")


def make_report(*stacks: StackDrift, orphans: tuple[Orphan, ...] = (), unread: str = "") -> DriftReport:
    return DriftReport("lab", TAKEN, 1.0, stacks, orphans, TAKEN, unread)


@pytest.mark.parametrize(
    ("report", "whole", "clean"),
    [
        (make_report(), True, True),
        (make_report(make_stack()), True, True),
        (make_report(make_stack(), make_stack(FOUND)), True, False),
        (make_report(make_stack(), orphans=(make_orphan(),)), True, False),
        (make_report(make_stack(), make_stack(unread="no answer")), False, False),
        (make_report(make_stack(), unread="no answer"), False, False),
    ],
)
def test_a_report_is_clean_only_when_all_was_read_and_nothing_was_found(
    report: DriftReport, whole: bool, clean: bool
) -> None:
    assert (report.whole, report.clean) == (whole, clean)


def test_findings_are_counted_by_kind_and_told_of_all_stacks() -> None:
    stack = make_stack(FOUND, FOUND)
    assert (stack.count("foreign"), stack.count("missing")) == (2, 0)
    assert make_report(stack, make_stack(FOUND)).findings == (FOUND,) * 3


@given(st.text(), st.text(), st.text(), st.text())
def test_a_thing_has_the_same_id_in_every_report_and_another_thing_another(
    kind: str, one: str, other_kind: str, other: str
) -> None:
    assert len(finding_id(kind, one)) == 8
    assert (finding_id(kind, one) == finding_id(other_kind, other)) is (
        f"{kind}\0{one}" == f"{other_kind}\0{other}"
    )


@pytest.mark.parametrize(
    ("choice", "something"),
    [
        (Choice(), False), (Choice(adopt=("a",)), True), (Choice(revert=("a",)), True),
        (Choice(adopt_all=True), True), (Choice(revert_all=True), True),
    ],
)  # fmt: skip
def test_a_choice_of_nothing_is_none(choice: Choice, something: bool) -> None:
    assert bool(choice) is something


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T03:00:00Z",
        "2026-11-24T03:00:00",
        "2026-11-24T10:00:00+07:00",
        "2026-11-24T03:00:00.000000",
    ],
)
def test_every_api_s_way_to_write_a_time_is_the_same_time_in_utc(text: str) -> None:
    told = moment(text)
    assert told == NOW
    assert told is not None
    assert told.tzinfo is dt.UTC


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_no_moment(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("created", "age"),
    [("2026-11-24T02:59:00Z", 60.0), ("2026-11-24T04:00:00Z", 0.0), ("", None)],
)
def test_an_orphan_s_age_is_never_below_nothing_and_may_be_unknown(created: str, age: float | None) -> None:
    assert make_orphan(created).age_seconds(NOW) == age


def test_the_oldest_of_a_kind_is_told_where_a_time_is_known() -> None:
    orphans = [
        make_orphan("2026-11-03T00:00:00Z"), make_orphan("2026-11-01T00:00:00Z"), make_orphan(),
        make_orphan("", "allocation"),
    ]  # fmt: skip
    assert oldest(orphans) == {"volume": dt.datetime(2026, 11, 1, tzinfo=dt.UTC)}

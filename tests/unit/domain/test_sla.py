"""The arithmetic of an SLA: a month's seconds are all accounted for, and the promise is judged exactly."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.sla import (
    CONDITIONS,
    DAY_SECONDS,
    ZONE,
    Contract,
    Credit,
    Month,
    MonthInvalid,
    Seconds,
    Terms,
    Workload,
    WorkloadDay,
    bounds,
    day_of,
    statement,
)

TERMS = Terms(
    "important", Decimal("0.999"), "counts_down",
    (Credit(Decimal("0.999"), Decimal(10)), Credit(Decimal("0.99"), Decimal(25))),
)  # fmt: skip
WEB = Workload("sxd", "id-1", "web", "main", "website")
months = st.builds(Month, st.integers(1980, 2100), st.integers(1, 12))


@st.composite
def whole_days(draw: st.DrawFn) -> Seconds:
    cuts = sorted(draw(st.lists(st.integers(0, DAY_SECONDS), min_size=6, max_size=6)))
    edges = [0, *cuts, DAY_SECONDS]
    return Seconds(*(after - before for before, after in pairwise(edges)))


def make_day(day: int = 1, terms: Terms = TERMS, workload: Workload = WEB, **seconds: int) -> WorkloadDay:
    return WorkloadDay(dt.date(2026, 11, day), workload, Seconds(**seconds), terms)


@given(months)
def test_a_month_is_its_days_without_a_gap_also_in_leap_years(month: Month) -> None:
    edges = [bounds(day) for day in month.days]
    assert all(one[1] == other[0] for one, other in pairwise(edges))
    assert edges[-1][1] - edges[0][0] == month.seconds
    assert {day_of(dt.datetime.fromtimestamp(start, dt.UTC)) for start, _ in edges} == set(month.days)


def test_february_has_29_days_in_2028_and_28_in_2100() -> None:
    assert (len(Month(2028, 2).days), len(Month(2100, 2).days)) == (29, 28)


@given(st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2100, 1, 1)))
def test_the_zone_is_that_of_ho_chi_minh_city(moment: dt.datetime) -> None:
    there = moment.replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert there.utcoffset() == moment.replace(tzinfo=ZONE).utcoffset()


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "2026", "26-01", "2026-00", "0001-01", "2026-01 "])
def test_what_is_no_month_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(MonthInvalid, match="YYYY-MM"):
        Month.parse(text)


def test_a_month_is_read_as_it_is_written() -> None:
    assert str(Month.parse("2026-02")) == "2026-02"


@given(months, st.data())
def test_the_seconds_of_a_month_are_those_that_count_and_those_that_are_excluded(
    month: Month, data: st.DataObject
) -> None:
    days = [WorkloadDay(day, WEB, data.draw(whole_days()), TERMS) for day in month.days]
    (found,) = statement("sxd", month, days, month.days).workloads
    assert found.seconds.total == month.seconds
    excluded = sum(getattr(found.seconds, name) for name in CONDITIONS[3:])
    counted = found.seconds.up + found.seconds.down + found.seconds.unknown
    assert counted == month.seconds - excluded
    if counted:
        assert found.availability is not None
        assert abs(found.availability - Decimal(found.seconds.up) / counted) <= Decimal("0.000001")


@pytest.mark.parametrize(
    ("unknown", "availability"), [("counts_down", Decimal("0.9")), ("excluded", Decimal(1))]
)
def test_the_unknown_counts_as_the_contract_says(unknown: str, availability: Decimal) -> None:
    day = make_day(terms=replace(TERMS, unknown=unknown), up=900, unknown=100)  # type: ignore[arg-type]
    (found,) = statement("sxd", Month(2026, 11), [day], [day.day]).workloads
    assert (found.availability, found.seconds.unknown) == (availability, 100)


def test_an_objective_that_was_just_missed_is_missed_and_not_shown_as_met() -> None:
    missed = make_day(up=9_989_999, down=10_001)
    (found,) = statement("sxd", Month(2026, 11), [missed], []).workloads
    assert (found.met, found.credit_percent) == (False, 10)
    assert found.availability is not None
    assert found.availability < TERMS.objective
    (found,) = statement("sxd", Month(2026, 11), [make_day(up=999, down=1)], []).workloads
    assert (found.met, found.credit_percent) == (True, 0)


def test_the_largest_credit_whose_step_was_reached_is_given() -> None:
    (found,) = statement("sxd", Month(2026, 11), [make_day(up=98, down=2)], []).workloads
    assert found.credit_percent == 25


def test_a_month_of_which_nothing_counts_has_no_availability_and_no_credit() -> None:
    (found,) = statement("sxd", Month(2026, 11), [make_day(maintenance=80000, stopped=6400)], []).workloads
    assert (found.availability, found.met, found.credit_percent) == (None, None, 0)


def test_a_change_of_contract_begins_with_a_month() -> None:
    later = replace(TERMS, name="standard", objective=Decimal("0.5"))
    days = [make_day(2, later, up=1), make_day(1, up=1)]
    assert statement("sxd", Month(2026, 11), days, []).workloads[0].terms == TERMS


def test_a_statement_holds_the_agencys_own_month_and_nothing_else() -> None:
    other = Workload("stc", "id-2", "web")
    days = [make_day(up=1), make_day(workload=other, up=1), replace(make_day(up=1), day=dt.date(2026, 10, 1))]
    found = statement("sxd", Month(2026, 11), days, [])
    assert [(one.workload.id, one.days) for one in found.workloads] == [("id-1", 1)]


def test_days_without_an_entry_are_shown() -> None:
    month = Month(2026, 11)
    found = statement("sxd", month, [], month.days[:-2])
    assert found.days_missing == month.days[-2:]


def test_a_server_that_was_made_anew_under_its_name_has_a_line_of_its_own() -> None:
    days = [make_day(up=1), make_day(2, workload=replace(WEB, id="id-9"), up=1)]
    assert len(statement("sxd", Month(2026, 11), days, []).workloads) == 2


def test_the_narrowest_class_holds() -> None:
    classes = {name: replace(TERMS, name=name) for name in ("usual", "agency", "item", "server")}
    contract = Contract(classes, "usual", {"sxd": "agency"}, {"website": "item"}, {"sxd/web": "server"})
    assert contract.terms("sxd", "web", "website").name == "server"
    assert contract.terms("sxd", "db", "website").name == "item"
    assert contract.terms("sxd", "db", "").name == "agency"
    assert contract.terms("stc", "web", "").name == "usual"


@given(whole_days())
def test_a_day_survives_being_written_down(seconds: Seconds) -> None:
    day = WorkloadDay(dt.date(2028, 2, 29), WEB, seconds, TERMS, 3, 4, ("w-1",), False, "agreed later")
    assert WorkloadDay.from_data(day.day, day.as_data()) == day

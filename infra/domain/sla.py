"""SLA: what an agency was promised for its workloads, and the arithmetic of whether it was kept.

The unit is the second of a calendar month in Asia/Ho_Chi_Minh. Each second of a workload's day is exactly one
of `CONDITIONS`; so the conditions of a month add up to its seconds. Availability is

    up / (up + down), unknown counted as down where the contract says so;

maintenance that was agreed beforehand, stops by the agency itself, time in which nothing was expected of the
workload and time in which it was not there are on neither side.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import ROUND_FLOOR, Decimal
from functools import reduce
from itertools import groupby
from typing import Any, Literal

from infra.errors import InfraError

ZONE = dt.timezone(dt.timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Vietnam's time, UTC+7 without summer time since 1975; fixed here, as servers may lack the zones' data."""

DAY_SECONDS = 86400
CONDITIONS = ("up", "down", "unknown", "maintenance", "stopped", "not_expected", "absent")
"""`stopped`: by the agency itself; `not_expected`: it is being built or deleted, has no address to ask or no
probe; `absent`: the workload was not made yet or was gone."""
Unknown = Literal["counts_down", "excluded"]


class MonthInvalid(InfraError):
    """This is no month; write it as YYYY-MM, such as 2026-11."""

    code = "month_invalid"


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in `ZONE`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Raises MonthInvalid."""
        found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
        if found is None or not 1970 <= int(found[1]) <= 9998:
            raise MonthInvalid(f"{text!r} is no month; write it as YYYY-MM, such as 2026-11")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: dt.date) -> Month:
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def days(self) -> tuple[dt.date, ...]:
        count = calendar.monthrange(self.year, self.number)[1]
        return tuple(dt.date(self.year, self.number, day) for day in range(1, count + 1))

    @property
    def seconds(self) -> int:
        return len(self.days) * DAY_SECONDS


def day_of(moment: dt.datetime) -> dt.date:
    """The calendar day of a moment (with its zone) in `ZONE`."""
    return moment.astimezone(ZONE).date()


def bounds(day: dt.date) -> tuple[float, float]:
    """Beginning and end of a day in seconds of the epoch."""
    start = dt.datetime.combine(day, dt.time(), ZONE).timestamp()
    return start, start + DAY_SECONDS


@dataclass(frozen=True)
class Seconds:
    """Whole seconds by condition."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0
    stopped: int = 0
    not_expected: int = 0
    absent: int = 0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(**{name: getattr(self, name) + getattr(other, name) for name in CONDITIONS})

    @property
    def total(self) -> int:
        return sum(asdict(self).values())


@dataclass(frozen=True)
class Credit:
    """An availability `below` this share gives back `percent` of the month's fee."""

    below: Decimal
    percent: Decimal


@dataclass(frozen=True)
class Terms:
    """A contract class: `objective` is a share such as 0.999, `credits` the steps from small to large."""

    name: str
    objective: Decimal
    unknown: Unknown
    credits: tuple[Credit, ...] = ()

    def credit(self, availability: Decimal | None) -> Decimal:
        """Percent of the fee that is given back."""
        if availability is None:
            return Decimal(0)
        return max((one.percent for one in self.credits if availability < one.below), default=Decimal(0))

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.name, "objective": str(self.objective), "unknown": self.unknown,
            "credits": [[str(one.below), str(one.percent)] for one in self.credits],
        }  # fmt: skip

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Terms:
        credits = tuple(Credit(Decimal(below), Decimal(percent)) for below, percent in data["credits"])
        return cls(data["name"], Decimal(data["objective"]), data["unknown"], credits)


@dataclass(frozen=True)
class Contract:
    """Which class holds for which workload: of its server, else its catalog item, its agency, all others."""

    classes: Mapping[str, Terms]
    usual: str
    agencies: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    workloads: Mapping[str, str] = field(default_factory=dict)
    """By `agency/server`."""

    def terms(self, agency: str, server: str, item: str) -> Terms:
        name = (
            self.workloads.get(f"{agency}/{server}")
            or self.items.get(item)
            or self.agencies.get(agency)
            or self.usual
        )
        return self.classes[name]


@dataclass(frozen=True)
class Workload:
    """A server of an agency; `id` is nova's, `item` the catalog item that it came from ("" for none)."""

    agency: str
    id: str
    name: str
    project: str = ""
    item: str = ""


@dataclass(frozen=True)
class WorkloadDay:
    """A workload's day as the ledger holds it, with the terms and windows of that day: what the inventory
    says later changes no statement. `good` and `total` are probes; `lasting` says whether the workload was
    there at the day's end. `reason` says why a correction was made.
    """

    day: dt.date
    workload: Workload
    seconds: Seconds
    terms: Terms
    good: int = 0
    total: int = 0
    windows: tuple[str, ...] = ()
    lasting: bool = True
    reason: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "workload": asdict(self.workload), "seconds": asdict(self.seconds), "terms": self.terms.as_data(),
            "good": self.good, "total": self.total, "windows": list(self.windows), "lasting": self.lasting,
            "reason": self.reason,
        }  # fmt: skip

    @classmethod
    def from_data(cls, day: dt.date, data: Mapping[str, Any]) -> WorkloadDay:
        return cls(
            day, Workload(**data["workload"]), Seconds(**data["seconds"]), Terms.from_data(data["terms"]),
            data["good"], data["total"], tuple(data["windows"]), data["lasting"], data["reason"],
        )  # fmt: skip


@dataclass(frozen=True)
class WorkloadStatement:
    """A workload's month. `availability` is None where nothing of the month counts; it is rounded down to a
    millionth, so that 99.9 % is never shown where it was missed. `corrections` are the reasons of corrected
    days.
    """

    workload: Workload
    days: int
    seconds: Seconds
    terms: Terms
    availability: Decimal | None
    met: bool | None
    credit_percent: Decimal
    windows: tuple[str, ...]
    corrections: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """The workloads of one agency in a month. `days_missing` are days of which the ledger has nothing yet, or
    that lie before its beginning; they are counted for nothing and shown.
    """

    agency: str
    month: Month
    days_missing: tuple[dt.date, ...]
    workloads: tuple[WorkloadStatement, ...]


def availability(days: Iterable[WorkloadDay]) -> tuple[int, int]:
    """Seconds up and seconds that count. Each day is judged by its own rule on the unknown."""
    up = counted = 0
    for day in days:
        found = day.seconds
        unknown = found.unknown if day.terms.unknown == "counts_down" else 0
        up += found.up
        counted += found.up + found.down + unknown
    return up, counted


def workload_statement(days: Sequence[WorkloadDay]) -> WorkloadStatement:
    """The month of one workload from its days. The class of its first day holds for the whole month: a change
    of contract begins with a month.
    """
    ordered = sorted(days, key=lambda one: one.day)
    terms = ordered[0].terms
    up, counted = availability(ordered)
    share = Decimal(up) / Decimal(counted) if counted else None
    return WorkloadStatement(
        workload=ordered[-1].workload,
        days=len(ordered),
        seconds=reduce(Seconds.__add__, (one.seconds for one in ordered), Seconds()),
        terms=terms,
        availability=None if share is None else share.quantize(Decimal("0.000001"), ROUND_FLOOR),
        met=None if share is None else share >= terms.objective,
        credit_percent=terms.credit(share),
        windows=tuple(sorted({window for one in ordered for window in one.windows})),
        corrections=tuple(f"{one.day}: {one.reason}" for one in ordered if one.reason),
    )


def statement(
    agency: str, month: Month, days: Iterable[WorkloadDay], written: Iterable[dt.date]
) -> Statement:
    """What the agency is told. `days` may be of more agencies and months: others are left out."""
    mine = [one for one in days if one.workload.agency == agency and Month.of(one.day) == month]
    have = set(written)
    return Statement(
        agency,
        month,
        tuple(day for day in month.days if day not in have),
        tuple(sorted(_each(mine), key=lambda one: (one.workload.name, one.workload.id))),
    )


def _each(days: Iterable[WorkloadDay]) -> Iterator[WorkloadStatement]:
    ordered = sorted(days, key=lambda one: (one.workload.id, one.day))
    for _, group in groupby(ordered, key=lambda one: one.workload.id):
        yield workload_statement(tuple(group))

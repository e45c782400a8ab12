"""The daily book-keeping: each day that is over goes into the SLA ledger and the book of capacity, once."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.domain.forecast import Forecast, forecasts
from infra.domain.sla import bounds, day_of
from infra.store.capacity import CapacityBook
from infra.store.ledger import Head, HeadInvalid, Ledger, LedgerBroken
from monitoring.ledger_reading import Agreed, read_capacity, read_day
from monitoring.prometheus import Prometheus

log = logging.getLogger(__name__)
REST_SECONDS = 300
"""After midnight, until the day's last scrapes and what the exporter counts late are in."""
MOST_DAYS = 400
"""Days that a first run looks back."""


@dataclass(frozen=True)
class Standing:
    """How the books stand. `last_day` is None for an empty ledger; `unknown` is the share of its seconds of
    which nothing is known.
    """

    last_day: dt.date | None
    unknown: float
    head: Head
    intact: bool
    forecasts: tuple[Forecast, ...]


def keep(
    ledger: Ledger, book: CapacityBook, prometheus: Prometheus, agreed: Agreed, now: dt.datetime
) -> tuple[dt.date, ...]:
    """Write every day that is over and missing, oldest first; returns those that were written. A second run
    writes nothing. A day that Prometheus has nothing of (any more) is written as unknown.

    Raises MonitoringUnreachable when Prometheus does not answer: the next run makes it good.
    """
    written = []
    for day in _missing(ledger, prometheus, now):
        book.write(read_capacity(prometheus, day))
        before = ledger.day(day - dt.timedelta(1))
        reading = read_day(prometheus, day, agreed, before, now)
        source = {"source": "prometheus" if reading.watched_seconds else "none",
                  "watched_seconds": reading.watched_seconds}  # fmt: skip
        if ledger.write_day(day, reading.workloads, source, now):
            log.info(
                "%s: %d workloads, watched for %d s", day, len(reading.workloads), reading.watched_seconds
            )
            written.append(day)
    return tuple(written)


def _missing(ledger: Ledger, prometheus: Prometheus, now: dt.datetime) -> Iterator[dt.date]:
    last = day_of(now - dt.timedelta(seconds=REST_SECONDS)) - dt.timedelta(1)
    have = set(ledger.days())
    day = min(have) if have else _first_day(prometheus, last)
    while day <= last:
        if day not in have:
            yield day
        day += dt.timedelta(1)


def _first_day(prometheus: Prometheus, last: dt.date) -> dt.date:
    """Where a new ledger begins: the first of the days up to `last` that Prometheus watched from their
    beginning on, without a day between; the day after `last` where it did not watch that.
    """
    hour = 3600
    asked = f'city_exporter_collector_last_success_timestamp_seconds{{collector="servers"}}[{hour}s]'
    first = last + dt.timedelta(1)
    for _ in range(MOST_DAYS):
        day = first - dt.timedelta(1)
        if not prometheus.query(f"count_over_time({asked})", bounds(day)[0] + hour):
            break
        first = day
    return first


def standing(ledger: Ledger, book: CapacityBook, kept_head: Path | None) -> Standing:
    """How the books stand now. The chain is followed from its beginning; `kept_head` is a file that remembers
    the head of the last run beside the database, so that a ledger that was cut off is found.
    """
    known, intact = _known(kept_head), True
    try:
        head = ledger.verify(known)
    except LedgerBroken as broken:
        log.error("%s", broken)  # noqa: TRY400 - the sentence says it all
        head, intact = ledger.head(), False
    if intact and kept_head is not None:
        fresh = kept_head.with_suffix(".new")
        fresh.write_text(f"{head}\n", encoding="utf-8")
        fresh.replace(kept_head)
    days = ledger.days()
    last = days[-1] if days else None
    rows = ledger.day(last) if last is not None and intact else ()
    whole = sum(one.seconds.total for one in rows)
    unknown = sum(one.seconds.unknown for one in rows) / whole if whole else 0.0
    return Standing(last, unknown, head, intact, forecasts(book.read()))


def _known(kept_head: Path | None) -> Head | None:
    try:
        return Head.parse(kept_head.read_text(encoding="utf-8")) if kept_head is not None else None
    except (OSError, HeadInvalid):
        return None

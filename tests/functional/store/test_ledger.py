"""The ledger on real databases: written once, never changed; what was changed behind its back is found."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from infra.domain.forecast import CapacityDay
from infra.domain.sla import Month, Seconds, WorkloadDay
from infra.store.capacity import CapacityBook
from infra.store.database import Database, SchemaUnknown, StoreUnreachable, StoreUrlInvalid
from infra.store.ledger import (
    BEGINNING,
    CorrectionInvalid,
    EntryUnknown,
    Head,
    Ledger,
    LedgerBroken,
    agency_statement,
)
from tests.unit.domain.test_sla import TERMS, WEB

NOW = dt.datetime(2026, 11, 4, 1, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 3)
DB = replace(WEB, agency="stc", id="id-2", name="Cơ sở dữ liệu")
NOVEMBER = Month(2026, 11)


def make_entries(day: dt.date = DAY, down: int = 60) -> list[WorkloadDay]:
    seconds = Seconds(up=86400 - down, down=down)
    return [WorkloadDay(day, one, seconds, TERMS, 100, 101, ("w-1",)) for one in (WEB, DB)]


def fill(ledger: Ledger, days: int = 3) -> None:
    for day in range(1, days + 1):
        ledger.write_day(dt.date(2026, 11, day), make_entries(dt.date(2026, 11, day)), {}, NOW)


def test_a_day_is_written_once_and_read_as_it_was(ledger: Ledger) -> None:
    assert ledger.write_day(DAY, make_entries(), {"source": "prometheus"}, NOW)
    assert ledger.day(DAY) == tuple(reversed(make_entries()))
    assert ledger.days() == (DAY,)
    assert ledger.agencies(NOVEMBER) == ("stc", "sxd")


def test_the_same_day_twice_adds_nothing(ledger: Ledger) -> None:
    assert ledger.write_day(DAY, make_entries(), {}, NOW)
    head = ledger.head()
    assert not ledger.write_day(DAY, make_entries(down=5), {}, NOW)
    assert ledger.head() == head
    assert ledger.day(DAY)[0].seconds.down == 60


def test_two_writers_at_once_write_a_day_once(url: str, ledger: Ledger) -> None:
    wrote = []

    def write() -> None:
        with Database(url) as mine:
            wrote.append(Ledger(mine).write_day(DAY, make_entries(), {}, NOW))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wrote) == [False, False, False, True]
    assert ledger.verify().seq == 3


def test_an_empty_day_is_a_written_day(ledger: Ledger) -> None:
    assert ledger.write_day(DAY, [], {}, NOW)
    assert not ledger.write_day(DAY, make_entries(), {}, NOW)
    assert ledger.days() == (DAY,)


def test_a_correction_is_a_new_entry_and_the_old_one_stays(ledger: Ledger) -> None:
    fill(ledger)
    before = ledger.head().seq
    wrong = ledger.entry(DAY, "sxd", "id-1")
    assert wrong is not None
    right = replace(
        wrong, seconds=Seconds(up=86340, maintenance=60), reason="an: the window was agreed by telephone"
    )
    assert ledger.correct(right, NOW).seq == before + 1
    assert ledger.entry(DAY, "sxd", "id-1") == right
    (found,) = agency_statement(ledger, "sxd", NOVEMBER)[0].workloads
    assert (found.seconds.down, found.seconds.maintenance) == (120, 60)
    assert found.corrections == ("2026-11-03: an: the window was agreed by telephone",)
    assert ledger.verify().seq == before + 1


def test_a_correction_refers_to_an_entry_has_a_reason_and_loses_no_second(ledger: Ledger) -> None:
    fill(ledger)
    entry = make_entries()[0]
    with pytest.raises(EntryUnknown, match="sxd/id-9"):
        ledger.correct(replace(entry, workload=replace(WEB, id="id-9"), reason="why"), NOW)
    with pytest.raises(CorrectionInvalid, match="reason"):
        ledger.correct(entry, NOW)
    with pytest.raises(CorrectionInvalid, match="86400 seconds"):
        ledger.correct(replace(entry, seconds=Seconds(up=1), reason="why"), NOW)


def test_an_agency_sees_its_own_and_no_other(ledger: Ledger) -> None:
    fill(ledger)
    found, _ = agency_statement(ledger, "sxd", NOVEMBER)
    assert [one.workload for one in found.workloads] == [WEB]
    assert {one.workload.agency for one in ledger.month(NOVEMBER, "sxd").days} == {"sxd"}
    assert agency_statement(ledger, "nobody", NOVEMBER)[0].workloads == ()


def test_later_months_change_nothing_in_a_statement(ledger: Ledger) -> None:
    fill(ledger)
    before = agency_statement(ledger, "sxd", NOVEMBER)
    ledger.write_day(dt.date(2027, 11, 1), make_entries(dt.date(2027, 11, 1)), {}, NOW)
    assert agency_statement(ledger, "sxd", NOVEMBER) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET content = '{}'",
        "DELETE FROM ledger_entry WHERE seq = 5",
        "UPDATE capacity_day SET used = 0",
        "DELETE FROM capacity_day",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_written(
    ledger: Ledger, database: Database, behind: Callable[[str], None], statement: str
) -> None:
    fill(ledger)
    CapacityBook(database).write([CapacityDay(DAY, "VCPU", 1, 2, None)])
    with pytest.raises(DBAPIError, match="append-only"):
        behind(statement)
    assert ledger.verify().seq == 9


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_an_entry(ledger: Ledger, behind: Callable[[str], None]) -> None:
    fill(ledger)
    with pytest.raises(DBAPIError, match="append-only"):
        behind("INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry WHERE seq = 5")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_postgresql_refuses_to_empty_the_ledger(ledger: Ledger, behind: Callable[[str], None]) -> None:
    fill(ledger)
    with pytest.raises(DBAPIError, match="append-only"):
        behind("TRUNCATE ledger_entry")


UNLOCK = {
    "sqlite": "DROP TRIGGER {table}_no_{word}",
    "postgresql": "ALTER TABLE {table} DISABLE TRIGGER {table}_append_only",
}


def unlocked(url: str, behind: Callable[[str], None], word: str) -> None:
    behind(UNLOCK[url.partition(":")[0].partition("+")[0]].format(table="ledger_entry", word=word))


@pytest.mark.parametrize("seq", range(1, 10))
def test_an_entry_that_an_administrator_changes_is_found(
    url: str, ledger: Ledger, behind: Callable[[str], None], seq: int
) -> None:
    fill(ledger)
    unlocked(url, behind, "update")
    behind(f"UPDATE ledger_entry SET content = replace(content, '60', '61') || ' ' WHERE seq = {seq}")
    with pytest.raises(LedgerBroken, match=f"entry {seq} "):
        ledger.verify()


@pytest.mark.parametrize("column", ["day", "agency", "workload", "kind", "written_at"])
def test_no_column_can_be_changed_unseen(
    url: str, ledger: Ledger, behind: Callable[[str], None], column: str
) -> None:
    fill(ledger)
    unlocked(url, behind, "update")
    behind(f"UPDATE ledger_entry SET {column} = 'x' || substr({column}, 2) WHERE seq = 4")
    with pytest.raises(LedgerBroken, match="entry 4 "):
        ledger.verify()


def test_an_entry_that_an_administrator_removes_is_found(
    url: str, ledger: Ledger, behind: Callable[[str], None]
) -> None:
    fill(ledger)
    unlocked(url, behind, "delete")
    behind("DELETE FROM ledger_entry WHERE seq = 4")
    with pytest.raises(LedgerBroken, match="entry 4 of the ledger is missing"):
        ledger.verify()


def test_a_tail_that_was_cut_off_is_found_by_a_head_that_was_kept(
    url: str, ledger: Ledger, behind: Callable[[str], None]
) -> None:
    fill(ledger)
    known = ledger.head()
    unlocked(url, behind, "delete")
    behind("DELETE FROM ledger_entry WHERE seq > 7")
    assert ledger.verify().seq == 7
    with pytest.raises(LedgerBroken, match="does not hold entry 9"):
        ledger.verify(known)


def test_a_head_of_before_is_found_in_a_ledger_that_grew(ledger: Ledger) -> None:
    assert ledger.head() == Head(0, BEGINNING) == ledger.verify(Head(0, BEGINNING))
    fill(ledger, 2)
    known = ledger.head()
    fill(ledger, 3)
    assert ledger.verify(known) == ledger.head()


def test_opening_a_second_time_changes_nothing_and_another_schema_is_refused(
    url: str, ledger: Ledger, behind: Callable[[str], None]
) -> None:
    fill(ledger)
    with Database(url) as again:
        assert Ledger(again).head() == ledger.head()
    behind("INSERT INTO ledger_version (version) VALUES (9)")
    with pytest.raises(SchemaUnknown, match="its schema is 9, this release knows 1"):
        Database(url)


def test_a_reader_makes_no_ledger(url: str) -> None:
    with pytest.raises(StoreUnreachable, match="the daily writer makes it"):
        Database(url, make=False)


def test_a_database_that_does_not_answer_is_named_without_a_secret(cluster: str) -> None:
    with pytest.raises(StoreUnreachable, match=r"postgresql\+psycopg://citycloud@/nowhere"):
        Database(f"postgresql://citycloud@/nowhere?host={cluster}")


@pytest.mark.parametrize(
    "wrong", ["", "ledger.sqlite", "mysql://a@b/c", "postgresql://a:secret@b/c", "postgresql://a@b:x/c"]
)
def test_what_is_no_url_of_a_ledger_is_refused_with_the_form_to_write(wrong: str) -> None:
    with pytest.raises(StoreUrlInvalid) as refused:
        Database(wrong)
    assert "secret" not in str(refused.value)


def test_capacity_is_kept_once_a_day(database: Database) -> None:
    book = CapacityBook(database)
    first = [CapacityDay(DAY, "MEMORY_MB", 2.0**52 + 1, 1e15, None), CapacityDay(DAY, "VCPU", 1, 2, 1.5)]
    assert book.write(first) == 2
    assert book.write([*first, CapacityDay(DAY + dt.timedelta(1), "VCPU", 2, 2, 1.5)]) == 1
    assert book.read()[:2] == tuple(first)

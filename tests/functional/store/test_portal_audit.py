"""The audit chain on real databases: what anybody does to it behind the portal's back is found and named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.domain.audit import AuditBroken, AuditKeyInvalid, Checkpoint, Fault, Harm
from infra.domain.words import Words
from infra.store.engine import StoreUnreachable
from infra.store.migration import newest
from infra.store.portal_database import PortalDatabase, PortalSchemaUnknown
from infra.store.portal_schema import METADATA

from .tables import AUDIT_KEY

NOW = dt.datetime(2026, 11, 27, 1, 2, 3, 456789, tzinfo=dt.UTC)
Tamper = Callable[..., None]
COPY = (
    "INSERT INTO audit_record SELECT {seq}, at, who, who_name, agency, action, about, told_vi, told_en,"
    " facts, address, previous, digest FROM audit_record WHERE seq = {of}"
)


@pytest.fixture
def tamper(url: str, portal: PortalDatabase) -> Tamper:
    """Statements of somebody who owns the database: triggers do not stop them, the key they do not have."""

    def run(*statements: str) -> None:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("ALTER TABLE audit_record DISABLE TRIGGER USER")
            else:
                for name in ("audit_record_no_update", "audit_record_no_delete", "audit_record_in_order"):
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    return run


def write(portal: PortalDatabase, count: int = 10) -> None:
    for number in range(1, count + 1):
        with portal.writing() as tx:
            tx.audit(
                at=NOW, who="u-1", who_name="Nguyễn Văn An", agency="sotc", action="request.submit",
                about=f"r-{number}", told=Words("Đã gửi", "Handed in"), facts={"n": number},
                address="192.0.2.1",
            )  # fmt: skip


def found(portal: PortalDatabase, *known: Checkpoint) -> tuple[int, Harm]:
    fault = portal.verify(known)
    assert isinstance(fault, Fault), fault
    return fault.seq, fault.harm


def test_a_chain_that_nobody_touched_is_whole(portal: PortalDatabase) -> None:
    assert portal.verify() == 0
    write(portal)
    assert portal.verify([Checkpoint.parse(str(portal.checkpoint()))]) == 10


@pytest.mark.parametrize(
    "column",
    ["at", "who", "who_name", "agency", "action", "about", "told_vi", "told_en", "facts", "address",
     "previous", "digest"],
)  # fmt: skip
def test_a_change_of_any_column_is_named(portal: PortalDatabase, tamper: Tamper, column: str) -> None:
    write(portal)
    value = {"at": "2026-11-27T01:02:03.456790+00:00"}.get(column, "f" * 63)
    tamper(f"UPDATE audit_record SET {column} = '{value}' WHERE seq = 4")
    assert found(portal) == (4, Harm.CHANGED)


@pytest.mark.parametrize("time", ["2026-11-27T01:02:03.456789Z", "yesterday", "0001-01-01T00:00:00"])
def test_a_time_in_another_form_is_a_change(portal: PortalDatabase, tamper: Tamper, time: str) -> None:
    write(portal)
    tamper(f"UPDATE audit_record SET at = '{time}' WHERE seq = 4")
    assert found(portal) == (4, Harm.CHANGED)


def test_a_record_that_was_dropped_is_named(portal: PortalDatabase, tamper: Tamper) -> None:
    write(portal)
    tamper("DELETE FROM audit_record WHERE seq = 4")
    assert found(portal) == (4, Harm.DROPPED)


@pytest.mark.parametrize("gone", [1, 4, 9])
def test_a_record_that_was_dropped_and_the_gap_closed_is_named(
    portal: PortalDatabase, tamper: Tamper, gone: int
) -> None:
    write(portal)
    moves = [f"UPDATE audit_record SET seq = {one - 1} WHERE seq = {one}" for one in range(gone + 1, 11)]
    tamper(f"DELETE FROM audit_record WHERE seq = {gone}", *moves)
    assert found(portal) == (gone, Harm.DROPPED)


@pytest.mark.parametrize(("one", "other"), [(4, 5), (2, 9), (9, 10), (1, 2)])
def test_two_records_that_were_swapped_are_named(
    portal: PortalDatabase, tamper: Tamper, one: int, other: int
) -> None:
    write(portal)
    tamper(
        f"UPDATE audit_record SET seq = 100 WHERE seq = {one}",
        f"UPDATE audit_record SET seq = {one} WHERE seq = {other}",
        f"UPDATE audit_record SET seq = {other} WHERE seq = 100",
    )
    assert found(portal) == (one, Harm.SWAPPED)


def test_a_record_that_was_put_between_is_named(portal: PortalDatabase, tamper: Tamper) -> None:
    write(portal)
    moves = [f"UPDATE audit_record SET seq = {one + 1} WHERE seq = {one}" for one in range(10, 3, -1)]
    tamper(*moves, COPY.format(seq=4, of=2))
    assert found(portal) == (4, Harm.INSERTED)


def test_a_record_that_was_put_at_the_end_is_named(portal: PortalDatabase, tamper: Tamper) -> None:
    write(portal)
    tamper(COPY.format(seq=11, of=10))
    assert found(portal)[0] == 11


@pytest.mark.parametrize("left", [0, 1, 7, 9])
def test_a_tail_that_was_cut_off_is_named(portal: PortalDatabase, tamper: Tamper, left: int) -> None:
    write(portal)
    tamper(f"DELETE FROM audit_record WHERE seq > {left}")
    assert found(portal) == (left + 1, Harm.CUT_OFF)


def test_an_old_copy_of_the_database_is_found_by_a_checkpoint_from_elsewhere(
    portal: PortalDatabase, tamper: Tamper
) -> None:
    write(portal, 7)
    old = portal.checkpoint()
    write(portal, 3)
    kept = portal.checkpoint()
    tamper(
        "DELETE FROM audit_record WHERE seq > 7",
        f"UPDATE audit_head SET seq = {old.seq}, digest = '{old.digest}', mac = '{old.mac}'",
    )
    assert portal.verify() == 7
    assert found(portal, kept) == (8, Harm.CUT_OFF)


def test_a_chain_that_was_written_anew_with_the_key_is_found_by_a_checkpoint(
    portal: PortalDatabase, tamper: Tamper, url: str
) -> None:
    write(portal)
    kept = portal.checkpoint()
    tamper("DELETE FROM audit_record", "DELETE FROM audit_head")
    with PortalDatabase(url, key=AUDIT_KEY) as anew:
        write(anew, 9)
        write(anew, 2)
        assert anew.verify() == 11
        assert found(anew, kept) == (10, Harm.REWRITTEN)


def test_a_checkpoint_that_was_made_up_is_refused(portal: PortalDatabase) -> None:
    write(portal)
    made_up = Checkpoint(3, "a" * 64, "b" * 64)
    assert found(portal, made_up) == (3, Harm.REWRITTEN)
    with pytest.raises(AuditBroken, match="is no checkpoint"):
        Checkpoint.parse("3:abc")


def test_nothing_is_added_to_a_chain_whose_end_was_changed(portal: PortalDatabase, tamper: Tamper) -> None:
    write(portal, 2)
    tamper("UPDATE audit_head SET seq = 1")
    with pytest.raises(AuditBroken, match="audit verify"):
        write(portal, 1)


def test_the_portal_itself_cannot_change_or_drop_a_record(portal: PortalDatabase) -> None:
    write(portal, 2)
    for statement in (
        "UPDATE audit_record SET who = 'x' WHERE seq = 1", "DELETE FROM audit_record WHERE seq = 1"
    ):  # fmt: skip
        with pytest.raises(StoreUnreachable, match="append-only"), portal.writing() as tx:
            tx.connection.exec_driver_sql(statement)
    assert portal.verify() == 2


def test_an_effect_and_its_record_are_both_kept_or_neither(portal: PortalDatabase) -> None:
    def fails() -> None:
        with portal.writing() as tx:
            tx.audit(at=NOW, who="u", who_name="", agency="", action="a.b", about="", told=Words("", ""))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert portal.verify() == 0


def test_a_short_key_is_refused(url: str) -> None:
    with pytest.raises(AuditKeyInvalid, match="32"):
        PortalDatabase(url, key=b"short")


def test_migrations_make_the_tables_that_the_code_knows(portal: PortalDatabase) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import infra.store.session  # noqa: F401 (its tables are of the same database)

    with portal.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "portal_version"})
        assert compare_metadata(context, METADATA) == []


def test_a_database_of_another_release_is_refused(portal: PortalDatabase, url: str) -> None:
    with portal.touching() as connection:
        connection.exec_driver_sql("UPDATE portal_version SET version_num = '0000'")
    with pytest.raises(PortalSchemaUnknown, match=f"knows {newest()}"):
        PortalDatabase(url, key=AUDIT_KEY, make=False)


def test_a_database_that_is_not_there_is_not_made_by_who_only_reads(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="there is no portal"):
        PortalDatabase(f"sqlite:///{tmp_path}/none.sqlite", key=AUDIT_KEY, make=False)

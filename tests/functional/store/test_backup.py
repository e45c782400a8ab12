"""Backups on real databases: one state while people go on writing, and back whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.domain.approval import Delegation, Stage
from infra.domain.audit import AuditBroken
from infra.domain.quota import Quota
from infra.domain.session import Session
from infra.portal.service.services import PortalServices
from infra.store import backup, journal, migration, reservation
from infra.store import delegation as delegations
from infra.store import person as people
from infra.store import rebuild as rebuilds
from infra.store import snapshot as snapshots
from infra.store.backup import BackupBroken, BackupRefused, Manifest, back_up
from infra.store.engine import StoreUnreachable
from infra.store.lease import Lease
from infra.store.portal_database import PortalDatabase
from infra.store.portal_schema import METADATA, REBUILD_STEP
from infra.store.restoring import restore
from infra.store.session import SESSION, SessionStore
from infra.store.work import WorkBook

from .city import AGENCIES, AN, BASE, BINH, CHI, NOW, Clock, make_change, make_draft, make_site
from .conftest import new_database
from .tables import AUDIT_KEY, portal_database
from .test_portal_audit import Tamper, tamper
from .test_portal_request import approve
from .test_portal_work import book, held, live

__all__ = ["book", "held", "tamper"]
HUGE = Quota(**dict.fromkeys(vars(BASE), 10**9))


@pytest.fixture(params=["sqlite", "postgresql"])
def into(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the other or the same kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/restored.sqlite"
    return new_database(request.getfixturevalue("cluster"))


@pytest.fixture
def full(services: PortalServices, portal: PortalDatabase, book: WorkBook, held: Lease) -> PortalServices:
    """A database in which every table has rows."""
    one, other = live(services, book, held, 2)
    with portal.writing() as tx:
        snapshots.insert(tx, one.id, "Trước nâng cấp", "An", NOW)
        made_new = rebuilds.insert(tx, one.id, "", NOW)
        journal.begin(tx, held, made_new, name="rebuild", now=NOW, table=REBUILD_STEP)
    services.submit(AN, make_draft(values={"size": "small", "public": "true", "disk": "5"}), "khóa 1")
    services.submit(AN, make_change(services.deployment(AN, other.id), size="large"), "khóa 2")
    with portal.writing() as tx:
        end = NOW.replace(year=2027)
        delegations.insert(
            tx, Delegation("binh", "Bình", "phuc", "sotc", Stage.AGENCY, NOW, end), NOW
        )  # fmt: skip
    with portal.touching() as connection:
        people.remember(connection, AN, "keystone", NOW)
    return services


LATER = {"notice", "person", "snapshot", "rebuild", "rebuild_step", "deployment_change"}
"""Tables that migration 0002 has not."""


def content(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but for sessions."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(
                sa.select(table).order_by(*table.primary_key.columns)
            )]
            for table in METADATA.sorted_tables if table is not SESSION
        }  # fmt: skip
    engine.dispose()
    return found


def tables(url: str) -> set[str]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = set(sa.inspect(connection).get_table_names())
    engine.dispose()
    return found


def test_a_backup_comes_back_row_by_row_into_either_kind_of_database(
    full: PortalServices, portal: PortalDatabase, url: str, into: str, tmp_path: Path
) -> None:
    made = back_up(portal, tmp_path / "b.gz", NOW)
    before = content(url)
    assert restore(tmp_path / "b.gz", into, AUDIT_KEY, NOW) == made
    after = content(into)
    record, head = after["audit_record"].pop(), after.pop("audit_head")
    assert "portal.restore" in record
    assert len(head) == len(before.pop("audit_head"))
    assert after == before
    assert {name: len(rows) for name, rows in before.items()} | {"audit_head": 1} == dict(made.rows)
    with PortalDatabase(into, key=AUDIT_KEY, make=False) as restored:
        assert restored.verify([portal.checkpoint()]) == made.rows["audit_record"] + 1
        services = PortalServices(restored, make_site(), lambda: NOW)
        id_ = services.submit(AN, make_draft(), "")
        approve(services, BINH, id_)
        assert services.request(AN, id_).summary.number == "YC-2026-000004"
        with pytest.raises(StoreUnreachable, match="append-only"), restored.writing() as tx:
            tx.connection.exec_driver_sql("DELETE FROM audit_record WHERE seq = 1")


def test_every_table_is_in_a_backup(
    full: PortalServices, portal: PortalDatabase, url: str, tmp_path: Path
) -> None:
    made = back_up(portal, tmp_path / "b.gz", NOW)
    assert set(made.rows) | {"session", migration.VERSION_TABLE} == tables(url)
    empty = {name for name, count in made.rows.items() if not count}
    assert empty <= {"token", "step", "notice"}


def test_a_backup_that_is_taken_while_people_write_is_one_state_and_misses_nothing_of_before(
    services: PortalServices, portal: PortalDatabase, into: str, tmp_path: Path
) -> None:
    with portal.writing() as tx:
        for code in AGENCIES:
            reservation.set_account(tx, code, HUGE, BASE, NOW)
    before: list[str] = [services.submit(AN, make_draft(), "") for _ in range(10)]
    stop, written = threading.Event(), list[str]()

    def write(number: int) -> None:
        while not stop.is_set():
            written.append(services.submit(AN, make_draft(), ""))

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, number) for number in range(4)]
        while len(written) < 8:
            assert not any(one.done() for one in running)
            time.sleep(0.01)
        known = [*before, *written]
        made = back_up(portal, tmp_path / "b.gz", NOW)
        going_on = len(written)
        while len(written) < going_on + 4:
            assert not any(one.done() for one in running)
            time.sleep(0.01)
        stop.set()
        for one in running:
            one.result()
    restore(tmp_path / "b.gz", into, AUDIT_KEY, NOW)
    with PortalDatabase(into, key=AUDIT_KEY, make=False) as restored:
        assert restored.verify() == made.rows["audit_record"] + 1
        with restored.reading() as connection:
            there = {row.id for row in connection.execute(sa.text("SELECT id FROM request"))}
            held_ = connection.execute(sa.text("SELECT count(*) FROM reservation")).scalar()
        assert set(known) <= there <= {*before, *written}
        assert held_ == len(there) == made.rows["request"]


def lines(file: Path) -> list[bytes]:
    with gzip.open(file, "rb") as source:
        return source.readlines()


def write(file: Path, content: list[bytes]) -> None:
    with gzip.open(file, "wb") as target:
        target.writelines(content)


def _cut(file: Path) -> None:
    raw = file.read_bytes()
    file.write_bytes(raw[: len(raw) // 2])


def _cut_a_line(file: Path) -> None:
    write(file, lines(file)[:-1])


def _drop_a_row(file: Path) -> None:
    found = lines(file)
    write(file, [one for number, one in enumerate(found) if number != 3])


def _change_a_row(file: Path) -> None:
    write(file, [one.replace(b'"approved"', b'"rejected"') for one in lines(file)])


def _change_a_byte(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


def _forge(file: Path) -> None:
    """Changed by somebody who knows how digests are made, but not the key."""
    found = [one.replace(b'"fulfilled"', b'"rejected"') for one in lines(file)]
    end = json.loads(found[-1])
    end["digest"] = hashlib.sha256(b"".join(found[:-1])).hexdigest()
    write(file, [*found[:-1], json.dumps(end).encode() + b"\n"])


def _something_else(file: Path) -> None:
    write(file, [b'{"hello": 1}\n'])


def _no_gzip(file: Path) -> None:
    file.write_text("SELECT 1;")


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _gone(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    "harm",
    [_cut, _cut_a_line, _drop_a_row, _change_a_row, _change_a_byte, _forge, _something_else, _no_gzip, _empty,
     _gone],
)  # fmt: skip
def test_a_file_that_is_not_as_it_was_written_is_refused_and_changes_nothing(
    full: PortalServices, portal: PortalDatabase, into: str, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    file = tmp_path / "b.gz"
    back_up(portal, file, NOW)
    harm(file)
    with pytest.raises(BackupBroken):
        restore(file, into, AUDIT_KEY, NOW)
    untouched(into)


def untouched(url: str) -> None:
    if url.startswith("sqlite"):
        assert list(Path(url.removeprefix("sqlite:///")).parent.glob("restored*")) == []
    else:
        assert tables(url) == set()


def test_a_backup_of_another_key_is_refused(portal: PortalDatabase, into: str, tmp_path: Path) -> None:
    back_up(portal, tmp_path / "b.gz", NOW)
    with pytest.raises(BackupBroken, match="another audit key"):
        restore(tmp_path / "b.gz", into, b"x" * 32, NOW)
    untouched(into)


def test_a_backup_whose_audit_chain_was_broken_before_it_was_made_is_refused(
    full: PortalServices, portal: PortalDatabase, tamper: Tamper, into: str, tmp_path: Path
) -> None:
    tamper("UPDATE audit_record SET who = 'x' WHERE seq = 2")
    back_up(portal, tmp_path / "b.gz", NOW)
    with pytest.raises(AuditBroken, match="record 2 was changed"):
        restore(tmp_path / "b.gz", into, AUDIT_KEY, NOW)
    untouched(into)


def test_a_database_that_is_in_use_is_not_restored_into(
    full: PortalServices, portal: PortalDatabase, url: str, into: str, tmp_path: Path
) -> None:
    back_up(portal, tmp_path / "b.gz", NOW)
    restore(tmp_path / "b.gz", into, AUDIT_KEY, NOW)
    for place in (into, url):
        before = content(place)
        with pytest.raises(BackupRefused, match="in use"):
            restore(tmp_path / "b.gz", place, AUDIT_KEY, NOW)
        assert content(place) == before


def test_a_restored_file_is_its_owners_alone(portal: PortalDatabase, tmp_path: Path) -> None:
    back_up(portal, tmp_path / "b.gz", NOW)
    restore(tmp_path / "b.gz", f"sqlite:///{tmp_path}/restored.sqlite", AUDIT_KEY, NOW)
    assert (tmp_path / "restored.sqlite").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupRefused, match="cannot be made"):
        restore(tmp_path / "b.gz", f"sqlite:///{tmp_path}/none/restored.sqlite", AUDIT_KEY, NOW)


def test_tables_that_nobody_wrote_to_are_restored_into(
    full: PortalServices, portal: PortalDatabase, into: str, tmp_path: Path
) -> None:
    back_up(portal, tmp_path / "b.gz", NOW)
    PortalDatabase(into, key=AUDIT_KEY).close()
    restore(tmp_path / "b.gz", into, AUDIT_KEY, NOW)
    with PortalDatabase(into, key=AUDIT_KEY, make=False) as restored:
        assert isinstance(restored.verify(), int)


def test_a_backup_of_an_older_release_is_brought_to_this_one(into: str, tmp_path: Path) -> None:
    """Its tables are those of migration 0002."""
    with portal_database(tmp_path) as old:
        back_up(old, tmp_path / "new.gz", NOW)
        found = lines(tmp_path / "new.gz")
        kept, skipping = list[bytes](), False
        for raw in found[1:-1]:
            line = json.loads(raw)
            if isinstance(line, dict):
                skipping = line["table"] in LATER
            if not skipping:
                kept.append(raw)
        head = {**json.loads(found[0]), "schema": "0002"}
        content_ = [json.dumps(head).encode() + b"\n", *kept]
        end = json.loads(found[-1])
        end["rows"] = {name: count for name, count in end["rows"].items() if name not in LATER}
        write(tmp_path / "old.gz", [*content_, _ending(content_, end, old)])
    made = restore(tmp_path / "old.gz", into, AUDIT_KEY, NOW)
    assert made.schema == "0002"
    with PortalDatabase(into, key=AUDIT_KEY, make=False) as restored:
        assert restored.verify() == 2
    assert "notice" in tables(into)


def _ending(content: list[bytes], end: dict[str, object], database: PortalDatabase) -> bytes:
    digest = hashlib.sha256(b"".join(content)).hexdigest()
    return json.dumps({**end, "digest": digest, "mac": database.seal.backup(digest)}).encode() + b"\n"


def test_a_backup_of_a_later_release_is_refused(into: str, tmp_path: Path) -> None:
    with portal_database(tmp_path) as old:
        back_up(old, tmp_path / "b.gz", NOW)
        found = lines(tmp_path / "b.gz")
        head = {**json.loads(found[0]), "schema": "9999"}
        content_ = [json.dumps(head).encode() + b"\n", *found[1:-1]]
        write(tmp_path / "later.gz", [*content_, _ending(content_, json.loads(found[-1]), old)])
    with pytest.raises(BackupRefused, match="does not know"):
        restore(tmp_path / "later.gz", into, AUDIT_KEY, NOW)
    untouched(into)


def test_a_backup_is_its_owners_alone_is_audited_and_replaces_nothing(
    portal: PortalDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "b.gz"
    made = back_up(portal, file, NOW)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made.rows["audit_record"] == 1
    with pytest.raises(BackupRefused, match="there already"):
        back_up(portal, file, NOW)
    with pytest.raises(BackupRefused, match="no folder"):
        back_up(portal, tmp_path / "none/b.gz", NOW)
    assert [one.name for one in tmp_path.glob("*b.gz*")] == ["b.gz"]
    assert portal.verify() == 1


def test_a_backup_that_breaks_off_leaves_no_file(
    portal: PortalDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> Manifest:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_write", full_disk)
    with pytest.raises(BackupRefused, match="No space left"):
        back_up(portal, tmp_path / "b.gz", NOW)
    assert [one.name for one in tmp_path.glob("*b.gz*")] == []


def test_who_is_signed_in_is_not_in_a_backup(
    portal: PortalDatabase, clock: Clock, into: str, tmp_path: Path
) -> None:
    SessionStore(portal).add_session(Session("a" * 64, CHI, "keystone", NOW, NOW, NOW))
    back_up(portal, tmp_path / "b.gz", NOW)
    restore(tmp_path / "b.gz", into, AUDIT_KEY, NOW)
    with PortalDatabase(into, key=AUDIT_KEY, make=False) as restored:
        assert SessionStore(restored).session("a" * 64) is None
        with restored.reading() as connection:
            assert people.find(connection, "chi") is not None

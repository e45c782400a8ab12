"""The same suite on SQLite and on a real PostgreSQL that lives as long as the tests do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from infra.portal.service.services import PortalServices
from infra.store import reservation
from infra.store.database import Database
from infra.store.ledger import Ledger
from infra.store.portal_database import PortalDatabase
from tests.functional.provider.stores import postgresql
from tests.functional.store.city import AGENCIES, BASE, LIMIT, Clock, make_site
from tests.functional.store.tables import AUDIT_KEY, copied

TABLES = "tables"
"""The database that others are copies of: the portal's tables, as the migrations make them."""
_NUMBER = count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The folder of PostgreSQL's socket; its password is in the environment, as on a server."""
    before = os.environ.get("PGPASSWORD")
    with postgresql() as store:
        os.environ.update(store.environment)
        folder = parse_qs(urlsplit(store.url).query)["host"][0]
        PortalDatabase(new_database(folder, name=TABLES), key=AUDIT_KEY).close()
        yield folder
    os.environ.pop("PGPASSWORD", None)
    if before is not None:
        os.environ["PGPASSWORD"] = before


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one test's own: empty, or with the portal's tables where the test asks for `portal`."""
    tables = "portal" in request.fixturenames
    if request.param == "postgresql":
        return new_database(request.getfixturevalue("cluster"), TABLES if tables else "template1")
    file = tmp_path / "ledger.sqlite"
    return copied(file) if tables else f"sqlite:///{file}"


def new_database(folder: str, template: str = "template1", name: str = "") -> str:
    """The URL of a PostgreSQL database that is a copy of another; `folder` has its socket."""
    made = name or f"ledger{next(_NUMBER)}"
    with psycopg.connect(host=folder, user="citycloud", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {made} TEMPLATE {template}")
    return f"postgresql+psycopg://citycloud@/{made}?host={folder}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as found:
        yield found


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def behind(url: str, database: Database) -> Iterator[Callable[[str], None]]:
    """A statement by somebody who has the database's password, and does not go through the ledger."""
    import sqlalchemy as sa

    engine = sa.create_engine(url, poolclass=sa.NullPool)

    def run(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    yield run
    engine.dispose()


@pytest.fixture
def portal(url: str) -> Iterator[PortalDatabase]:
    with PortalDatabase(url, key=AUDIT_KEY, make=False) as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(portal: PortalDatabase, clock: Clock) -> PortalServices:
    """Two agencies with their accounts, and nothing asked for yet."""
    with portal.writing() as tx:
        for code in AGENCIES:
            reservation.set_account(tx, code, LIMIT, BASE, clock())
    return PortalServices(portal, make_site(), clock)

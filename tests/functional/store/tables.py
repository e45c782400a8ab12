"""The portal's tables as the migrations make them, once for each process of the tests: a test's own database
is a copy of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from infra.store.portal_database import PortalDatabase

AUDIT_KEY = b"k" * 32


@contextmanager
def portal_database(folder: Path) -> Iterator[PortalDatabase]:
    """A portal's database in SQLite, in this folder, in which nothing was written yet."""
    with PortalDatabase(copied(folder / "portal.sqlite"), key=AUDIT_KEY, make=False) as found:
        yield found


def copied(file: Path) -> str:
    """The URL of this file, which is a database with the tables from now on."""
    file.write_bytes(_tables())
    return f"sqlite:///{file}"


@cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "portal.sqlite"
        PortalDatabase(f"sqlite:///{file}", key=AUDIT_KEY).close()
        assert [one.name for one in file.parent.iterdir()] == [file.name], "its log was not written into it"
        return file.read_bytes()

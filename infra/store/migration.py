"""Migration: bring the portal's database to the tables of this release, or refuse one that is from a later
one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

_FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "portal_version"


@cache
def newest() -> str:
    """The version that this release knows. Finding it compiles every migration, which takes a while."""
    head = ScriptDirectory(str(_FOLDER)).get_current_head()
    if head is None:
        raise LookupError(f"{_FOLDER} holds no migrations")
    return head


def current(connection: sa.Connection) -> str | None:
    """The version of the database; None where it has no tables."""
    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def knows(version: str) -> bool:
    """Whether this release can bring tables of this version to its own."""
    return any(one.revision == version for one in ScriptDirectory(str(_FOLDER)).walk_revisions())


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Every step that is missing until `to`, in the caller's transaction: all of them, or none."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, to)

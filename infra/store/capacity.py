"""The city's capacity by day, kept for years; what forecasts are made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from infra.domain.forecast import CapacityDay
from infra.store.database import CAPACITY, Database


class CapacityBook:
    """Days are added and never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, days: Sequence[CapacityDay]) -> int:
        """Write days that the book does not hold yet; returns how many those are."""
        with self._database.writing() as connection:
            have = {(row.day, row.resource_class) for row in connection.execute(sa.select(CAPACITY))}
            fresh = [one for one in days if (one.day.isoformat(), one.resource_class) not in have]
            for one in fresh:
                connection.execute(
                    sa.insert(CAPACITY).values(
                        day=one.day.isoformat(), resource_class=one.resource_class, used=one.used,
                        allocatable=one.allocatable, without_largest=one.without_largest,
                    )
                )  # fmt: skip
        return len(fresh)

    def read(self) -> tuple[CapacityDay, ...]:
        """Every day, oldest first."""
        asked = sa.select(CAPACITY).order_by(CAPACITY.c.day, CAPACITY.c.resource_class)
        with self._database.reading() as connection:
            return tuple(
                CapacityDay(
                    dt.date.fromisoformat(row.day), row.resource_class, row.used, row.allocatable,
                    row.without_largest,
                )
                for row in connection.execute(asked)
            )  # fmt: skip

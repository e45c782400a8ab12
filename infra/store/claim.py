"""A claim: what was said first under a name holds for good. A lease that never ends keeps it, so of two who
say something else at the same time one is refused, on whichever servers they are.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from infra.store.lease import FOREVER, acquire
from infra.store.portal_database import PortalDatabase
from infra.store.portal_schema import LEASE


def claim(database: PortalDatabase, name: str, what: str, now: datetime) -> str:
    """What holds under this name from now on: `what` (127 characters at most), or what was there before."""
    if acquire(database, name, what, now=now, lasts=FOREVER) is not None:
        return what
    with database.reading() as connection:
        return str(connection.execute(sa.select(LEASE.c.holder).where(LEASE.c.name == name)).scalar_one())

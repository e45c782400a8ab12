"""Agencies' accounts of quota, as the inventory says them: taken in at each start, with a record of each
change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from infra.domain.agency import Agency
from infra.domain.flavor import Flavor
from infra.domain.quota import LANDING_ZONE_USAGE, Quota
from infra.domain.server import usage
from infra.domain.words import Words
from infra.store import reservation as reservations
from infra.store.closed import closed_agencies
from infra.store.portal_database import PortalDatabase

WHO = "citycloud:inventory"


def base_of(agency: Agency, flavors: Mapping[str, Flavor]) -> Quota:
    """What the inventory itself puts into the agency's project, beside the portal."""
    return LANDING_ZONE_USAGE + usage((one, flavors[one.flavor]) for one in agency.servers)


def take_in(
    database: PortalDatabase, agencies: Iterable[Agency], flavors: Iterable[Flavor], now: datetime
) -> tuple[str, ...]:
    """Open or change the accounts of all agencies; returns codes of those that changed. Asked again it
    changes nothing. An agency that the inventory has no more keeps its account, for what it still holds; one
    that is closed has none, whatever the inventory says.
    """
    known = {one.name: one for one in flavors}
    changed = []
    with database.writing() as tx:
        closed = closed_agencies(tx.connection)
        for agency in (one for one in agencies if one.code not in closed):
            base = base_of(agency, known)
            if not reservations.set_account(tx, agency.code, agency.quota, base, now):
                continue
            changed.append(agency.code)
            tx.audit(
                at=now, who=WHO, who_name=WHO, agency=agency.code, action="quota.set", about=agency.code,
                told=Words(f"Đặt hạn mức của {agency.name_vi}", f"Set the quota of {agency.name_en}"),
                facts={"quota": reservations.to_text(agency.quota), "base": reservations.to_text(base)},
            )  # fmt: skip
    return tuple(changed)

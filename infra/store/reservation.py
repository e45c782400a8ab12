"""Reservations and agencies' accounts of quota. Sums are made and checked by the only writer there is, so
they never pass a limit, however many sign at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from infra.domain.audit import canonical, moment
from infra.domain.quota import NO_QUOTA, RESOURCES, Quota
from infra.domain.reservation import Account, ReservationState, check, check_held
from infra.errors import InfraError
from infra.store.closed import must_be_open
from infra.store.portal_database import Transaction
from infra.store.portal_schema import ACCOUNT, RESERVATION

_HELD, _TAKEN, _RELEASED = ReservationState.HELD, ReservationState.TAKEN, ReservationState.RELEASED


class AccountUnknown(InfraError):
    """The agency has no account of quota yet; it is opened when the portal starts."""

    code = "account_unknown"


def set_account(tx: Transaction, agency: str, limit: Quota, base: Quota, now: datetime) -> bool:
    """Say what an agency may hold and what stands there beside the portal; False if it was so already. A
    limit below what is held stops new requests and approvals, and takes nothing away.
    """
    row = tx.connection.execute(sa.select(ACCOUNT).where(ACCOUNT.c.agency == agency)).first()
    said = {"quota": to_text(limit), "base": to_text(base)}
    if row is not None and (row.quota, row.base) == (said["quota"], said["base"]):
        return False
    said["changed_at"] = moment(now)
    if row is None:
        tx.connection.execute(sa.insert(ACCOUNT).values(agency=agency, **said))
    else:
        tx.connection.execute(sa.update(ACCOUNT).where(ACCOUNT.c.agency == agency).values(**said))
    return True


def account(connection: sa.Connection, agency: str) -> Account:
    """Raises AccountUnknown."""
    found = accounts(connection, [agency]).get(agency)
    if found is None:
        raise AccountUnknown(
            f"the agency {agency} has no account of quota yet; it is opened when the portal starts"
        )
    return found


def accounts(connection: sa.Connection, agencies: Sequence[str]) -> Mapping[str, Account]:
    """As `account`, of many agencies at once; one that has none yet is left out."""
    sums: dict[tuple[str, str], Quota] = {}
    alike = (RESERVATION.c.agency, RESERVATION.c.state, RESERVATION.c.takes)
    asked = (
        sa.select(*alike, sa.func.count())
        .where(RESERVATION.c.agency.in_(agencies), RESERVATION.c.state != _RELEASED)
        .group_by(*alike)
    )
    for agency, state, takes, times in connection.execute(asked):
        sums[agency, state] = sums.get((agency, state), NO_QUOTA) + to_quota(takes) * times
    rows = connection.execute(sa.select(ACCOUNT).where(ACCOUNT.c.agency.in_(agencies)))
    return {
        row.agency: Account(
            row.agency, to_quota(row.quota), to_quota(row.base) + sums.get((row.agency, _TAKEN), NO_QUOTA),
            sums.get((row.agency, _HELD), NO_QUOTA),
        )
        for row in rows
    }  # fmt: skip


def hold(tx: Transaction, agency: str, request: str, units: Sequence[Quota]) -> None:
    """Reserve for each unit of a request, or for none; raises QuotaExceeded, AgencyClosed."""
    must_be_open(tx.connection, agency)
    check(account(tx.connection, agency), sum(units, start=NO_QUOTA))
    for takes in units:
        tx.connection.execute(
            sa.insert(RESERVATION).values(
                id=str(uuid4()), agency=agency, request=request, deployment=None, state=_HELD,
                takes=to_text(takes),
            )
        )  # fmt: skip


def check_again(tx: Transaction, agency: str, request: str) -> None:
    """Whether what the request holds is still within the limits; raises QuotaExceeded. Asked at approval and
    at execution: the limits may have been lowered, or something made beside the portal.
    """
    held = [to_quota(row.takes) for row in _of(tx.connection, request, (_HELD, _TAKEN))]
    check_held(account(tx.connection, agency), sum(held, start=NO_QUOTA))


def held(connection: sa.Connection, request: str) -> Quota:
    return sum((to_quota(row.takes) for row in _of(connection, request, (_HELD,))), start=NO_QUOTA)


def take(tx: Transaction, request: str, deployments: Mapping[str, Quota]) -> None:
    """Give what the request holds to its deployments (id: takes), one unit each."""
    free = {row.id: to_quota(row.takes) for row in _of(tx.connection, request, (_HELD,))}
    for deployment, takes in deployments.items():
        fitting = next((id_ for id_, held in free.items() if held == takes), None)
        if fitting is None:
            raise LookupError(f"request {request} holds no unit of {takes} for deployment {deployment}")
        del free[fitting]
        tx.connection.execute(
            sa.update(RESERVATION)
            .where(RESERVATION.c.id == fitting)
            .values(state=_TAKEN, deployment=deployment)
        )


def take_more(tx: Transaction, agency: str, request: str, deployment: str, more: Quota) -> None:
    """Let a deployment have at least so much of these resources as well; nothing where it has. Raises
    QuotaExceeded.
    """
    have = taken(tx.connection, deployment)
    lacking = Quota(**{name: max(0, getattr(more, name) - getattr(have, name)) for name in RESOURCES})
    if lacking == NO_QUOTA:
        return
    check(account(tx.connection, agency), lacking)
    _insert_taken(tx, agency, request, deployment, lacking)


def taken(connection: sa.Connection, deployment: str) -> Quota:
    """What a deployment took."""
    asked = sa.select(RESERVATION.c.takes).where(
        RESERVATION.c.deployment == deployment, RESERVATION.c.state == _TAKEN
    )
    return sum((to_quota(row.takes) for row in connection.execute(asked)), start=NO_QUOTA)


def add(tx: Transaction, request: str, deployment: str) -> None:
    """Give what the request holds to a deployment that stands, beside what it took before."""
    tx.connection.execute(
        sa.update(RESERVATION)
        .where(RESERVATION.c.request == request, RESERVATION.c.state == _HELD)
        .values(state=_TAKEN, deployment=deployment)
    )


def settle(tx: Transaction, agency: str, request: str, *, deployment: str, takes: Quota) -> None:
    """From now on the deployment takes this, by the request that changed it. A security group that its
    openings took (`take_more`) stays its own.
    """
    groups = max(takes.security_groups, taken(tx.connection, deployment).security_groups)
    release(tx, deployment=deployment)
    _insert_taken(tx, agency, request, deployment, replace(takes, security_groups=groups))


def _insert_taken(tx: Transaction, agency: str, request: str, deployment: str, takes: Quota) -> None:
    tx.connection.execute(
        sa.insert(RESERVATION).values(
            id=str(uuid4()), agency=agency, request=request, deployment=deployment, state=_TAKEN,
            takes=to_text(takes),
        )
    )  # fmt: skip


def release(tx: Transaction, *, request: str = "", deployment: str = "") -> int:
    """Give back what a request holds, or a deployment took; a second time gives nothing. How many units."""
    mine = (
        (RESERVATION.c.request == request, RESERVATION.c.state == _HELD)
        if request
        else (RESERVATION.c.deployment == deployment, RESERVATION.c.state == _TAKEN)
    )
    return tx.connection.execute(sa.update(RESERVATION).where(*mine).values(state=_RELEASED)).rowcount


def _of(connection: sa.Connection, request: str, states: Iterable[ReservationState]) -> Sequence[Any]:
    return connection.execute(
        sa.select(RESERVATION.c.id, RESERVATION.c.takes).where(
            RESERVATION.c.request == request, RESERVATION.c.state.in_(list(states))
        )
    ).all()


def to_text(quota: Quota) -> str:
    return canonical({name: value for name, value in asdict(quota).items() if value})


def to_quota(text: str) -> Quota:
    return Quota(**json.loads(text))

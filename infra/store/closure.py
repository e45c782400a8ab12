"""An agency leaves the cloud: first nobody of it comes in and nothing more is made for it, which can be taken
back; at last all that it has in the portal ends. Each is one transaction with its audit records; asked again
it changes nothing.

What stands in the cloud is not touched: the off-boarding removes it between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from infra.domain.audit import moment
from infra.domain.deployment import Deployment, DeploymentEvent, DeploymentState
from infra.domain.estate import Estate
from infra.domain.quota import NO_QUOTA
from infra.domain.rebuild import RebuildState
from infra.domain.request import Request, RequestEvent, RequestState
from infra.domain.words import Words
from infra.errors import InfraError
from infra.store import deployment as deployments
from infra.store import lease as leases
from infra.store import person as people
from infra.store import rebuild as rebuilds
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store import snapshot as snapshots
from infra.store.closed import CLOSURE, is_closed
from infra.store.deployment import WantedDeployments
from infra.store.portal_database import PortalDatabase, Transaction
from infra.store.portal_schema import ACCOUNT, DELEGATION, LEASE, PERSON
from infra.store.request import Wanted
from infra.store.session import SESSION, TOKEN
from infra.store.transition import move_deployment, move_request

_MOST = 100_000
_OPEN = (RequestState.SUBMITTED, RequestState.RETURNED, RequestState.APPROVED, RequestState.FAILED)
"""What somebody could still decide, change, make or try again."""
_STANDING = tuple(state for state in DeploymentState if state != DeploymentState.RETIRED)
WHY = Words("Cơ quan rời khỏi đám mây của thành phố", "The agency leaves the city's cloud")


class AgencyAtWork(InfraError):
    """A worker is making something for the agency at this moment; wait until it is done, and ask again."""

    code = "agency_at_work"


def read(database: PortalDatabase, agency: str, now: datetime) -> Estate:
    """What the agency has in the portal."""
    with database.reading() as connection:
        return _estate(connection, agency, now)


def standing(database: PortalDatabase, agency: str) -> tuple[str, ...]:
    """Ids of the agency's deployments that are not retired."""
    with database.reading() as connection:
        return tuple(one.id for one in _deployments(connection, agency))


def close(database: PortalDatabase, agency: str, now: datetime) -> Estate:
    """Nobody of the agency comes in, and no worker works for it, until `reopen`. What there was before.
    Raises AgencyAtWork, HeldByLaw.
    """
    with database.writing() as tx:
        before = _held(tx, agency, now)
        _close(tx, agency, before, now)
        return before


def end(database: PortalDatabase, agency: str, now: datetime) -> Estate:
    """All that the agency has in the portal ends: nothing of it stands in the cloud any more. What there was
    before. Raises AgencyAtWork, HeldByLaw.
    """
    with database.writing() as tx:
        before = _held(tx, agency, now)
        _close(tx, agency, before, now)
        for request in _requests(tx.connection, agency):
            _withdraw(tx, request, now)
        for deployment in _deployments(tx.connection, agency):
            _retire(tx, deployment, now)
        tx.connection.execute(
            sa.update(DELEGATION).where(*_delegations(agency, now)).values(revoked=moment(now))
        )
        for person in _people(tx.connection, agency):
            people.forget_roles(tx.connection, person)
        if before.accounts:
            reservations.set_account(tx, agency, NO_QUOTA, NO_QUOTA, now)
        ended = {kind: count for kind, count in before.counts.items() if kind not in ("tokens", "sessions")}
        if ended:
            told = Words(
                "Chấm dứt mọi yêu cầu, tài nguyên, ủy quyền và hạn mức của cơ quan trên cổng",
                "Ended all requests, deployments, delegations and the quota of the agency in the portal",
            )
            _audit(tx, agency, now, action="agency.end", about=agency, told=told, facts=ended)
        return before


def reopen(database: PortalDatabase, agency: str, now: datetime) -> bool:
    """Whether it was closed. People come in again and workers work for it; what ended stays ended."""
    with database.writing() as tx:
        if not is_closed(tx.connection, agency):
            return False
        freed = sa.update(LEASE).where(LEASE.c.name == leases.of_agency(agency))
        tx.connection.execute(freed.values(holder="", until=moment(now)))
        told = Words("Mở lại cổng cho cơ quan", "Opened the portal for the agency again")
        _audit(tx, agency, now, action="agency.reopen", about=agency, told=told, facts={})
        return True


def _held(tx: Transaction, agency: str, now: datetime) -> Estate:
    """The agency's lease is ours from now on, fencing off whoever had it. What there was before."""
    before = _estate(tx.connection, agency, now)
    before.must_be_removable(agency)
    name = leases.of_agency(agency)
    if leases.acquire_in(tx.connection, name, CLOSURE, now=now, lasts=leases.FOREVER) is None:
        holder = leases.held(tx.connection, now).get(name, "")
        raise AgencyAtWork(
            f"the worker {holder} is at work for {agency}; nothing was changed, ask again when it is done"
        )
    return before


def _close(tx: Transaction, agency: str, before: Estate, now: datetime) -> None:
    for table in (SESSION, TOKEN):
        tx.connection.execute(sa.delete(table).where(table.c.agency == agency))
    ended = {kind: count for kind, count in before.counts.items() if kind in ("tokens", "sessions")}
    if ended or not before.closed:
        told = Words(
            "Đóng cổng đối với cơ quan: kết thúc phiên làm việc và thu hồi mã truy cập",
            "Closed the portal for the agency: sessions ended and tokens revoked",
        )
        _audit(tx, agency, now, action="agency.close", about=agency, told=told, facts=ended)


def _withdraw(tx: Transaction, found: Request, now: datetime) -> None:
    if found.state == RequestState.APPROVED:
        found = move_request(tx, found, RequestEvent.FAIL, found.version, failure=WHY, closing=True)
    move_request(tx, found, RequestEvent.WITHDRAW, found.version, failure=WHY, closing=True)
    told = Words(f"Kết thúc yêu cầu: {WHY.vi}", f"Ended the request: {WHY.en}")
    facts = {"number": found.number}
    _audit(tx, found.agency, now, action="request.withdraw", about=found.id, told=told, facts=facts)


_TO_RETIRED = {
    DeploymentState.PROVISIONING: DeploymentEvent.FAIL,
    DeploymentState.FAILED: DeploymentEvent.RETIRE,
    DeploymentState.ACTIVE: DeploymentEvent.RETIRE,
    DeploymentState.SUSPENDED: DeploymentEvent.RETIRE,
    DeploymentState.RETIRING: DeploymentEvent.GONE,
}
"""The event that leads nearer to the end."""


def _retire(tx: Transaction, found: Deployment, now: datetime) -> None:
    while found.state != DeploymentState.RETIRED:
        found = move_deployment(tx, found, _TO_RETIRED[found.state], found.version, closing=True)
    snapshots.all_gone(tx, found.id)
    rebuild = rebuilds.last(tx.connection, found.id)
    if rebuild is not None:
        rebuilds.end(tx, rebuild.id, RebuildState.FAILED, WHY)
    told = Words(f"{found.name} không còn: {WHY.vi}", f"{found.name} is gone: {WHY.en}")
    facts = {"request": found.request}
    _audit(tx, found.agency, now, action="deployment.gone", about=found.id, told=told, facts=facts)


def _estate(connection: sa.Connection, agency: str, now: datetime) -> Estate:
    standing = _deployments(connection, agency)
    return Estate(
        requests=len(_requests(connection, agency)),
        deployments=len(standing),
        delegations=_count(connection, DELEGATION, *_delegations(agency, now)),
        tokens=_count(connection, TOKEN, TOKEN.c.agency == agency),
        sessions=_count(connection, SESSION, SESSION.c.agency == agency),
        people=len(_people(connection, agency)),
        accounts=_count(connection, ACCOUNT, ACCOUNT.c.agency == agency, ACCOUNT.c.quota != _NOTHING),
        closed=is_closed(connection, agency),
        on_hold=tuple(sorted(one.name for one in standing if one.legal_hold)),
    )


_NOTHING = reservations.to_text(NO_QUOTA)


def _requests(connection: sa.Connection, agency: str) -> Sequence[Request]:
    return requests.listed(connection, Wanted([agency], _OPEN, limit=None))


def _deployments(connection: sa.Connection, agency: str) -> Sequence[Deployment]:
    return deployments.listed(connection, WantedDeployments([agency], _STANDING, limit=_MOST))


def _people(connection: sa.Connection, agency: str) -> Sequence[str]:
    asked = sa.select(PERSON.c.id).where(PERSON.c.agency == agency, PERSON.c.roles != "")
    return [row.id for row in connection.execute(asked)]


def _delegations(agency: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """For the agency, or of or to somebody of it; those that have not run out."""
    theirs = sa.select(PERSON.c.id).where(PERSON.c.agency == agency)
    concerned = sa.or_(
        DELEGATION.c.agency == agency, DELEGATION.c.giver.in_(theirs), DELEGATION.c.taker.in_(theirs)
    )
    return DELEGATION.c.revoked == "", DELEGATION.c.end > moment(now), concerned


def _count(connection: sa.Connection, table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
    asked = sa.select(sa.func.count()).select_from(table).where(*which)
    return int(connection.execute(asked).scalar_one())


def _audit(
    tx: Transaction, agency: str, now: datetime, *, action: str, about: str, told: Words,
    facts: Mapping[str, int | str],
) -> None:  # fmt: skip
    tx.audit(
        at=now, who=CLOSURE, who_name=CLOSURE, agency=agency, action=action, about=about, told=told,
        facts=facts,
    )  # fmt: skip

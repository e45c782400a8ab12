"""Requests and their signatures as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from infra.domain.approval import DOUBLE_FROM_LEVEL, Authority, Signature, Stage, Verdict
from infra.domain.audit import canonical, moment
from infra.domain.change import Change
from infra.domain.request import Request, RequestItem, RequestState
from infra.errors import InfraError
from infra.store.portal_database import Transaction
from infra.store.portal_schema import REQUEST, SIGNATURE
from infra.store.reservation import to_quota, to_text

_BATCH = 500
"""Ids in one question: databases take some thousands."""


class ChangedMeanwhile(InfraError):
    """Somebody changed it since you looked; look again and decide anew."""

    code = "changed_meanwhile"


@dataclass(frozen=True)
class Signed:
    """A signature as it is kept. `review` marks one that was made afterwards, in an emergency's review."""

    signature: Signature
    round: int
    signer_name: str
    review: bool


def next_number(tx: Transaction) -> int:
    """Numbers count from 1 over all agencies and years; there is no other writer who could take the same."""
    return (tx.connection.execute(sa.select(sa.func.max(REQUEST.c.number))).scalar() or 0) + 1


def insert(tx: Transaction, request: Request) -> None:
    tx.connection.execute(sa.insert(REQUEST).values(**_row(request)))


def save(tx: Transaction, request: Request, expected: int) -> Request:
    """Write the request over version `expected`; returns it with its new version. Raises ChangedMeanwhile."""
    fresh = replace(request, version=expected + 1)
    done = tx.connection.execute(
        sa.update(REQUEST)
        .where(REQUEST.c.id == request.id, REQUEST.c.version == expected)
        .values(**_row(fresh))
    )
    if done.rowcount != 1:
        raise ChangedMeanwhile(f"request {request.number} is no longer at version {expected}; look again")
    return fresh


def find(connection: sa.Connection, id_: str) -> Request | None:
    row = connection.execute(sa.select(REQUEST).where(REQUEST.c.id == id_)).first()
    return _request(row) if row is not None else None


@dataclass(frozen=True)
class Wanted:
    """Which requests to list; empty values do not narrow. `below` is the number to begin under, `agencies`
    None stands for all. `for_city` are those that the city may ever have to sign; `unreviewed` emergencies
    that nobody has looked back at.
    """

    agencies: Sequence[str] | None = None
    states: Sequence[RequestState] = ()
    requester: str = ""
    not_requester: str = ""
    not_id: str = ""
    emergency: bool = False
    for_city: bool = False
    unreviewed: bool = False
    below: int = 0
    limit: int | None = 50


def listed(connection: sa.Connection, wanted: Wanted) -> tuple[Request, ...]:
    """The newest first."""
    asked = sa.select(REQUEST).order_by(REQUEST.c.number.desc()).limit(wanted.limit)
    if wanted.agencies is not None:
        asked = asked.where(REQUEST.c.agency.in_(wanted.agencies))
    if wanted.states:
        asked = asked.where(REQUEST.c.state.in_(wanted.states))
    if wanted.requester:
        asked = asked.where(REQUEST.c.requester == wanted.requester)
    if wanted.not_requester:
        asked = asked.where(REQUEST.c.requester != wanted.not_requester)
    if wanted.not_id:
        asked = asked.where(REQUEST.c.id != wanted.not_id)
    if wanted.emergency:
        asked = asked.where(REQUEST.c.emergency)
    if wanted.for_city:
        asked = asked.where(sa.or_(REQUEST.c.emergency, REQUEST.c.security_level >= DOUBLE_FROM_LEVEL))
    if wanted.unreviewed:
        looked_back = sa.select(SIGNATURE.c.id).where(
            SIGNATURE.c.request == REQUEST.c.id, SIGNATURE.c.round == REQUEST.c.round, SIGNATURE.c.review
        )
        asked = asked.where(REQUEST.c.emergency, ~looked_back.exists())
    if wanted.below:
        asked = asked.where(REQUEST.c.number < wanted.below)
    return tuple(_request(row) for row in connection.execute(asked))


def count(connection: sa.Connection, wanted: Wanted) -> int:
    """How many there are of `wanted` agencies and states."""
    asked = sa.select(sa.func.count()).select_from(REQUEST).where(REQUEST.c.state.in_(wanted.states))
    if wanted.agencies is not None:
        asked = asked.where(REQUEST.c.agency.in_(wanted.agencies))
    return int(connection.execute(asked).scalar_one())


def counts(
    connection: sa.Connection, agencies: Sequence[str], states: Sequence[RequestState]
) -> Mapping[str, Mapping[str, int]]:
    """How many there are of each agency and state; what there is none of is left out."""
    asked = (
        sa.select(REQUEST.c.agency, REQUEST.c.state, sa.func.count().label("many"))
        .where(REQUEST.c.agency.in_(agencies), REQUEST.c.state.in_(states))
        .group_by(REQUEST.c.agency, REQUEST.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(asked):
        found.setdefault(row.agency, {})[row.state] = row.many
    return found


def add_signature(
    tx: Transaction, request: Request, signature: Signature, signer_name: str, *, review: bool = False
) -> None:
    """Raises StoreUnreachable where the tables refuse it: a signature of who asked, or a second of one person
    or stage in a round. `infra.domain.approval.sign` refuses those before, in words.
    """
    before = tx.connection.execute(
        sa.select(sa.func.count()).where(
            SIGNATURE.c.request == request.id, SIGNATURE.c.round == request.round
        )
    ).scalar_one()
    tx.connection.execute(
        sa.insert(SIGNATURE).values(
            id=str(uuid4()), request=request.id, round=request.round, place=before,
            requester=request.requester, signer=signature.authority.person, signer_name=signer_name,
            on_behalf_of=signature.authority.on_behalf_of, stage=signature.authority.stage,
            verdict=signature.verdict, review=review, reason=signature.reason, at=moment(signature.at),
        )
    )  # fmt: skip


def signatures(connection: sa.Connection, request: str) -> tuple[Signed, ...]:
    """All of them, in all rounds, the oldest first."""
    asked = (
        sa.select(SIGNATURE)
        .where(SIGNATURE.c.request == request)
        .order_by(SIGNATURE.c.round, SIGNATURE.c.place)
    )
    return tuple(_signed(row) for row in connection.execute(asked))


def signatures_of(connection: sa.Connection, requests: Sequence[str]) -> Mapping[str, Sequence[Signed]]:
    """As `signatures`, for many requests at once."""
    found: dict[str, list[Signed]] = {}
    for start in range(0, len(requests), _BATCH):
        some = requests[start : start + _BATCH]
        asked = sa.select(SIGNATURE).where(SIGNATURE.c.request.in_(some))
        for row in connection.execute(asked.order_by(SIGNATURE.c.round, SIGNATURE.c.place)):
            found.setdefault(row.request, []).append(_signed(row))
    return found


def _row(request: Request) -> dict[str, Any]:
    items = [
        {
            "item": one.item, "blueprint": one.blueprint, "count": one.count, "values": dict(one.values),
            "unit": to_text(one.unit), **({"change": _told(one.change)} if one.change else {}),
        }
        for one in request.items
    ]  # fmt: skip
    plain = (
        "id", "number", "agency", "requester", "requester_name", "state", "purpose", "legal_basis",
        "emergency", "security_level", "round", "version", "failure_vi", "failure_en",
    )  # fmt: skip
    return {name: getattr(request, name) for name in plain} | {
        "items": canonical(items),
        "end": request.end.isoformat() if request.end else "",
        "created": moment(request.created),
        "submitted": moment(request.submitted),
    }


def _request(row: sa.Row[Any]) -> Request:
    held = dict(row._mapping)
    items = tuple(
        RequestItem(
            one["item"],
            one["blueprint"],
            one["count"],
            one["values"],
            to_quota(one["unit"]),
            _change(one["change"]) if "change" in one else None,
        )
        for one in json.loads(held["items"])
    )
    return Request(
        **held
        | {
            "items": items,
            "state": RequestState(held["state"]),
            "end": date.fromisoformat(held["end"]) if held["end"] else None,
            "created": datetime.fromisoformat(held["created"]),
            "submitted": datetime.fromisoformat(held["submitted"]),
        }
    )


def _told(change: Change) -> dict[str, Any]:
    return {
        "deployment": change.deployment, "name": change.name, "before": dict(change.before),
        "took": to_text(change.took), "takes": to_text(change.takes), "allowed": change.allowed,
        "stays": {name: to_text(more) for name, more in change.stays.items()},
    }  # fmt: skip


def _change(told: Mapping[str, Any]) -> Change:
    return Change(
        told["deployment"], told["name"], told["before"], to_quota(told["took"]), to_quota(told["takes"]),
        {name: to_quota(more) for name, more in told["stays"].items()}, told["allowed"],
    )  # fmt: skip


def _signed(row: sa.Row[Any]) -> Signed:
    authority = Authority(Stage(row.stage), row.signer, row.on_behalf_of)
    at = datetime.fromisoformat(row.at)
    signature = Signature(row.requester, authority, Verdict(row.verdict), row.reason, at)
    return Signed(signature, row.round, row.signer_name, row.review)

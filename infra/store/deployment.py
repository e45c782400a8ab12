"""Deployments as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from infra.domain.audit import canonical, moment
from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.opening import Opening, Service, Source
from infra.store.portal_database import Transaction
from infra.store.portal_schema import DEPLOYMENT
from infra.store.request import ChangedMeanwhile

_DAYS = ("expires", "noticed_on", "suspended_on", "archived")


def insert(tx: Transaction, deployment: Deployment) -> None:
    tx.connection.execute(sa.insert(DEPLOYMENT).values(**_row(deployment)))


def save(tx: Transaction, deployment: Deployment, expected: int) -> Deployment:
    """Write it over version `expected`; returns it with its new version. Raises ChangedMeanwhile."""
    fresh = replace(deployment, version=expected + 1)
    done = tx.connection.execute(
        sa.update(DEPLOYMENT)
        .where(DEPLOYMENT.c.id == deployment.id, DEPLOYMENT.c.version == expected)
        .values(**_row(fresh))
    )
    if done.rowcount != 1:
        raise ChangedMeanwhile(f"deployment {deployment.name} is no longer at version {expected}; look again")
    return fresh


def find(connection: sa.Connection, id_: str) -> Deployment | None:
    row = connection.execute(sa.select(DEPLOYMENT).where(DEPLOYMENT.c.id == id_)).first()
    return _deployment(row) if row is not None else None


def of_request(connection: sa.Connection, request: str) -> tuple[Deployment, ...]:
    asked = sa.select(DEPLOYMENT).where(DEPLOYMENT.c.request == request)
    rows = connection.execute(asked.order_by(DEPLOYMENT.c.created, DEPLOYMENT.c.name))
    return tuple(_deployment(row) for row in rows)


@dataclass(frozen=True)
class WantedDeployments:
    """Which to list; empty values do not narrow. `before` is (created, id) of the last one that was shown."""

    agencies: Sequence[str] | None = None
    states: Sequence[DeploymentState] = ()
    expires_by: date | None = None
    before: tuple[str, str] | None = None
    limit: int = 50


def listed(connection: sa.Connection, wanted: WantedDeployments) -> tuple[Deployment, ...]:
    """The newest first."""
    newest = (DEPLOYMENT.c.created.desc(), DEPLOYMENT.c.id.desc())
    asked = sa.select(DEPLOYMENT).order_by(*newest).limit(wanted.limit)
    if wanted.agencies is not None:
        asked = asked.where(DEPLOYMENT.c.agency.in_(wanted.agencies))
    if wanted.states:
        asked = asked.where(DEPLOYMENT.c.state.in_(wanted.states))
    if wanted.expires_by is not None:
        asked = asked.where(DEPLOYMENT.c.expires != "", DEPLOYMENT.c.expires <= wanted.expires_by.isoformat())
    if wanted.before is not None:
        asked = asked.where(sa.tuple_(DEPLOYMENT.c.created, DEPLOYMENT.c.id) < sa.tuple_(*wanted.before))
    return tuple(_deployment(row) for row in connection.execute(asked))


def count(
    connection: sa.Connection, agencies: Sequence[str] | None, states: Sequence[DeploymentState]
) -> int:
    asked = sa.select(sa.func.count()).select_from(DEPLOYMENT).where(DEPLOYMENT.c.state.in_(states))
    if agencies is not None:
        asked = asked.where(DEPLOYMENT.c.agency.in_(agencies))
    return int(connection.execute(asked).scalar_one())


def counts(
    connection: sa.Connection, agencies: Sequence[str], states: Sequence[DeploymentState]
) -> Mapping[str, Mapping[str, int]]:
    """How many there are of each agency and state; what there is none of is left out."""
    asked = (
        sa.select(DEPLOYMENT.c.agency, DEPLOYMENT.c.state, sa.func.count().label("many"))
        .where(DEPLOYMENT.c.agency.in_(agencies), DEPLOYMENT.c.state.in_(states))
        .group_by(DEPLOYMENT.c.agency, DEPLOYMENT.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(asked):
        found.setdefault(row.agency, {})[row.state] = row.many
    return found


def names(connection: sa.Connection, agency: str) -> frozenset[str]:
    """Every name that the agency has ever used: one that is gone is not given again, so that a backup or a
    record of it is never taken for another.
    """
    rows = connection.execute(sa.select(DEPLOYMENT.c.name).where(DEPLOYMENT.c.agency == agency))
    return frozenset(row.name for row in rows)


def _row(deployment: Deployment) -> dict[str, Any]:
    plain = (
        "id", "name", "agency", "owner", "request", "item", "blueprint", "state", "version", "noticed",
        "legal_hold", "power", "reboots", "rebuilt",
    )  # fmt: skip
    days = {name: getattr(deployment, name) for name in _DAYS}
    return {name: getattr(deployment, name) for name in plain} | {
        "values": canonical(dict(deployment.values)),
        "outputs": canonical(dict(deployment.outputs)),
        "created": moment(deployment.created),
        "openings": canonical([[one.service, one.source, one.port] for one in deployment.openings]),
        **{name: day.isoformat() if day else "" for name, day in days.items()},
    }


def _deployment(row: sa.Row[Any]) -> Deployment:
    held = dict(row._mapping)
    days = {name: date.fromisoformat(held[name]) if held[name] else None for name in _DAYS}
    return Deployment(
        **held
        | days
        | {
            "state": DeploymentState(held["state"]),
            "values": json.loads(held["values"]),
            "outputs": json.loads(held["outputs"]),
            "created": datetime.fromisoformat(held["created"]),
            "openings": tuple(
                Opening(Service(service), Source(source), port)
                for service, source, port in json.loads(held["openings"])
            ),
        }
    )

"""Which request changes which deployment, and how far it is. See `infra.domain.change.ChangeState`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from infra.domain.change import ChangeRefused, ChangeState
from infra.domain.words import Words
from infra.store import request as requests
from infra.store.portal_database import Transaction
from infra.store.portal_schema import DEPLOYMENT_CHANGE

_C = DEPLOYMENT_CHANGE.c


@dataclass(frozen=True)
class RunningChange:
    """A change that has not ended: its request, and how far it is."""

    request: str
    state: ChangeState

    @property
    def begun(self) -> bool:
        return self.state != ChangeState.ASKED


def running(connection: sa.Connection, deployment: str) -> RunningChange | None:
    asked = sa.select(_C.request, _C.state).where(_C.deployment == deployment, _C.state != ChangeState.ENDED)
    row = connection.execute(asked).first()
    return RunningChange(row.request, ChangeState(row.state)) if row is not None else None


def state(connection: sa.Connection, request: str) -> ChangeState | None:
    """How far a request's change is; None where it changes nothing that stands."""
    found = connection.execute(sa.select(_C.state).where(_C.request == request)).scalar()
    return ChangeState(found) if found is not None else None


def undoing(connection: sa.Connection) -> Mapping[str, str]:
    """Deployment -> request, of changes that are being taken back."""
    asked = sa.select(_C.deployment, _C.request).where(_C.state == ChangeState.UNDOING)
    return {row.deployment: row.request for row in connection.execute(asked)}


def begin(tx: Transaction, request: str, deployment: str) -> None:
    """A request that changes it is handed in (again). Raises ChangeRefused while another one runs."""
    other = running(tx.connection, deployment)
    if other is not None and other.request != request:
        raise ChangeRefused(_another(tx, other.request))
    if state(tx.connection, request) is not None:
        move(tx, request, ChangeState.ASKED)
        return
    values = {"request": request, "deployment": deployment, "state": ChangeState.ASKED}
    tx.connection.execute(sa.insert(DEPLOYMENT_CHANGE).values(**values))


def move(tx: Transaction, request: str, to: ChangeState) -> None:
    tx.connection.execute(sa.update(DEPLOYMENT_CHANGE).where(_C.request == request).values(state=to))


def end(tx: Transaction, request: str) -> None:
    """The deployment is free for the next change; nothing happens for a request that changes none."""
    move(tx, request, ChangeState.ENDED)


def _another(tx: Transaction, request: str) -> Words:
    found = requests.find(tx.connection, request)
    number = found.written if found is not None else request
    return Words(
        f"Đang có yêu cầu thay đổi {number} cho tài nguyên này; hãy đợi xong, hoặc rút yêu cầu đó.",
        f"The request {number} changes this deployment already; wait until it is done, or withdraw it.",
    )

"""What calls with a key have answered, kept in the transaction of their effect: asked again they change
nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from infra.domain.audit import canonical, moment
from infra.errors import InfraError
from infra.store.portal_database import Transaction
from infra.store.portal_schema import ANSWER


class KeyUsed(InfraError):
    """The key was used for another call; make a new key for each thing that you want done."""

    code = "key_used"


def once(
    tx: Transaction, person: str, key: str, *, asked: Any, now: datetime, effect: Callable[[], str]
) -> str:
    """The answer of `effect`, or the one it gave when this person asked the same (`asked`, JSON) by this key.
    "" for a key does not remember. Raises KeyUsed.
    """
    digest = hashlib.sha256(canonical(asked).encode()).hexdigest()
    if key:
        found = tx.connection.execute(
            sa.select(ANSWER).where(ANSWER.c.person == person, ANSWER.c.key == key)
        ).first()
        if found is not None and found.asked != digest:
            raise KeyUsed(f"the key {key!r} was used for another call; make a new one")
        if found is not None:
            return str(json.loads(found.answer))
    answer = effect()
    if key:
        tx.connection.execute(
            sa.insert(ANSWER).values(
                person=person, key=key, asked=digest, answer=canonical(answer), at=moment(now)
            )
        )
    return answer

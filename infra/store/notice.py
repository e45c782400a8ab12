"""Notices as rows: written with what they tell of, read in the portal, and sent by mail until a server took
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from infra.domain.audit import moment
from infra.domain.notice import LOUD, Notice, NoticeKind
from infra.domain.words import Words
from infra.store import person as people
from infra.store.person import Contact
from infra.store.portal_database import Transaction
from infra.store.portal_schema import NOTICE, PERSON

MAILED_WITHIN = timedelta(days=14)
"""What no server took for this long is not sent any more: it is in the portal, and old news."""
MOST_ATTEMPTS = 12
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Unsent:
    """A notice that still has to be mailed, and to whom."""

    notice: Notice
    contact: Contact


TRIED = ("waiting", "refused", "given_up")
"""How far a notice's mail is: not tried yet, refused and to be tried again, or not tried any more."""


@dataclass(frozen=True)
class Unmailed:
    """`counts` has every word of TRIED. `since` is when the oldest was written that goes on being tried, None
    where there is none.
    """

    counts: Mapping[str, int]
    since: datetime | None


def add(tx: Transaction, notice: Notice) -> bool:
    """Write it, in the transaction of its event; False where the person was told of this already."""
    known = sa.select(NOTICE.c.id).where(NOTICE.c.id == notice.id)
    if tx.connection.execute(known).first() is not None:
        return False
    tx.connection.execute(
        sa.insert(NOTICE).values(
            id=notice.id, person=notice.person, agency=notice.agency, kind=notice.kind, about=notice.about,
            label=notice.label, occasion=notice.occasion, told_vi=notice.told.vi, told_en=notice.told.en,
            created=moment(notice.created), read="", mailed="", attempts=0, next_try="", error="",
        )
    )  # fmt: skip
    return True


def was_told(connection: sa.Connection, kind: NoticeKind, about: str, occasion: str) -> bool:
    """Whether anybody was told of this event."""
    asked = sa.select(NOTICE.c.id).where(
        NOTICE.c.about == about, NOTICE.c.kind == kind, NOTICE.c.occasion == occasion
    )
    return connection.execute(asked.limit(1)).first() is not None


def listed(
    connection: sa.Connection, person: str, *, unread: bool = False, limit: int = 50, before: str = ""
) -> tuple[Notice, ...]:
    """The person's own, the newest first. `before` is the cursor of the last one that was shown."""
    newest = (NOTICE.c.created.desc(), NOTICE.c.id.desc())
    asked = sa.select(NOTICE).where(NOTICE.c.person == person).order_by(*newest).limit(limit)
    if unread:
        asked = asked.where(NOTICE.c.read == "")
    created, _, id_ = before.partition("_")
    if created and id_:
        asked = asked.where(sa.tuple_(NOTICE.c.created, NOTICE.c.id) < sa.tuple_(created, id_))
    return tuple(_notice(row) for row in connection.execute(asked))


def find(connection: sa.Connection, person: str, id_: str) -> Notice | None:
    """None also where it is another person's."""
    row = connection.execute(sa.select(NOTICE).where(NOTICE.c.id == id_, NOTICE.c.person == person)).first()
    return _notice(row) if row is not None else None


def unread_count(connection: sa.Connection, person: str) -> int:
    asked = sa.select(sa.func.count()).where(NOTICE.c.person == person, NOTICE.c.read == "")
    return int(connection.execute(asked).scalar_one())


def mark_read(
    connection: sa.Connection, person: str, ids: Sequence[str] | None, now: datetime
) -> int:  # fmt: skip
    """The person's own of these ids, or all with None; how many were not read before."""
    change = sa.update(NOTICE).where(NOTICE.c.person == person, NOTICE.c.read == "")
    if ids is not None:
        change = change.where(NOTICE.c.id.in_(ids))
    return connection.execute(change.values(read=moment(now))).rowcount


def to_mail(connection: sa.Connection, now: datetime, limit: int = 100) -> tuple[Unsent, ...]:
    """What has to be sent now to somebody with an address and a role: the loud ones first, then the oldest.
    Who has no address is told in the portal only.
    """
    asked = (
        _unmailed(sa.select(NOTICE), now)
        .where(NOTICE.c.next_try <= moment(now), NOTICE.c.attempts < MOST_ATTEMPTS)
        .order_by(sa.case((NOTICE.c.kind.in_(LOUD), 0), else_=1), NOTICE.c.created, NOTICE.c.id)
        .limit(limit)
    )
    found = []
    for row in connection.execute(asked).all():
        to = people.find(connection, row.person)
        if to is not None:
            found.append(Unsent(_notice(row), to))
    return tuple(found)


def unmailed(connection: sa.Connection, now: datetime) -> Unmailed:
    """What `to_mail` would send sooner or later, and what it has given up; by one query."""
    tried = sa.case(
        (NOTICE.c.attempts >= MOST_ATTEMPTS, "given_up"), (NOTICE.c.attempts > 0, "refused"), else_="waiting"
    )
    counted = sa.select(tried.label("tried"), sa.func.count(), sa.func.min(NOTICE.c.created))
    found = {
        str(state): (int(count), datetime.fromisoformat(oldest))
        for state, count, oldest in connection.execute(
            _unmailed(counted, now).group_by(sa.literal_column("tried"))
        )
    }
    since = [oldest for state, (_, oldest) in found.items() if state != "given_up"]
    return Unmailed(
        {state: found[state][0] if state in found else 0 for state in TRIED}, min(since, default=None)
    )


def _unmailed(asked: sa.Select[Any], now: datetime) -> sa.Select[Any]:
    """Of people with an address and a role, what no mail server has taken and is no old news."""
    return asked.join(PERSON, PERSON.c.id == NOTICE.c.person).where(
        NOTICE.c.mailed == "", NOTICE.c.created > moment(now - MAILED_WITHIN),
        PERSON.c.email != "", PERSON.c.roles != "",
    )  # fmt: skip


def mark_mailed(connection: sa.Connection, notice: str, now: datetime) -> None:
    """A mail server has taken it."""
    connection.execute(
        sa.update(NOTICE)
        .where(NOTICE.c.id == notice)
        .values(mailed=moment(now), attempts=NOTICE.c.attempts + 1, error="")
    )


def mark_refused(connection: sa.Connection, notice: Notice, why: str, now: datetime) -> None:
    """No server took it; it is tried again after a pause that doubles each time."""
    pause = min(_FIRST_PAUSE * 2**notice.attempts, _LONGEST_PAUSE)
    connection.execute(
        sa.update(NOTICE)
        .where(NOTICE.c.id == notice.id)
        .values(
            attempts=notice.attempts + 1, next_try=moment(now + pause),
            error=" ".join(why.split())[:_LONGEST_ERROR],
        )
    )  # fmt: skip


def forget(connection: sa.Connection, before: datetime) -> int:
    """Drop those that are older and were read; how many."""
    old = sa.delete(NOTICE).where(NOTICE.c.created < moment(before), NOTICE.c.read != "")
    return connection.execute(old).rowcount


def _notice(row: sa.Row[Any]) -> Notice:
    return Notice(
        row.person, row.agency, NoticeKind(row.kind), row.about, row.label, row.occasion,
        Words(row.told_vi, row.told_en), datetime.fromisoformat(row.created), _moment(row.read),
        _moment(row.mailed), row.attempts, row.error,
    )  # fmt: skip


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

"""Sessions and tokens of the portal, in its database: digests only, so nobody who reads it can sign in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from infra.domain.person import Person, Role
from infra.domain.session import Scope, Session, Token
from infra.store import person as people
from infra.store.closed import is_open, must_be_open
from infra.store.portal_database import PortalDatabase
from infra.store.portal_schema import METADATA


def _person_columns() -> Iterator[sa.Column[str]]:
    """Who it speaks for, as the directory last said."""
    yield sa.Column("person", sa.String(255), nullable=False)
    yield sa.Column("person_name", sa.Text, nullable=False)
    yield sa.Column("agency", sa.String(63), nullable=False)
    yield sa.Column("roles", sa.String(255), nullable=False)
    yield sa.Column("display_name", sa.Text, nullable=False)
    yield sa.Column("email", sa.Text, nullable=False)
    yield sa.Column("source", sa.String(32), nullable=False)
    yield sa.Column("checked", sa.String(32), nullable=False)


SESSION = sa.Table(
    "session",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    *_person_columns(),
    sa.Column("started", sa.String(32), nullable=False),
    sa.Column("seen", sa.String(32), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Index("ix_session_person", "person"),
    sa.Index("ix_session_seen", "seen"),
)
TOKEN = sa.Table(
    "token",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    *_person_columns(),
    sa.Column("scopes", sa.String(255), nullable=False),
    sa.Column("made", sa.String(32), nullable=False),
    sa.Column("expires", sa.String(32), nullable=False),
    sa.Index("ix_token_person", "person"),
)


class SessionStore:
    """What `infra.portal.session.Access` keeps. Nothing here is audited: the portal records what people
    do.
    """

    def __init__(self, database: PortalDatabase) -> None:
        self._database = database

    def add_session(self, session: Session) -> None:
        """Raises AgencyClosed."""
        with self._database.touching() as connection:
            must_be_open(connection, session.person.agency)
            connection.execute(sa.insert(SESSION).values(**_of_session(session)))
            people.remember(connection, session.person, session.source, session.seen)

    def renew_session(self, session: Session) -> None:
        self._renew(SESSION, _of_session(session), session, session.seen)

    def session(self, digest: str) -> Session | None:
        row = self._one(SESSION, digest)
        if row is None:
            return None
        return Session(
            row["digest"], _person(row), row["source"], _moment(row["started"]), _moment(row["seen"]),
            _moment(row["checked"]), row["address"], row["sealed"],
        )  # fmt: skip

    def drop_session(self, digest: str) -> None:
        with self._database.touching() as connection:
            connection.execute(sa.delete(SESSION).where(SESSION.c.digest == digest))

    def drop_sessions(self, person: str) -> int:
        """All of the person; how many there were."""
        with self._database.touching() as connection:
            return connection.execute(sa.delete(SESSION).where(SESSION.c.person == person)).rowcount

    def add_token(self, token: Token) -> None:
        self._add(TOKEN, _of_token(token))

    def renew_token(self, token: Token) -> None:
        self._renew(TOKEN, _of_token(token), token, token.checked)

    def token(self, digest: str) -> Token | None:
        row = self._one(TOKEN, digest)
        return _token(row) if row is not None else None

    def tokens(self, person: str) -> tuple[Token, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(TOKEN).where(TOKEN.c.person == person)).mappings().all()
        return tuple(_token(dict(row)) for row in rows)

    def drop_token(self, person: str, token: str) -> bool:
        """Whether the person had it."""
        with self._database.touching() as connection:
            gone = sa.delete(TOKEN).where(TOKEN.c.person == person, TOKEN.c.id == token)
            return connection.execute(gone).rowcount > 0

    def forget(self, seen_before: datetime, expired_before: datetime) -> None:
        """Drop sessions and tokens that have ended, so that they do not pile up."""
        with self._database.touching() as connection:
            connection.execute(sa.delete(SESSION).where(SESSION.c.seen < _text(seen_before)))
            connection.execute(sa.delete(TOKEN).where(TOKEN.c.expires < _text(expired_before)))

    def _add(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        with self._database.touching() as connection:
            connection.execute(sa.insert(table).values(**row))

    def _renew(self, table: sa.Table, row: Mapping[str, Any], of: Session | Token, seen: datetime) -> None:
        """With what the directory said meanwhile of the person, whom notices go to."""
        with self._database.touching() as connection:
            done = connection.execute(sa.update(table).where(table.c.digest == row["digest"]).values(**row))
            if done.rowcount:
                people.remember(connection, of.person, of.source, seen)

    def _one(self, table: sa.Table, digest: str) -> dict[str, Any] | None:
        """Of an agency that is closed there is none, also where one was begun at that very moment."""
        asked = sa.select(table).where(table.c.digest == digest, is_open(table.c.agency))
        with self._database.reading() as connection:
            row = connection.execute(asked).mappings().first()
        return dict(row) if row is not None else None


def _of_session(session: Session) -> dict[str, Any]:
    return {
        "digest": session.digest, **_of_person(session.person, session.source, session.checked),
        "started": _text(session.started), "seen": _text(session.seen), "address": session.address[:64],
        "sealed": session.sealed,
    }  # fmt: skip


def _of_token(token: Token) -> dict[str, Any]:
    return {
        "digest": token.digest, "id": token.id, "name": token.name,
        **_of_person(token.person, token.source, token.checked), "scopes": " ".join(sorted(token.scopes)),
        "made": _text(token.made), "expires": _text(token.expires),
    }  # fmt: skip


def _token(row: Mapping[str, Any]) -> Token:
    return Token(
        row["id"], row["digest"], row["name"], _person(row), row["source"],
        frozenset(Scope(one) for one in row["scopes"].split()), _moment(row["made"]), _moment(row["expires"]),
        _moment(row["checked"]),
    )  # fmt: skip


def _of_person(person: Person, source: str, checked: datetime) -> dict[str, Any]:
    return {
        "person": person.id, "person_name": person.name, "agency": person.agency,
        "roles": " ".join(sorted(person.roles)), "display_name": person.display_name, "email": person.email,
        "source": source, "checked": _text(checked),
    }  # fmt: skip


def _person(row: Mapping[str, Any]) -> Person:
    roles = frozenset(Role(one) for one in row["roles"].split())
    return Person(row["person"], row["person_name"], row["agency"], roles, row["display_name"], row["email"])


def _text(moment: datetime) -> str:
    """As all times of this database: UTC, microseconds, sorting as it stands."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

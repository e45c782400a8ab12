"""People who have signed in, as the directory last said: who can be told of something, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from infra.domain.audit import moment
from infra.domain.person import Person, Role
from infra.store.portal_schema import PERSON

REACHED = timedelta(days=180)
"""Who has not been seen for this long gets no notices any more: nobody knows if they still work there."""


@dataclass(frozen=True)
class Contact:
    """A person as they are told things. `language` is "" until they choose one; `source` who knows them,
    `seen` when they were last here.
    """

    person: Person
    language: str
    source: str
    seen: datetime


def remember(connection: sa.Connection, person: Person, source: str, seen: datetime) -> None:
    """What the directory says of a person now; their choice of a language stays."""
    said = {
        "name": person.name, "display_name": person.display_name, "email": person.email,
        "agency": person.agency, "roles": " ".join(sorted(person.roles)), "source": source,
        "seen": moment(seen),
    }  # fmt: skip
    row = {"id": person.id, "language": "", **said}
    if connection.dialect.name == "postgresql":
        made = postgresql.insert(PERSON).values(row)
        connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=said))
    else:
        new = sqlite.insert(PERSON).values(row)
        connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=said))


def forget_roles(connection: sa.Connection, person: str) -> None:
    """The directory knows this person no more, or without a role: nothing is sent to them."""
    connection.execute(sa.update(PERSON).where(PERSON.c.id == person).values(roles=""))


def set_language(connection: sa.Connection, person: str, language: str) -> None:
    """The language (vi or en) that the person chose, for their mails."""
    connection.execute(sa.update(PERSON).where(PERSON.c.id == person).values(language=language))


def find(connection: sa.Connection, person: str) -> Contact | None:
    row = connection.execute(sa.select(PERSON).where(PERSON.c.id == person)).first()
    return contact(row) if row is not None else None


def approvers(connection: sa.Connection, agency: str, now: datetime) -> tuple[Person, ...]:
    """Who may sign for the agency, as far as the portal knows. An auditor signs nothing."""
    asked = _reached(now).where(PERSON.c.agency == agency)
    return tuple(_of_role(connection, asked, Role.APPROVER))


def operators(connection: sa.Connection, now: datetime) -> tuple[Person, ...]:
    """The city's cloud team, as far as the portal knows."""
    return tuple(_of_role(connection, _reached(now), Role.OPERATOR))


def from_source(connection: sa.Connection, source: str, now: datetime) -> tuple[Contact, ...]:
    """Everybody with a role whom this directory knows, to ask it for them again."""
    asked = _reached(now).where(PERSON.c.source == source, PERSON.c.roles != "")
    return tuple(contact(row) for row in connection.execute(asked))


def everybody(connection: sa.Connection, agencies: Sequence[str] | None) -> tuple[Person, ...]:
    """Everybody of these agencies (None: of all) who has a role, by agency and name."""
    asked = sa.select(PERSON).where(PERSON.c.roles != "").order_by(PERSON.c.agency, PERSON.c.name)
    if agencies is not None:
        asked = asked.where(PERSON.c.agency.in_(agencies))
    return tuple(contact(row).person for row in connection.execute(asked))


def contact(row: sa.Row[Any]) -> Contact:
    """A row of `person`."""
    roles = frozenset(Role(one) for one in row.roles.split())
    person = Person(row.id, row.name, row.agency, roles, row.display_name, row.email)
    return Contact(person, row.language, row.source, datetime.fromisoformat(row.seen))


def _reached(now: datetime) -> sa.Select[tuple[Any, ...]]:
    return sa.select(PERSON).where(PERSON.c.seen > moment(now - REACHED)).order_by(PERSON.c.id)


def _of_role(connection: sa.Connection, asked: sa.Select[tuple[Any, ...]], role: Role) -> Iterator[Person]:
    for row in connection.execute(asked.where(PERSON.c.roles.contains(role))):
        found = contact(row).person
        if role in found.roles and Role.AUDITOR not in found.roles:
            yield found

"""Handing a deployment on to a colleague of the same agency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from infra.domain import notice_text
from infra.domain.deployment import Deployment
from infra.domain.notice import NoticeKind
from infra.domain.person import Person, Role
from infra.domain.words import Words
from infra.portal.delegation import Colleague
from infra.portal.interface import FieldProblem, InputRefused
from infra.portal.service.ground import Ground
from infra.store import announcement
from infra.store import deployment as deployments
from infra.store import person as people
from infra.store.portal_database import Connection, Transaction


def heirs(connection: Connection, one: Deployment) -> tuple[Colleague, ...]:
    """Members of its agency who have signed in before, without its owner."""
    found = (Colleague(heir.id, _name(heir)) for heir in _heirs(connection, one))
    return tuple(sorted(found, key=lambda heir: heir.name))


def hand_on(
    ground: Ground, tx: Transaction, before: Deployment, values: Mapping[str, str], version: int
) -> tuple[Words, Mapping[str, str]]:
    """What the audit says of it, and its facts. Old and new owner are told. Raises InputRefused."""
    to = next((one for one in _heirs(tx.connection, before) if one.id == values.get("to")), None)
    if to is None:
        raise InputRefused([FieldProblem("values.to", _TO)])
    after = deployments.save(tx, replace(before, owner=to.id), version)
    giver, taker = owner_name(tx.connection, before), _name(to)
    words = notice_text.handed_on(after, giver, taker)
    announcement.tell_of(tx, after, (before.owner, to.id), NoticeKind.TRANSFERRED, words, ground.clock())
    told = Words(
        f"Chuyển {before.name} từ {giver} cho {taker}", f"Handed {before.name} from {giver} to {taker}"
    )
    return told, {"from": before.owner, "to": to.id}


def owner_name(connection: Connection, one: Deployment) -> str:
    """As the portal knows them, their id where it does not."""
    known = people.find(connection, one.owner)
    return _name(known.person) if known is not None else one.owner


def _heirs(connection: Connection, one: Deployment) -> list[Person]:
    return [
        found for found in people.everybody(connection, [one.agency])
        if found.id != one.owner and Role.MEMBER in found.roles and Role.AUDITOR not in found.roles
    ]  # fmt: skip


def _name(person: Person) -> str:
    return person.display_name or person.name


_TO = Words(
    "Hãy chọn một đồng nghiệp cùng cơ quan đã từng đăng nhập cổng này.",
    "Choose a colleague of the same agency who has signed in to this portal before.",
)

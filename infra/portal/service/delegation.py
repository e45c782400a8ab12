"""Delegations: letting a colleague sign in one's place during a leave, and ending that."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from infra.domain import approval as domain
from infra.domain.approval import Stage, own_stages
from infra.domain.calendar import ZONE
from infra.domain.person import Person, Role
from infra.domain.words import Words
from infra.portal.delegation import Colleague, Delegation, Delegations, NewDelegation
from infra.portal.interface import Conflict, FieldProblem, InputRefused, NotFound
from infra.portal.service.ground import CHANGED, Ground, Refused
from infra.portal.service.standing import of_known
from infra.store import delegation as delegations
from infra.store import person as people
from infra.store.portal_database import Connection, Transaction

LONGEST, FURTHEST = timedelta(days=90), timedelta(days=366)
"""How long a delegation lasts at most, and how far ahead it begins."""
MOST_SHOWN = 100


class DelegationService:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def delegations(self, person: Person) -> Delegations:
        with self._ground.reading() as connection:
            found = tuple(delegations.of(connection, person.id, MOST_SHOWN))
            upheld = {one.id for one in of_known(connection, found)}
            stages = own_stages(person)
            colleagues = {one.id: one for stage in stages for one in _takers(connection, person, stage)}
        return Delegations(
            tuple(self._shown(one, person, one.id in upheld) for one in found),
            tuple(str(one) for one in stages),
            tuple(sorted((Colleague(one.id, _name(one)) for one in colleagues.values()), key=_by_name)),
        )

    def delegate(self, person: Person, wanted: NewDelegation, key: str) -> str:
        """Its id. Raises InputRefused, and Refused for who signs nothing themselves."""

        def effect(tx: Transaction) -> str:
            taker = self._taker(tx.connection, person, wanted)
            start, end = _midnight(wanted.first), _midnight(wanted.last + timedelta(days=1))
            given = domain.Delegation(
                person.id, _name(person), taker.id, person.agency, Stage(wanted.stage), start, end,
                taker_name=_name(taker),
            )  # fmt: skip
            id_ = delegations.insert(tx, given, self._ground.clock())
            days = f"{wanted.first:%d/%m/%Y} – {wanted.last:%d/%m/%Y}"
            told = Words(
                f"Ủy quyền duyệt cho {_name(taker)}, {days}", f"Delegated signing to {_name(taker)}, {days}"
            )
            facts = {"taker": taker.id, "stage": wanted.stage, "from": start.isoformat(),
                     "until": end.isoformat()}  # fmt: skip
            self._ground.audit(
                tx, person, person.agency, action="approval.delegate", about=id_, told=told, facts=facts
            )
            return id_

        asked = ["delegate", wanted.taker, wanted.stage, str(wanted.first), str(wanted.last)]
        return self._ground.once(person, key, asked, effect)

    def revoke(self, person: Person, delegation: str, key: str) -> None:
        """By who gave it, or who took it. Raises NotFound, and Conflict where it has ended already."""

        def effect(tx: Transaction) -> str:
            found = delegations.find(tx.connection, delegation)
            if found is None or person.id not in (found.giver, found.taker):
                raise NotFound("there is no such delegation among yours")
            if not delegations.revoke(tx, delegation, self._ground.clock()):
                raise Conflict(CHANGED)
            told = Words(
                f"Chấm dứt ủy quyền duyệt của {found.giver_name} cho {found.taker_name}",
                f"Ended the delegation of {found.giver_name} to {found.taker_name}",
            )
            facts = {"giver": found.giver, "taker": found.taker, "stage": found.stage}
            self._ground.audit(
                tx, person, found.agency, action="approval.revoke", about=delegation, told=told, facts=facts
            )
            return delegation

        self._ground.once(person, key, ["revoke", delegation], effect)

    def _taker(self, connection: Connection, person: Person, wanted: NewDelegation) -> Person:
        stages = own_stages(person)
        if not stages:
            raise Refused(_SIGNS_NOTHING)
        if wanted.stage not in stages:
            raise InputRefused([FieldProblem("stage", _STAGE)])
        today = self._ground.today()
        if wanted.first < today:
            raise InputRefused([FieldProblem("first", _PAST)])
        if wanted.first > today + FURTHEST:
            raise InputRefused([FieldProblem("first", _FAR)])
        if not wanted.first <= wanted.last < wanted.first + LONGEST:
            raise InputRefused([FieldProblem("last", _LAST)])
        for one in _takers(connection, person, Stage(wanted.stage)):
            if one.id == wanted.taker:
                return one
        raise InputRefused([FieldProblem("taker", _TAKER)])

    def _shown(self, one: domain.Delegation, person: Person, upheld: bool) -> Delegation:
        now = self._ground.clock()
        state = "in_force" if upheld else "void"
        if one.revoked is not None:
            state = "revoked"
        elif one.end <= now:
            state = "ended"
        elif upheld and now < one.start:
            state = "coming"
        first, last = one.start.astimezone(ZONE).date(), (one.end - timedelta(seconds=1)).astimezone(ZONE)
        return Delegation(
            one.id, one.giver_name, one.taker_name, one.stage, first, last.date(), state,
            one.giver == person.id,
        )  # fmt: skip


def _takers(connection: Connection, person: Person, stage: Stage) -> list[Person]:
    """Colleagues of the same agency who have signed in once; for the city also its other operators. An
    auditor takes no part.
    """
    known = people.everybody(connection, None if stage == Stage.CITY else [person.agency])
    return [
        one for one in known
        if one.id != person.id and Role.AUDITOR not in one.roles
        and (one.agency == person.agency or Role.OPERATOR in one.roles)
    ]  # fmt: skip


def _midnight(day: date) -> datetime:
    """In which the day begins in the city."""
    return datetime.combine(day, time(), ZONE)


def _name(person: Person) -> str:
    return person.display_name or person.name


def _by_name(one: Colleague) -> str:
    return one.name


_SIGNS_NOTHING = Words(
    "Chỉ người duyệt và tổ vận hành mới ủy quyền được; quyền nhận ủy quyền không chuyển tiếp được.",
    "Only who signs by their own role can delegate it; what was delegated cannot be passed on.",
)
_STAGE = Words("Hãy chọn quyền mà anh/chị có.", "Choose a right that you have.")
_PAST = Words("Từ hôm nay trở đi.", "From today on.")
_FAR = Words("Nhiều nhất một năm kể từ hôm nay.", "A year from today at most.")
_LAST = Words(
    f"Không trước ngày đầu, và nhiều nhất {LONGEST.days} ngày.",
    f"Not before the first day, and {LONGEST.days} days at most.",
)
_TAKER = Words(
    "Hãy chọn một đồng nghiệp đã từng đăng nhập cổng này.",
    "Choose a colleague who has signed in to this portal before.",
)

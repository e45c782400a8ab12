"""Approval: a signed decision on a request, and who may sign.

Separation of duties is in the shape of the data: a `Signature` cannot be made for the requester, and
`verdict` counts signatures of different people under different authorities only, so no caller can forget it.
The store repeats it as constraints of its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from infra.domain.person import Person, Role
from infra.domain.words import Words
from infra.errors import InfraError

DOUBLE_FROM_LEVEL = 3
"""From this security level on both the agency's approver and the city's sign."""


class Stage(StrEnum):
    """Whose signature it is: the agency's approver, or the city's cloud team (an operator)."""

    AGENCY = "agency"
    CITY = "city"


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"


class SignatureRefused(InfraError):
    """This person may not sign this request; another approver, or a delegate of one, has to."""

    code = "signature_refused"

    def __init__(self, told: Words) -> None:
        self.told = told
        super().__init__(told.en)


OWN_REQUEST = Words(
    "Người yêu cầu không được tự duyệt yêu cầu của mình, dù có vai trò nào; cần một người duyệt khác.",
    "Who asked for it can never approve it, whatever their roles; another approver has to.",
)
SIGNED_ALREADY = Words(
    "Anh/chị (hoặc người ủy quyền cho anh/chị) đã ký yêu cầu này; hai chữ ký phải của hai người khác nhau.",
    "You, or the person you act for, have signed this request already; two signatures are of two people.",
)
NO_AUTHORITY = Words(
    "Vai trò của anh/chị không cho phép ký yêu cầu này ở bước hiện tại.",
    "Your roles do not allow you to sign this request at the stage where it is.",
)
REASON_NEEDED = Words("Hãy ghi lý do.", "Give a reason.")


@dataclass(frozen=True)
class Subject:
    """What is decided on: what a rule about signing has to know of a request, and no more."""

    requester: str
    agency: str
    security_level: int
    emergency: bool = False


@dataclass(frozen=True)
class Delegation:
    """`giver` lets `taker` sign in their place, from `start` until `end` (both aware). `agency` and `stage`
    are those of the giver's authority: it cannot be wider than what the giver has, and cannot be passed on.
    It counts while the giver still has that authority (`upheld`) and it was not `revoked`.
    """

    giver: str
    giver_name: str
    taker: str
    agency: str
    stage: Stage
    start: datetime
    end: datetime
    id: str = ""
    taker_name: str = ""
    revoked: datetime | None = None

    def __post_init__(self) -> None:
        if self.giver == self.taker:
            raise ValueError("nobody delegates to themselves")
        if self.end <= self.start:
            raise ValueError("a delegation ends after it starts")

    def is_in_force(self, now: datetime) -> bool:
        return self.start <= now < self.end and (self.revoked is None or now < self.revoked)


@dataclass(frozen=True)
class Authority:
    """The right to sign at `stage`: one's own, or that of `on_behalf_of` (a person's id)."""

    stage: Stage
    person: str
    on_behalf_of: str = ""

    @property
    def people(self) -> frozenset[str]:
        """Everybody whose judgement it stands for."""
        return frozenset({self.person, self.on_behalf_of} - {""})


@dataclass(frozen=True)
class Signature:
    """A decision by an authority other than the requester's. Making one for the requester, in person or by a
    delegate, raises SignatureRefused: that is why no list of signatures can hold one.
    """

    requester: str
    authority: Authority
    verdict: Verdict
    reason: str
    at: datetime

    def __post_init__(self) -> None:
        if self.requester in self.authority.people:
            raise SignatureRefused(OWN_REQUEST)
        if self.verdict != Verdict.APPROVE and not self.reason.strip():
            raise SignatureRefused(REASON_NEEDED)


def stages(subject: Subject) -> tuple[Stage, ...]:
    """Signatures that the request needs in the end, in their order."""
    if subject.security_level >= DOUBLE_FROM_LEVEL:
        return (Stage.AGENCY, Stage.CITY)
    return (Stage.AGENCY,)


def open_stages(subject: Subject, signed: Sequence[Signature]) -> tuple[Stage, ...]:
    """Stages that may be signed now: the first that is missing; in an emergency any that is missing."""
    done = {one.authority.stage for one in signed if one.verdict == Verdict.APPROVE}
    if subject.emergency:
        return tuple(one for one in (Stage.AGENCY, Stage.CITY) if one not in done)
    return tuple(one for one in stages(subject) if one not in done)[:1]


def authorities(
    person: Person, agency: str, delegations: Iterable[Delegation], now: datetime
) -> tuple[Authority, ...]:
    """Every right to sign a request of `agency` that the person has now, one's own first. An auditor has
    none, not even by delegation: who judges afterwards takes no part.
    """
    if Role.AUDITOR in person.roles:
        return ()
    own = []
    if Role.APPROVER in person.roles and person.agency == agency:
        own.append(Authority(Stage.AGENCY, person.id))
    if Role.OPERATOR in person.roles:
        own.append(Authority(Stage.CITY, person.id))
    given = [
        Authority(one.stage, person.id, one.giver)
        for one in delegations
        if one.taker == person.id
        and one.is_in_force(now)
        and (one.stage == Stage.CITY or one.agency == agency)
    ]
    return (*own, *given)


def own_stages(person: Person) -> tuple[Stage, ...]:
    """Where the person signs by their own roles: what they can let another sign in their place."""
    return tuple(
        one.stage for one in authorities(person, person.agency, (), datetime.max.replace(tzinfo=UTC))
    )


def upheld(given: Iterable[Delegation], givers: Mapping[str, Person]) -> tuple[Delegation, ...]:
    """Those whose giver, as the directory knows them now (by id), still has the authority that they let
    another use: a delegation ends with the role that it stems from, and with its giver's leaving.
    """
    return tuple(one for one in given if _stands(one, givers.get(one.giver)))


def _stands(one: Delegation, giver: Person | None) -> bool:
    if giver is None or one.stage not in own_stages(giver):
        return False
    return one.stage == Stage.CITY or giver.agency == one.agency


def sign(
    person: Person, subject: Subject, signed: Sequence[Signature], *, verdict: Verdict, reason: str,
    delegations: Iterable[Delegation], now: datetime,
) -> Signature:  # fmt: skip
    """The person's signature at a stage that is open. Raises SignatureRefused."""
    wanted = open_stages(subject, signed)
    authority = _authority(person, subject, signed, wanted=wanted, delegations=delegations, now=now)
    return Signature(subject.requester, authority, verdict, reason.strip(), now)


def review(
    person: Person, subject: Subject, signed: Sequence[Signature], *, verdict: Verdict, reason: str,
    delegations: Iterable[Delegation], now: datetime,
) -> Signature:  # fmt: skip
    """The signature of who looks afterwards at what was approved in an emergency: APPROVE finds it right,
    REJECT does not. `signed` holds the signatures of then and the reviews so far. Raises SignatureRefused.
    """
    wanted = reviews_missing(subject, signed)
    authority = _authority(person, subject, signed, wanted=wanted, delegations=delegations, now=now)
    return Signature(subject.requester, authority, verdict, reason.strip(), now)


def _authority(
    person: Person, subject: Subject, signed: Sequence[Signature], *, wanted: Sequence[Stage],
    delegations: Iterable[Delegation], now: datetime,
) -> Authority:  # fmt: skip
    if person.id == subject.requester:
        raise SignatureRefused(OWN_REQUEST)
    rights = [one for one in authorities(person, subject.agency, delegations, now) if one.stage in wanted]
    if not rights:
        raise SignatureRefused(NO_AUTHORITY)
    foreign = [one for one in rights if subject.requester not in one.people]
    if not foreign:
        raise SignatureRefused(OWN_REQUEST)
    spent = frozenset[str]().union(*(one.authority.people for one in signed))
    fresh = [one for one in foreign if not one.people & spent]
    if not fresh:
        raise SignatureRefused(SIGNED_ALREADY)
    return fresh[0]


def verdict(subject: Subject, signed: Sequence[Signature]) -> Verdict | None:
    """What the signatures of a round come to; None while one is missing. One refusal is enough. In an
    emergency one approval is: the rest is reviewed afterwards.
    """
    for one in signed:
        if one.verdict != Verdict.APPROVE:
            return one.verdict
    counted: set[str] = set()
    done: set[Stage] = set()
    for one in signed:
        if one.requester == subject.requester and not one.authority.people & counted:
            counted |= one.authority.people
            done.add(one.authority.stage)
    if subject.emergency:
        return Verdict.APPROVE if done else None
    return Verdict.APPROVE if done >= set(stages(subject)) else None


def reviews_missing(subject: Subject, signed: Sequence[Signature]) -> tuple[Stage, ...]:
    """Whose people look afterwards at what was approved in an emergency: the stages that were skipped; the
    other side's where none was. `signed` holds reviews as well.
    """
    if not subject.emergency or not signed or signed[0].verdict != Verdict.APPROVE:
        return ()
    done = {one.authority.stage for one in signed}
    missing = tuple(one for one in stages(subject) if one not in done)
    if missing or len(signed) > 1:
        return missing
    return (Stage.CITY,)

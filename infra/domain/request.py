"""Request: a person asks for catalog items, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from infra.domain.change import Change
from infra.domain.quota import NO_QUOTA, Quota
from infra.errors import InfraError


class RequestState(StrEnum):
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    FULFILLED = "fulfilled"
    FAILED = "failed"


class RequestEvent(StrEnum):
    RETURN = "return"
    RESUBMIT = "resubmit"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    FULFILL = "fulfill"
    FAIL = "fail"
    RETRY = "retry"


_S, _E = RequestState, RequestEvent
TRANSITIONS: Mapping[tuple[RequestState, RequestEvent], RequestState] = {
    (_S.SUBMITTED, _E.RETURN): _S.RETURNED,
    (_S.SUBMITTED, _E.APPROVE): _S.APPROVED,
    (_S.SUBMITTED, _E.REJECT): _S.REJECTED,
    (_S.SUBMITTED, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.RETURNED, _E.RESUBMIT): _S.SUBMITTED,
    (_S.RETURNED, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.APPROVED, _E.FULFILL): _S.FULFILLED,
    (_S.APPROVED, _E.FAIL): _S.FAILED,
    (_S.FAILED, _E.RETRY): _S.APPROVED,
    (_S.FAILED, _E.WITHDRAW): _S.WITHDRAWN,
}
"""APPROVE is the last signature that a request needs. An approved request cannot be withdrawn: a worker may
be making it at this moment; what it makes is given back as a deployment."""

HOLDS_QUOTA = frozenset({_S.SUBMITTED, _S.APPROVED})
"""States in which a request keeps quota reserved. A returned one gives it up, so that nobody can block an
agency by leaving a request lying; handing it in again reserves anew."""
OPEN = frozenset({_S.SUBMITTED, _S.RETURNED, _S.APPROVED})
"""States in which somebody still has something to do."""


class TransitionRefused(InfraError):
    """The state does not allow this; look at it again and do what its state allows."""

    code = "transition_refused"


def next_state(state: RequestState, event: RequestEvent) -> RequestState:
    """Raises TransitionRefused."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        allowed = ", ".join(sorted(one for (at, one) in TRANSITIONS if at == state)) or "nothing"
        raise TransitionRefused(f"a request that is {state} cannot {event}; it allows {allowed}") from None


@dataclass(frozen=True)
class RequestItem:
    """`count` of one catalog item with checked values (text, by parameter). `unit` is what one of the `count`
    take from the agency's quota, and `version` of the catalog item they were asked from is kept with them by
    `blueprint`, so that a catalog that changes later changes nothing that was signed. With a `change` nothing
    new is made: `values` are those of the deployment afterwards, and `unit` is what it takes more.
    """

    item: str
    blueprint: str
    count: int
    values: Mapping[str, str]
    unit: Quota
    change: Change | None = None

    @property
    def takes(self) -> Quota:
        return self.unit * self.count


@dataclass(frozen=True)
class Request:
    """A request as it is kept. `round` counts how often it was handed in: signatures are for one round only.
    `security_level` is the highest of the agency's system and of the items. `version` grows with each change.
    `created` is the time of the first handing in, `submitted` of the last.
    """

    id: str
    number: int
    agency: str
    requester: str
    requester_name: str
    state: RequestState
    items: tuple[RequestItem, ...]
    purpose: str
    end: date | None
    legal_basis: str
    emergency: bool
    security_level: int
    round: int
    version: int
    created: datetime
    submitted: datetime
    failure_vi: str = ""
    failure_en: str = ""

    @property
    def written(self) -> str:
        """Its number as people write and say it."""
        return f"YC-{self.created.year}-{self.number:06}"

    @property
    def takes(self) -> Quota:
        return sum((one.takes for one in self.items), start=NO_QUOTA)

    @property
    def difference(self) -> Quota:
        """What the agency takes more once it is fulfilled; negative where it takes less."""
        return sum((one.change.difference if one.change else one.takes for one in self.items), start=NO_QUOTA)

    @property
    def change(self) -> Change | None:
        """Of a request that changes a deployment, which then has one item; None of others."""
        return next((one.change for one in self.items if one.change), None)

    @property
    def allowed(self) -> bool:
        """Whether the catalog's policy lets it be, so that nobody signs it."""
        return bool(self.items) and all(one.change is not None and one.change.allowed for one in self.items)

    @property
    def units(self) -> tuple[Quota, ...]:
        """What each of the things takes that are asked for, one by one."""
        return tuple(one.unit for one in self.items for _ in range(one.count))

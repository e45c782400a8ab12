"""What pages and API show and send: requests, approvals, deployments, audit records, and what can be wrong.

Texts that the services make up are `Words`; times are aware, in UTC; see `infra.portal.interface`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from infra.domain.words import NOTHING, Words
from infra.errors import InfraError
from infra.portal.catalog import Parameter
from infra.portal.upkeep import NO_UPKEEP, Upkeep

T = TypeVar("T")


class NotFound(InfraError):
    """There is no such thing, or it belongs to another agency; look at the list of your own."""

    code = "not_found"


class NotAllowed(InfraError):
    """Your roles do not allow this; ask the person who has the role. `told` says why, where there is more to
    say than that.
    """

    code = "not_allowed"
    told: Words = NOTHING


class Conflict(InfraError):
    """It has changed since you looked, or its state does not allow this any more; look again.

    A quota or a capacity that would be passed is a child of this.
    """

    code = "conflict"

    def __init__(self, told: Words) -> None:
        self.told = told
        super().__init__(told.en)


class CloudAway(InfraError):
    """The cloud does not answer now; try again later."""

    code = "cloud_away"


class InputRefused(InfraError):
    """What was entered is not right; every field that is wrong is named."""

    code = "input_refused"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.field}: {one.told.en}" for one in self.problems))


@dataclass(frozen=True)
class FieldProblem:
    """`field` is the dotted path of what was entered: `purpose`, `items[0].values.size`, `items[0].count`."""

    field: str
    told: Words


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list, newest first; `next` is what asks for those after them, "" at the end."""

    items: tuple[T, ...]
    next: str = ""


# Requests -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One item of a draft: as the form or the API gave it, unchecked. Values are text, by parameter. With a
    `deployment` (its id) it makes nothing new but changes those values of it, if it is still at this
    `version`, or at whichever it is with 0.
    """

    item: str
    values: Mapping[str, str]
    count: int = 1
    deployment: str = ""
    version: int = 0


@dataclass(frozen=True)
class Draft:
    """What a person enters. `legal_basis` is a decision's or dossier's number. `agency` is "" for the
    person's own; only an operator may name another.
    """

    items: tuple[Line, ...]
    purpose: str = ""
    end: date | None = None
    legal_basis: str = ""
    emergency: bool = False
    agency: str = ""


@dataclass(frozen=True)
class QuotaLine:
    """One resource of an agency's quota: `limit` >= `used` + `reserved` by open requests; `takes` is what
    this draft adds. `resource` is a field of `infra.domain.quota.Quota`.
    """

    resource: str
    limit: int
    used: int
    reserved: int
    takes: int = 0

    @property
    def left(self) -> int:
        return self.limit - self.used - self.reserved - self.takes


@dataclass(frozen=True)
class Cost:
    """`label` of what costs, and VND for each month of 30 days."""

    label: Words
    vnd_month: int


@dataclass(frozen=True)
class Preview:
    """What a draft would take, and everything that is wrong with it; nothing is kept. Of a `change` it is
    what is taken and costs more, or less.
    """

    quota: tuple[QuotaLine, ...]
    costs: tuple[Cost, ...]
    problems: tuple[FieldProblem, ...]
    change: bool = False

    @property
    def vnd_month(self) -> int:
        return sum(cost.vnd_month for cost in self.costs)


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """A named phase of a request's life, from submitted to active. `note` is its cause where it failed."""

    name: str
    label: Words
    state: StepState
    started: datetime | None = None
    ended: datetime | None = None
    note: Words = NOTHING


@dataclass(frozen=True)
class Decision:
    """`verdict` is approve, reject or return; `stage` agency or city, with _review after it for the look
    back at an emergency."""

    by: str
    stage: str
    verdict: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class RequestedItem:
    """`values` are (label, value) as a person reads them; `changes` (label, before, after) of those that
    differ, where it changes the `deployment` (its name) instead of making something new.
    """

    item: str
    label: Words
    count: int
    values: tuple[tuple[Words, Words], ...]
    deployment: str = ""
    changes: tuple[tuple[Words, Words, Words], ...] = ()


@dataclass(frozen=True)
class RequestSummary:
    """A row of a list. `number` is what people write and say, such as YC-2026-000012; `state` one of
    submitted, returned, approved, rejected, withdrawn, fulfilled, failed; `waits_for` says on whom it waits,
    and `due` until when they should have decided.
    """

    id: str
    number: str
    agency: str
    agency_name: Words
    requester: str
    state: str
    title: Words
    purpose: str
    submitted: datetime
    emergency: bool = False
    waits_for: Words = NOTHING
    due: datetime | None = None


@dataclass(frozen=True)
class Request:
    """A request as its page shows it. `may` holds what this person may do with it now: withdraw, change,
    decide, retry. `version` grows with each change; an action names the one that it was decided on.
    `draft` is what was entered, for changing it.
    """

    summary: RequestSummary
    items: tuple[RequestedItem, ...]
    end: date | None
    legal_basis: str
    decisions: tuple[Decision, ...]
    steps: tuple[Step, ...]
    draft: Draft
    may: frozenset[str]
    version: int
    failure: Words = NOTHING
    deployments: tuple[str, ...] = ()


# Approvals ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Capacity:
    """How many more of what is asked for the cloud would hold: now, after this, and after this with its
    largest hypervisor gone; None where nobody knows. `note` says what that means.
    """

    before: int | None
    after: int | None
    after_n_1: int | None
    note: Words = NOTHING


@dataclass(frozen=True)
class PolicyResult:
    """`outcome` is pass, warn or fail."""

    name: Words
    outcome: str
    reason: Words


@dataclass(frozen=True)
class Facts:
    """What an approver sees before deciding. `shadow` is what auto-approval would have done, with why. Quota
    and costs of a `change` are what is taken and costs more, or less.
    """

    quota: tuple[QuotaLine, ...]
    capacity: Capacity
    costs: tuple[Cost, ...]
    policies: tuple[PolicyResult, ...]
    similar: tuple[RequestSummary, ...]
    shadow: Words = NOTHING
    change: bool = False

    @property
    def vnd_month(self) -> int:
        return sum(cost.vnd_month for cost in self.costs)


# Deployments --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeploymentSummary:
    """`state` is one of provisioning, active, suspended, retiring, retired, failed; `power` is on or off, as
    its people switched it.
    """

    id: str
    name: str
    agency: str
    agency_name: Words
    item: Words
    state: str
    created: datetime
    expires: date | None = None
    address: str = ""
    power: str = "on"


@dataclass(frozen=True)
class Deployment:
    """`connect` are commands or addresses with what each is for. `may` holds what of `Services.act`,
    `console`, `remote_console` and `change` is possible now. `events` are its past, newest first; `note` what
    its people have to know of it. `values` are what it was asked for with, by parameter of the catalog's
    `item`, `stands` the same as people read it; `changes` are parameters that can be changed, narrowed to
    what they can become; `changed_by` the request that is changing it, "" if none is; `no_screen` why the
    reader cannot open its screen, where they could else.
    """

    summary: DeploymentSummary
    owner: str
    request: str
    user: str
    connect: tuple[tuple[Words, str], ...]
    events: tuple[tuple[datetime, Words], ...]
    may: frozenset[str]
    version: int
    legal_hold: bool = False
    note: Words = NOTHING
    upkeep: Upkeep = NO_UPKEEP
    item: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    stands: tuple[tuple[Words, Words], ...] = ()
    changes: tuple[Parameter, ...] = ()
    changed_by: str = ""
    no_screen: Words = NOTHING


# Audit and status ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class AuditFilter:
    """A field that is empty does not narrow."""

    agency: str = ""
    who: str = ""
    action: str = ""
    text: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class AuditEntry:
    """`action` is a noun and a verb such as request.approve; `about` the id or number of what it was done
    to; `address` of the person's computer.
    """

    number: int
    at: datetime
    who: str
    agency: str
    action: str
    about: str
    told: Words
    address: str
    digest: str


@dataclass(frozen=True)
class Component:
    """`state` is up, degraded, down or unknown."""

    label: Words
    state: str
    note: Words = NOTHING


@dataclass(frozen=True)
class PublicStatus:
    components: tuple[Component, ...]
    taken: datetime
    notices: tuple[Words, ...] = ()

"""What pages and REST API need of the services: the nouns that they show and the calls that they make.

Every call takes the person first and is scoped to what that person may see: what belongs to another agency is
`NotFound`, never `NotAllowed`, so that nobody learns that it exists. Times are aware, in UTC; money is whole
VND; memory is MiB and disk GiB as in `infra.domain.quota`. A text that the services make up is `Words`, in
both languages. Calls block and may come from many threads at once.

A call that changes something takes `key`, chosen by the caller: the same person, key and arguments again give
the first answer and change nothing; the same key with other arguments is a `Conflict`. It is kept in the
transaction of its effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.domain.person import Person
from infra.domain.words import Words
from infra.portal.catalog import Choice, Item, Kind, Parameter
from infra.portal.delegation import Colleague, Delegation, Delegations, NewDelegation
from infra.portal.notice import Notice
from infra.portal.nouns import (
    AuditEntry,
    AuditFilter,
    Capacity,
    CloudAway,
    Component,
    Conflict,
    Cost,
    Decision,
    Deployment,
    DeploymentSummary,
    Draft,
    Facts,
    FieldProblem,
    InputRefused,
    Line,
    NotAllowed,
    NotFound,
    Page,
    PolicyResult,
    Preview,
    PublicStatus,
    QuotaLine,
    Request,
    RequestedItem,
    RequestSummary,
    Step,
    StepState,
)
from infra.portal.oversight import (
    Agency,
    AgencyPerson,
    AgencySummary,
    Operations,
    QueuedRequest,
    Room,
)
from infra.portal.upkeep import Console, RemoteConsole
from infra.portal.usage import Usage

__all__ = [
    "Agency",
    "AgencyPerson",
    "AgencySummary",
    "AuditEntry",
    "AuditFilter",
    "Capacity",
    "Choice",
    "CloudAway",
    "Colleague",
    "Component",
    "Conflict",
    "Console",
    "Cost",
    "Decision",
    "Delegation",
    "Delegations",
    "Deployment",
    "DeploymentSummary",
    "Draft",
    "Facts",
    "FieldProblem",
    "Home",
    "InputRefused",
    "Item",
    "Kind",
    "Line",
    "NewDelegation",
    "NotAllowed",
    "NotFound",
    "Notice",
    "Operations",
    "Page",
    "Parameter",
    "PolicyResult",
    "Preview",
    "PublicStatus",
    "QueuedRequest",
    "QuotaLine",
    "RemoteConsole",
    "Request",
    "RequestSummary",
    "RequestedItem",
    "Room",
    "Services",
    "Step",
    "StepState",
    "Usage",
]


@dataclass(frozen=True)
class Home:
    """What a person should know at once. Counts are of what this person sees, `to_decide` and `to_review` of
    what waits for nobody but such as them; `signs_for` names those in whose place they sign now;
    `unread` counts their notices.
    """

    open_requests: int
    to_decide: int
    deployments: int
    expiring: tuple[DeploymentSummary, ...]
    quota: tuple[QuotaLine, ...]
    to_review: int = 0
    signs_for: tuple[str, ...] = ()
    unread: int = 0


class Services(Protocol):
    """All that pages and API call; one object for the life of the process."""

    def agency_name(self, code: str) -> Words: ...
    def agencies(self, person: Person) -> tuple[str, ...]:
        """Codes of the agencies that the person may see."""

    def home(self, person: Person) -> Home: ...
    def catalog(self, person: Person) -> tuple[Item, ...]: ...

    def latest_key(self, person: Person) -> str:
        """The public SSH key that the person gave last, "" where there is none: a form begins with it."""

    def preview(self, person: Person, draft: Draft) -> Preview: ...
    def submit(self, person: Person, draft: Draft, key: str) -> str:
        """The new request's id. Raises InputRefused, NotAllowed, Conflict."""

    def change(self, person: Person, request: str, draft: Draft, version: int, key: str) -> None:
        """Hand in a returned request again."""

    def requests(
        self, person: Person, *, state: str = "", agency: str = "", mine: bool = False, after: str = "",
        limit: int = 50,
    ) -> Page[RequestSummary]: ...  # fmt: skip

    def request(self, person: Person, request: str) -> Request: ...
    def withdraw(self, person: Person, request: str, version: int, key: str) -> None: ...
    def retry(self, person: Person, request: str, version: int, key: str) -> None: ...

    def to_decide(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        """What waits for this person's decision, the most urgent first."""

    def facts(self, person: Person, request: str) -> Facts:
        """Raises NotAllowed for who may not decide on requests of this agency at all."""

    def decide(self, person: Person, request: str, verdict: str, reason: str, version: int, key: str) -> None:
        """`verdict` is approve, reject or return; a reason is needed for the last two. Raises NotAllowed
        where the person asked for it."""

    def to_review(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        """Emergencies of which nobody has said afterwards whether they were justified, the oldest first."""

    def review(self, person: Person, request: str, verdict: str, reason: str, key: str) -> None:
        """`verdict` is approve (it was justified) or reject (it was not: a reason is needed, and what was
        made ends soon)."""

    def delegations(self, person: Person) -> Delegations:
        """Those that the person gave and took."""

    def delegate(self, person: Person, wanted: NewDelegation, key: str) -> str:
        """The new one's id. Raises InputRefused, and NotAllowed for who signs nothing themselves."""

    def revoke_delegation(self, person: Person, delegation: str, key: str) -> None:
        """By its giver or its taker. Raises NotFound, and Conflict where it has ended."""

    def agency_summaries(self, person: Person) -> tuple[AgencySummary, ...]:
        """Agencies that the person may see, with what they hold."""

    def agency(self, person: Person, code: str) -> Agency: ...
    def operations(self, person: Person) -> Operations:
        """Raises NotAllowed for who does not see all agencies."""

    def notices(
        self, person: Person, *, unread: bool = False, after: str = "", limit: int = 50
    ) -> Page[Notice]:
        """The person's own, the newest first."""

    def read_notices(self, person: Person, ids: Sequence[str] | None) -> None:
        """Mark them as read, all of the person's with None; it needs no key, as again it changes nothing."""

    def open_notice(self, person: Person, notice: str) -> str:
        """Mark it as read; the path of the page that it leads to. Raises NotFound."""

    def choose_language(self, person: Person, language: str) -> None:
        """The language that the person chose for pages, for their mails."""

    def deployments(
        self, person: Person, *, state: str = "", agency: str = "", after: str = "", limit: int = 50
    ) -> Page[DeploymentSummary]: ...
    def deployment(self, person: Person, deployment: str) -> Deployment: ...
    def usage(self, person: Person, deployment: str) -> Usage:
        """How much of the time it answered and how busy it is; never waits long for monitoring."""

    def act(
        self, person: Person, deployment: str, action: str, version: int, key: str,
        values: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`values` are what the action needs to be told, by name: open: service, source, port; close:
        opening; snapshot: name; revert and delete_snapshot: snapshot; transfer: to."""

    def console(self, person: Person, deployment: str) -> Console:
        """What its server printed last; that it was read is audited. Raises NotAllowed for who does not work
        with it."""

    def remote_console(self, person: Person, deployment: str) -> RemoteConsole:
        """Its server's screen and keyboard; that they were asked for is audited, each time anew. Raises
        NotAllowed, Conflict where it has none now, CloudAway.
        """

    def change_deployment(
        self, person: Person, deployment: str, values: Mapping[str, str], version: int, key: str
    ) -> str:
        """Change at once what the catalog allows to be changed at once: the id of the request that carries it
        out, which nobody signs. Raises InputRefused, NotAllowed, and Conflict where it has to be requested
        (`submit`, with a line that names the deployment).
        """

    def audit(
        self, person: Person, wanted: AuditFilter, *, after: str = "", limit: int = 50
    ) -> Page[AuditEntry]:
        """Auditors and operators see all agencies, an approver the own one; others NotAllowed."""

    def audit_export(self, person: Person, wanted: AuditFilter) -> Iterator[AuditEntry]:
        """All of them, oldest first; the export itself is audited."""

    def record(self, person: Person | None, action: str, about: str, told: Words, address: str) -> None:
        """An audit record of what the web part does itself: sign-in, a refused one, sign-out, tokens."""

    def status(self) -> PublicStatus: ...

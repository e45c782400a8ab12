"""All that pages and API call, as `infra.portal.interface.Services` says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from infra.domain.deployment import DeploymentState
from infra.domain.person import SEES_ALL, Person
from infra.domain.request import OPEN
from infra.domain.words import Words
from infra.portal.delegation import Delegations, NewDelegation
from infra.portal.interface import (
    AuditEntry,
    AuditFilter,
    Deployment,
    DeploymentSummary,
    Draft,
    Facts,
    Home,
    Item,
    Page,
    Preview,
    PublicStatus,
    Request,
    RequestSummary,
    Services,
    Usage,
)
from infra.portal.notice import Notice
from infra.portal.oversight import Agency, AgencySummary, Operations
from infra.portal.service import shown
from infra.portal.service.agency import AgencyService
from infra.portal.service.approval import ApprovalService
from infra.portal.service.audit import AuditService
from infra.portal.service.change import ChangeService
from infra.portal.service.delegation import DelegationService
from infra.portal.service.deployment import DeploymentService
from infra.portal.service.ground import Ground, PortalSite
from infra.portal.service.notice import NoticeService
from infra.portal.service.operations import OperationsService
from infra.portal.service.request import RequestService, quota_lines
from infra.portal.service.review import ReviewService
from infra.portal.service.standing import standing
from infra.portal.service.waiting import WaitingService
from infra.portal.upkeep import Console, RemoteConsole
from infra.store import deployment as deployments
from infra.store import notice as notices
from infra.store import request as requests
from infra.store import reservation as reservations
from infra.store.deployment import WantedDeployments
from infra.store.portal_database import PortalDatabase
from infra.store.request import Wanted

_LIVING = (DeploymentState.PROVISIONING, DeploymentState.ACTIVE, DeploymentState.SUSPENDED)
_EXPIRING_SHOWN = 10


class PortalServices(Services):
    """One object for the life of the process; its calls may come from many threads at once."""

    def __init__(self, database: PortalDatabase, site: PortalSite, clock: Callable[[], datetime]) -> None:
        self._ground = Ground(database, site, clock)
        asking = RequestService(self._ground)
        self._approvals = ApprovalService(self._ground, asking)
        self._waiting = WaitingService(self._ground)
        self._reviews = ReviewService(self._ground, asking)
        self._delegations = DelegationService(self._ground)
        self._agencies = AgencyService(self._ground)
        self._notices = NoticeService(self._ground)
        self._asking = asking
        self._deployments = DeploymentService(self._ground)
        self._changes = ChangeService(self._ground, asking)
        self._operations = OperationsService(self._ground, self._deployments)
        self._audit = AuditService(self._ground)

    def agency_name(self, code: str) -> Words:
        agency = self._ground.site.agencies.get(code)
        return Words(agency.name_vi, agency.name_en) if agency else Words(code, code)

    def agencies(self, person: Person) -> tuple[str, ...]:
        return tuple(code for code in self._ground.site.agencies if person.sees(code))

    def home(self, person: Person) -> Home:
        agencies = None if person.roles & SEES_ALL else [person.agency] if person.roles else []
        soon = self._ground.today() + timedelta(days=max(self._ground.site.ladder.notices))
        with self._ground.reading() as connection:
            to_decide, to_review = self._waiting.counts(connection, person)
            signs_for = tuple(
                dict.fromkeys(one.giver_name for one in standing(self._ground, connection, person))
            )
            unread = notices.unread_count(connection, person.id)
            open_ = requests.count(connection, Wanted(agencies, list(OPEN)))
            living = deployments.count(connection, agencies, _LIVING)
            ending = WantedDeployments(
                agencies, [DeploymentState.ACTIVE, DeploymentState.SUSPENDED], expires_by=soon,
                limit=_EXPIRING_SHOWN,
            )  # fmt: skip
            expiring = deployments.listed(connection, ending)
            known = person.roles and person.agency in self._ground.site.agencies
            quota = quota_lines(reservations.account(connection, person.agency)) if known else ()
        soon_over = tuple(self._deployments.summary(one) for one in expiring)
        return Home(open_, to_decide, living, soon_over, quota, to_review, signs_for, unread)

    def catalog(self, person: Person) -> tuple[Item, ...]:
        return tuple(
            Item(
                one.name, Words(one.name_vi, one.name_en), Words(one.summary_vi, one.summary_en),
                tuple(shown.parameter(each) for each in one.parameters), one.kind, one.security_level,
                one.max_count, one.days, one.slo.ratio if one.slo else None,
            )
            for one in self._ground.site.catalog.requestable
        )  # fmt: skip

    def latest_key(self, person: Person) -> str:
        return self._asking.latest_key(person)

    def preview(self, person: Person, draft: Draft) -> Preview:
        return self._asking.preview(person, draft)

    def submit(self, person: Person, draft: Draft, key: str) -> str:
        return self._asking.submit(person, draft, key)

    def change(self, person: Person, request: str, draft: Draft, version: int, key: str) -> None:
        self._asking.change(person, request, draft, version, key)

    def requests(
        self, person: Person, *, state: str = "", agency: str = "", mine: bool = False, after: str = "",
        limit: int = 50,
    ) -> Page[RequestSummary]:  # fmt: skip
        return self._asking.requests(
            person, state=state, agency=agency, mine=mine, after=after, limit=limit
        )  # fmt: skip

    def request(self, person: Person, request: str) -> Request:
        return self._asking.request(person, request)

    def withdraw(self, person: Person, request: str, version: int, key: str) -> None:
        self._asking.withdraw(person, request, version, key)

    def retry(self, person: Person, request: str, version: int, key: str) -> None:
        self._asking.retry(person, request, version, key)

    def to_decide(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        return self._waiting.to_decide(person, after=after, limit=limit)

    def facts(self, person: Person, request: str) -> Facts:
        return self._approvals.facts(person, request)

    def decide(  # noqa: PLR0917 (the interface's)
        self, person: Person, request: str, verdict: str, reason: str, version: int, key: str
    ) -> None:
        self._approvals.decide(person, request, verdict, reason, version, key)

    def to_review(self, person: Person, *, after: str = "", limit: int = 50) -> Page[RequestSummary]:
        return self._waiting.to_review(person, after=after, limit=limit)

    def review(self, person: Person, request: str, verdict: str, reason: str, key: str) -> None:
        self._reviews.review(person, request, verdict, reason, key)

    def delegations(self, person: Person) -> Delegations:
        return self._delegations.delegations(person)

    def delegate(self, person: Person, wanted: NewDelegation, key: str) -> str:
        return self._delegations.delegate(person, wanted, key)

    def revoke_delegation(self, person: Person, delegation: str, key: str) -> None:
        self._delegations.revoke(person, delegation, key)

    def agency_summaries(self, person: Person) -> tuple[AgencySummary, ...]:
        return self._agencies.agencies(person)

    def agency(self, person: Person, code: str) -> Agency:
        return self._agencies.agency(person, code)

    def operations(self, person: Person) -> Operations:
        return self._operations.operations(person)

    def notices(
        self, person: Person, *, unread: bool = False, after: str = "", limit: int = 50
    ) -> Page[Notice]:
        return self._notices.notices(person, unread=unread, after=after, limit=limit)

    def read_notices(self, person: Person, ids: Sequence[str] | None) -> None:
        self._notices.read(person, ids)

    def open_notice(self, person: Person, notice: str) -> str:
        return self._notices.opened(person, notice)

    def choose_language(self, person: Person, language: str) -> None:
        self._notices.choose_language(person, language)

    def deployments(
        self, person: Person, *, state: str = "", agency: str = "", after: str = "", limit: int = 50
    ) -> Page[DeploymentSummary]:
        return self._deployments.deployments(person, state=state, agency=agency, after=after, limit=limit)

    def deployment(self, person: Person, deployment: str) -> Deployment:
        return self._deployments.deployment(person, deployment)

    def usage(self, person: Person, deployment: str) -> Usage:
        return self._deployments.usage(person, deployment)

    def act(  # noqa: PLR0917 (the interface's)
        self, person: Person, deployment: str, action: str, version: int, key: str,
        values: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._deployments.act(person, deployment, action, version, key, values)

    def console(self, person: Person, deployment: str) -> Console:
        return self._deployments.console(person, deployment)

    def remote_console(self, person: Person, deployment: str) -> RemoteConsole:
        return self._deployments.remote_console(person, deployment)

    def change_deployment(
        self, person: Person, deployment: str, values: Mapping[str, str], version: int, key: str
    ) -> str:
        return self._changes.change(person, deployment, values, version, key)

    def audit(
        self, person: Person, wanted: AuditFilter, *, after: str = "", limit: int = 50
    ) -> Page[AuditEntry]:
        return self._audit.audit(person, wanted, after=after, limit=limit)

    def audit_export(self, person: Person, wanted: AuditFilter) -> Iterator[AuditEntry]:
        return self._audit.audit_export(person, wanted)

    def record(self, person: Person | None, action: str, about: str, told: Words, address: str) -> None:
        self._audit.record(person, action, about, told, address)

    def status(self) -> PublicStatus:
        """What the site's `status` says of the cloud, and that this portal answers."""
        return PublicStatus(self._operations.components(), self._ground.clock())

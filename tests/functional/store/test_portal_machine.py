"""Whatever people and workers do in whatever order: quota in the books is that of what is held and stands, no
limit is passed, nobody has signed their own request, and each effect has one audit record.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from infra.domain.deployment import DeploymentState
from infra.domain.parameter import check_values
from infra.domain.person import Person, Role
from infra.domain.quota import NO_QUOTA, exceeding, total
from infra.domain.request import HOLDS_QUOTA
from infra.domain.words import Words
from infra.portal.interface import Conflict, InputRefused, NotAllowed
from infra.portal.service.services import PortalServices
from infra.store import deployment as deployments
from infra.store import lease, reservation
from infra.store import request as requests
from infra.store.change_work import ChangeBook
from infra.store.deployment import WantedDeployments
from infra.store.request import Wanted
from infra.store.work import WorkBook

from .city import BASE, CATALOG, LIMIT, NOW, Clock, make_change, make_draft, make_person, make_site
from .tables import portal_database
from .test_portal_work import MINUTE, WHY

PEOPLE = [
    make_person("an", Role.MEMBER), make_person("binh", Role.MEMBER, Role.APPROVER),
    make_person("chi", Role.APPROVER, Role.OPERATOR, Role.MEMBER),
    make_person("em", Role.OPERATOR, Role.MEMBER),
]  # fmt: skip
SOMEBODY = st.sampled_from(PEOPLE)
REFUSED = (Conflict, NotAllowed, LookupError)
VALUES = st.sampled_from([
    {"public": "true"}, {"public": "false"}, {"size": "large"}, {"disk": "9"}, {"size": "large", "disk": "1"},
    {"size": "small", "disk": "50", "public": "true"}, {"disk": "9", "public": "false"},
])  # fmt: skip


class City(RuleBasedStateMachine):
    asked = Bundle("asked")

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.portal = self.stack.enter_context(portal_database(Path(folder)))
        with self.portal.writing() as tx:
            reservation.set_account(tx, "sotc", LIMIT, BASE, NOW)
        self.services = PortalServices(self.portal, make_site(), Clock())
        self.book, self.changing = WorkBook(self.portal), ChangeBook(self.portal)
        held = lease.acquire(self.portal, "agency/sotc", "w", now=NOW, lasts=MINUTE)
        assert held is not None
        self.held = held
        self.effects = 0
        self.something_stands()

    @rule(target=asked, person=SOMEBODY, count=st.integers(1, 5), secret=st.booleans(), urgent=st.booleans())
    def ask(self, person: Person, count: int, secret: bool, urgent: bool) -> str:
        item = "secret-server" if secret else "plain-server"
        try:
            made = self.services.submit(person, make_draft(item, count, emergency=urgent), "")
        except REFUSED:
            return ""
        self.effects += 1
        return made

    @rule(request=asked, person=SOMEBODY, verdict=st.sampled_from(["approve", "approve", "reject", "return"]))
    def decide(self, request: str, person: Person, verdict: str) -> None:
        self.attempt(
            request, person, lambda at: self.services.decide(person, request, verdict, "lý do", at, "")
        )

    @rule(request=asked, person=SOMEBODY)
    def withdraw(self, request: str, person: Person) -> None:
        self.attempt(request, person, lambda at: self.services.withdraw(person, request, at, ""))

    @rule(request=asked, person=SOMEBODY, count=st.integers(1, 5))
    def change(self, request: str, person: Person, count: int) -> None:
        draft = make_draft(count=count)
        self.attempt(request, person, lambda at: self.services.change(person, request, draft, at, ""))

    @rule(request=asked, person=SOMEBODY)
    def retry(self, request: str, person: Person) -> None:
        self.attempt(request, person, lambda at: self.services.retry(person, request, at, ""))

    def something_stands(self) -> None:
        """One server is there from the beginning, so that changes are reached in few steps."""
        request = self.ask(PEOPLE[0], 1, False, False)
        self.decide(request, PEOPLE[1], "approve")
        self.make(True, False)

    @rule(target=asked, person=SOMEBODY, values=VALUES, at_once=st.booleans())
    def change_what_stands(self, person: Person, values: dict[str, str], at_once: bool) -> str:
        for one in self.services.deployments(person, state="active", limit=1).items:
            shown = self.services.deployment(person, one.id)
            try:
                if at_once:
                    made = self.services.change_deployment(person, one.id, values, shown.version, "")
                else:
                    made = self.services.submit(person, make_change(shown, **values), "")
            except (*REFUSED, InputRefused):
                continue
            self.effects += 1
            return made
        return ""

    @rule(works=st.booleans(), grown=st.booleans())
    def make(self, works: bool, grown: bool) -> None:
        """A worker makes what waits first, or fails and takes it back."""
        for _, request in self.book.waiting()[:1]:
            if self.changing.changes(request):
                self.carry_out(request, works, grown)
                continue
            made = self.book.begin(self.held, request, NOW).deployments
            if works:
                for one in made:
                    self.book.activate(self.held, one.id, {}, NOW)
                self.book.fulfill(self.held, request, NOW)
                self.effects += 2 + len(made)
            else:
                self.book.failed(self.held, request, WHY, NOW)
                for one in made:
                    self.book.gone(self.held, one.id, NOW)
                self.book.fail(self.held, request, Words("hỏng", "broken"), NOW)
                self.effects += 3 + len(made)

    @rule(values=VALUES, works=st.booleans(), grown=st.booleans())
    def change_signed_and_made(self, values: dict[str, str], works: bool, grown: bool) -> None:
        """In one step, so that many come about."""
        request = self.change_what_stands(PEOPLE[0], values, False)
        self.decide(request, PEOPLE[1], "approve")
        if (PEOPLE[0].agency, request) in self.book.waiting():
            self.carry_out(request, works, grown)

    def carry_out(self, request: str, works: bool, grown: bool) -> None:
        """A change; `grown` says that the cloud has its new values by the time it fails."""
        one = self.changing.begin(self.held, request, NOW)
        if works:
            self.changing.settle(self.held, request, {}, NOW)
            self.effects += 3
        else:
            self.changing.undo(self.held, request, WHY, NOW)
            there = dict(one.values) if grown else {}
            self.changing.undone(self.held, request, there, why=WHY, now=NOW)
            self.effects += 4

    @rule(person=SOMEBODY)
    def give_back(self, person: Person) -> None:
        for one in self.services.deployments(person, state="active", limit=1).items:
            version = self.services.deployment(person, one.id).version
            try:
                self.services.act(person, one.id, "retire", version, "")
            except REFUSED:
                continue
            self.book.gone(self.held, one.id, NOW)
            self.effects += 2

    def attempt(self, request: str, person: Person, act: object) -> None:
        assert callable(act)
        if not request:
            return
        try:
            act(self.services.request(person, request).version)
        except REFUSED:
            return
        self.effects += 1

    @invariant()
    def books_are_right(self) -> None:
        with self.portal.reading() as connection:
            account = reservation.account(connection, "sotc")
            found = requests.listed(connection, Wanted(limit=1000))
            living = deployments.listed(
                connection,
                WantedDeployments(None, list(set(DeploymentState) - {DeploymentState.RETIRED}), limit=1000),
            )
        parameters = {item.name: item.parameters for item in CATALOG.items}
        takes = [check_values(parameters[one.item], one.values).takes for one in living]
        assert account.held == total(one.takes for one in found if one.state in HOLDS_QUOTA)
        assert account.used == BASE + sum(takes, start=NO_QUOTA)
        assert not exceeding(account.total, LIMIT)

    @invariant()
    def nobody_signed_their_own_and_levels_have_their_signatures(self) -> None:
        with self.portal.reading() as connection:
            for one in requests.listed(connection, Wanted(limit=1000)):
                all_ = requests.signatures(connection, one.id)
                signed = [past.signature for past in all_ if past.round == one.round]
                people = [who for past in signed for who in past.authority.people]
                assert one.requester not in people
                assert len(set(people)) == len(people)
                if one.state in ("approved", "fulfilled", "failed") and not one.emergency:
                    needed = 2 if one.security_level >= 3 else 1
                    assert len(signed) == (0 if one.allowed else needed)
                assert not one.allowed or one.security_level < 3

    @invariant()
    def each_effect_has_one_record(self) -> None:
        assert self.portal.verify() == self.effects

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()


def test_the_books_are_right_after_everything_that_people_and_workers_do() -> None:
    run_state_machine_as_test(
        City,
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

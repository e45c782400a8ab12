"""Requests of one agency that wait together: one run makes them, and none fails or waits for another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from infra.domain.blueprint import Wanted
from infra.domain.deployment import DeploymentState
from infra.domain.request import RequestState
from infra.portal.interface import AuditFilter
from infra.portal.service.services import PortalServices
from infra.provisioning.agency_stack import DeploymentsNotMade, Outputs
from infra.provisioning.worker import Worker
from infra.store import deployment as deployments
from infra.store import request as requests
from infra.store.portal_database import PortalDatabase

from .city import AN, DUNG, Clock
from .test_worker import LATER, NO_ROOM, REFUSED, Killed, Life, MemoryHands, MortalDatabase, Stand

PASSES = "the cloud is away for a while"


@dataclass
class PickyHands(MemoryHands):
    """`bad` says why something cannot be made, "" if it can. A run goes on beside it, or (`stops`) ends
    before it has made anything. `first` is called when a run begins.
    """

    bad: Callable[[Wanted], str] = lambda one: ""
    stops: bool = False
    first: Callable[[], None] = lambda: None
    names: dict[str, str] = field(default_factory=dict)
    runs: list[set[str]] = field(default_factory=list)

    def up(self, agency: str, wanted: Sequence[Wanted]) -> Outputs:
        self.first()
        self.runs.append({one.id for one in wanted})
        self.names |= {one.id: one.name for one in wanted}
        faulty = {one.id: self.bad(one) for one in wanted if self.bad(one)}
        if not faulty:
            return super().up(agency, wanted)
        reasons = {self.names[id_]: why for id_, why in faulty.items()}
        if self.stops:
            raise DeploymentsNotMade(reasons, {}, self._left(agency))
        stands = self.cloud.stands.setdefault(agency, {})
        kept = {id_: stands.pop(id_) for id_ in faulty if id_ in stands}
        made = super().up(agency, [one for one in wanted if one.id not in faulty])
        stands |= kept
        raise DeploymentsNotMade(reasons, made, self._left(agency))

    def _left(self, agency: str) -> frozenset[str]:
        return frozenset(self.names.get(id_, "of before") for id_ in self.cloud.stands.get(agency, {}))


@dataclass
class Crowd(Stand):
    """`picky` are the hands of the last worker."""

    def picky(self, life: Life | None = None, **how: object) -> tuple[Worker, PickyHands]:
        self.workers += 1
        life = life or Life()
        hands = PickyHands(self.cloud, life, **how)  # type: ignore[arg-type]
        mortal = MortalDatabase(self.database, life)
        return Worker(mortal, hands, self.clock, f"worker-{self.workers}"), hands  # type: ignore[arg-type]

    def of(self, request: str) -> list[str]:
        """The ids of its deployments that are not retired."""
        with self.database.reading() as connection:
            found = deployments.of_request(connection, request)
        return [one.id for one in found if one.state != DeploymentState.RETIRED]

    def prefix(self, request: str) -> str:
        """How the names of its deployments begin."""
        with self.database.reading() as connection:
            found = requests.find(connection, request)
        assert found is not None
        return f"plain-server-{found.number}-"

    def bad(self, request: str, why: str) -> Callable[[Wanted], str]:
        begins = self.prefix(request)
        return lambda one: why if one.name.startswith(begins) else ""


@pytest.fixture
def crowd(services: PortalServices, portal: PortalDatabase, clock: Clock) -> Crowd:
    return Crowd(services, portal, clock)


def test_all_that_waits_is_made_by_one_run_and_each_journal_tells_it(crowd: Crowd) -> None:
    asked = [crowd.ask(count) for count in (1, 2, 1)]
    worker, hands = crowd.picky()
    worker.run_once()
    assert hands.ups == 1
    assert [crowd.state(request) for request in asked] == [RequestState.FULFILLED] * 3
    assert [len(crowd.of(request)) for request in asked] == [1, 2, 1]
    assert sorted(hands.set_up_of) == sorted(crowd.living())
    for request in asked:
        steps = crowd.services.request(AN, request).steps
        assert [step.state for step in steps] == ["done"] * len(steps)
        assert "create" in [step.name for step in steps]
    assert worker.run_once() == 0


@pytest.mark.parametrize("stops", [False, True], ids=["goes on", "stops"])
def test_what_cannot_be_made_fails_alone(crowd: Crowd, *, stops: bool) -> None:
    good, bad, other = crowd.ask(2), crowd.ask(1), crowd.ask(1)
    worker, _ = crowd.picky(bad=crowd.bad(bad, str(REFUSED)), stops=stops)
    worker.run_once()
    assert crowd.state(bad) == RequestState.FAILED
    assert [crowd.state(request) for request in (good, other)] == [RequestState.FULFILLED] * 2
    assert set(crowd.cloud.stands["sotc"]) == {*crowd.of(good), *crowd.of(other)}
    assert crowd.taken() == 3
    assert crowd.cloud.made == 3
    failed = [step.name for step in crowd.services.request(AN, good).steps if step.state == "failed"]
    assert not failed
    assert worker.run_once() == 0


@pytest.mark.parametrize("stops", [False, True], ids=["goes on", "stops"])
def test_what_may_pass_holds_up_nobody_else(crowd: Crowd, *, stops: bool) -> None:
    good, bad = crowd.ask(1), crowd.ask(1)
    worker, hands = crowd.picky(bad=crowd.bad(bad, PASSES), stops=stops)
    worker.run_once()
    assert (crowd.state(good), crowd.state(bad)) == (RequestState.FULFILLED, RequestState.APPROVED)
    assert worker.troubled() == 1
    later = crowd.ask(1)
    crowd.clock.now += LATER
    worker.run_once()
    assert (crowd.state(later), crowd.state(bad)) == (RequestState.FULFILLED, RequestState.APPROVED)
    hands.bad = lambda one: ""
    crowd.clock.now += LATER
    crowd.until_done(worker)
    assert crowd.state(bad) == RequestState.FULFILLED
    assert crowd.taken() == 3


@pytest.mark.parametrize("stops", [False, True], ids=["goes on", "stops"])
def test_what_is_taken_or_given_back_waits_for_nobody_who_may_yet_come(crowd: Crowd, *, stops: bool) -> None:
    stands = crowd.made()
    refused, bad = crowd.ask(1), crowd.ask(1)
    crowd.services.act(AN, stands, "retire", crowd.services.deployment(AN, stands).version, "")
    why = {crowd.prefix(refused): str(REFUSED), crowd.prefix(bad): PASSES}
    worker, hands = crowd.picky(
        bad=lambda one: next((said for begins, said in why.items() if one.name.startswith(begins)), ""),
        stops=stops,
    )
    hands.names[stands] = crowd.services.deployment(AN, stands).summary.name
    worker.run_once()
    assert crowd.state(bad) == RequestState.APPROVED
    if not stops:
        assert crowd.state(refused) == RequestState.FAILED
        assert crowd.cloud.stands["sotc"] == {}
        assert crowd.services.deployment(AN, stands).summary.state == DeploymentState.RETIRED
        assert hands.forgotten == [stands]
    hands.bad = lambda one: ""
    crowd.clock.now += LATER
    crowd.until_done(worker)
    assert (crowd.state(refused), crowd.state(bad)) == (RequestState.FAILED, RequestState.FULFILLED)
    assert set(crowd.cloud.stands["sotc"]) == set(crowd.of(bad))


@pytest.mark.parametrize("stops", [False, True], ids=["goes on", "stops"])
def test_a_change_that_may_pass_holds_up_nobody_and_what_stands_stays(crowd: Crowd, *, stops: bool) -> None:
    one = crowd.made()
    change, good = crowd.change(one, size="large", disk="9"), crowd.ask(1)
    worker, hands = crowd.picky(bad=lambda it: PASSES if it.value("size") == "large" else "", stops=stops)
    worker.run_once()
    assert (crowd.state(good), crowd.state(change)) == (RequestState.FULFILLED, RequestState.APPROVED)
    assert crowd.cloud.has[one] == {"size": "small", "disk": "5"}
    hands.bad = lambda it: ""
    crowd.clock.now += LATER
    crowd.until_done(worker)
    assert crowd.state(change) == RequestState.FULFILLED
    assert crowd.cloud.has[one] == {"size": "large", "disk": "9"}
    assert crowd.cloud.made == 2


def test_of_servers_that_are_set_up_beside_each_other_one_may_fail(crowd: Crowd) -> None:
    asked = [crowd.ask(1) for _ in range(3)]
    worker, hands = crowd.picky(faults={"await_green": [DeploymentsNotMade({"": str(REFUSED)})]})
    worker.run_once()
    states = [crowd.state(request) for request in asked]
    assert sorted(states) == [RequestState.FAILED, RequestState.FULFILLED, RequestState.FULFILLED]
    assert hands.ups == 2
    assert set(crowd.cloud.stands["sotc"]) == crowd.living()
    assert crowd.taken() == 2


def test_what_hits_all_is_tried_again_by_all(crowd: Crowd) -> None:
    asked = [crowd.ask(1) for _ in range(3)]
    worker, hands = crowd.picky(faults={"up": [DeploymentsNotMade({"": str(NO_ROOM)})]})
    worker.run_once()
    assert [crowd.state(request) for request in asked] == [RequestState.APPROVED] * 3
    assert hands.ups == 1
    crowd.clock.now += LATER / 3
    crowd.until_done(worker)
    assert [crowd.state(request) for request in asked] == [RequestState.FULFILLED] * 3
    assert crowd.cloud.made == 3


def test_a_request_that_is_approved_during_a_run_waits_for_the_next_turn(crowd: Crowd) -> None:
    early, late = crowd.ask(1), []

    def approve_another() -> None:
        late.extend([] if late else [crowd.ask(1)])

    worker, hands = crowd.picky(first=approve_another)
    worker.run_once()
    assert (crowd.state(early), crowd.state(late[0])) == (RequestState.FULFILLED, RequestState.APPROVED)
    assert not crowd.of(late[0])
    assert hands.ups == 1
    worker.run_once()
    assert crowd.state(late[0]) == RequestState.FULFILLED


def test_killed_between_the_begin_and_the_run_all_are_made_by_the_next(crowd: Crowd) -> None:
    asked = [crowd.ask(1), crowd.ask(2)]

    def killed() -> None:
        raise Killed

    worker, _ = crowd.picky(first=killed)
    with pytest.raises(Killed):
        worker.run_once()
    assert [len(crowd.of(request)) for request in asked] == [1, 2]
    assert not crowd.cloud.stands
    crowd.clock.now += LATER
    next_, hands = crowd.picky()
    crowd.until_done(next_)
    _must_be_whole(crowd, asked)
    assert hands.ups == 1


def test_killed_before_the_second_is_active_it_is_found_made_and_set_up_again(crowd: Crowd) -> None:
    asked = [crowd.ask(1), crowd.ask(1)]
    worker, hands = crowd.picky()

    def set_up(agency: str, wanted: Wanted, outputs: dict[str, str]) -> None:
        if wanted.name.startswith(crowd.prefix(asked[1])):
            raise Killed

    hands.set_up = set_up  # type: ignore[method-assign]
    with pytest.raises(Killed):
        worker.run_once()
    assert crowd.state(asked[1]) == RequestState.APPROVED
    crowd.clock.now += LATER
    next_, again = crowd.picky()
    crowd.until_done(next_)
    _must_be_whole(crowd, asked)
    assert again.set_up_of == crowd.of(asked[1])
    assert crowd.cloud.made == 2


def test_killed_at_every_boundary_a_good_and_a_bad_request_end_whole(
    services: PortalServices, portal: PortalDatabase, clock: Clock
) -> None:
    end = 1
    while True:
        crowd = Crowd(services, portal, clock)
        good, bad = crowd.ask(1), crowd.ask(1)
        life = Life(end)
        try:
            crowd.until_done(crowd.picky(life, bad=crowd.bad(bad, str(REFUSED)))[0])
        except Killed:
            clock.now += LATER
            crowd.until_done(crowd.picky(bad=crowd.bad(bad, str(REFUSED)))[0])
        assert (crowd.state(good), crowd.state(bad)) == (RequestState.FULFILLED, RequestState.FAILED)
        assert set(crowd.cloud.stands["sotc"]) == crowd.living() == set(crowd.of(good))
        _must_have_ended_once(crowd, [good, bad])
        for id_ in crowd.of(good):  # nothing stands in the next one's way
            crowd.services.act(AN, id_, "retire", crowd.services.deployment(AN, id_).version, "")
        crowd.until_done(crowd.picky()[0])
        if life.steps < end:
            break
        end += 3
    assert end > 15


def _must_be_whole(crowd: Crowd, asked: list[str]) -> None:
    assert [crowd.state(request) for request in asked] == [RequestState.FULFILLED] * len(asked)
    assert set(crowd.cloud.stands["sotc"]) == crowd.living()
    assert crowd.taken() == len(crowd.living()) == crowd.cloud.made
    _must_have_ended_once(crowd, asked)


def _must_have_ended_once(crowd: Crowd, asked: list[str]) -> None:
    told = crowd.services.audit(DUNG, AuditFilter(), limit=200).items
    for request in asked:
        ends = [one for one in told if one.action in ("request.fulfill", "request.fail")]
        assert len([one for one in ends if one.about == request]) == 1

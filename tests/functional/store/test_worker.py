"""The portal's worker on real databases, over a cloud in memory: killed at each boundary, it loses, doubles
and leaves nothing.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from infra.cloud.errors import Conflict as Busy
from infra.cloud.errors import WentWrong
from infra.domain.blueprint import Wanted
from infra.domain.deployment import DeploymentState
from infra.domain.opening import Opening
from infra.domain.quota import Quota
from infra.domain.request import RequestState
from infra.domain.snapshot import Snapshot
from infra.errors import InfraError
from infra.portal.interface import AuditFilter, Conflict
from infra.portal.service.services import PortalServices
from infra.provisioning import worker as worker_module
from infra.provisioning.agency_stack import DeploymentsNotMade, Outputs
from infra.provisioning.failure_words import PATIENCE
from infra.provisioning.guest_setup import GuestNotReached
from infra.provisioning.worker import Worker
from infra.store import closure, lease, reservation
from infra.store import deployment as deployments
from infra.store.engine import StoreUnreachable
from infra.store.portal_database import PortalDatabase

from .city import AN, BASE, BINH, CHI, DUNG, Clock, make_change, make_draft
from .test_portal_request import approve

LATER = dt.timedelta(minutes=3)
"""Longer than a lease, and than the longest pause."""
NO_ROOM = InfraError("No valid host was found. There are not enough hosts available.")
REFUSED = InfraError("The policy does not allow it; not supported on this host.")


def until(reached: Callable[[], bool]) -> None:
    """Fails when it is not so within a time that no machine needs."""
    for _ in range(3000):
        if reached():
            return
        time.sleep(0.02)
    pytest.fail("it never came")


class Killed(BaseException):
    """The process is gone at this point."""


@dataclass
class Life:
    """Counts what a worker does; it is killed at its `end`-th step."""

    end: int | None = None
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.end:
            raise Killed


@dataclass
class MemoryCloud:
    """What stands, by agency. Things have ids of their own: one that is made twice shows.

    `open` are openings and `disks` what each deployment's disk was made from, in its order; `rebuilt` is the
    mark on its server, as the stack writes it too. `images` are by id: (deployment, snapshot or ARCHIVE).
    """

    stands: dict[str, dict[str, str]] = field(default_factory=dict)
    made: int = 0
    on: dict[str, bool] = field(default_factory=dict)
    open: dict[str, tuple[Opening, ...]] = field(default_factory=dict)
    disks: dict[str, list[str]] = field(default_factory=dict)
    rebuilt: dict[str, str] = field(default_factory=dict)
    images: dict[str, tuple[str, str]] = field(default_factory=dict)
    taken: int = 0
    lost: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    has: dict[str, dict[str, str]] = field(default_factory=dict)
    """Size and disk of each thing, which never shrink."""

    def bring_to(self, one: Wanted) -> dict[str, str]:
        """As the stack does: a disk or a size that got smaller would be destroyed and made anew."""
        held = self.has.setdefault(one.id, {"size": one.value("size"), "disk": one.value("disk")})
        for name, order in (("size", ["small", "large"].index), ("disk", lambda text: int(text or 0))):
            if name not in one.stays and held[name] != one.value(name):
                shrinks = order(one.value(name)) < order(held[name]) and one.value(name) != ""
                assert not shrinks, f"{one.name} would lose what is on its {name}"
                held[name] = one.value(name)
        return held


@dataclass
class MemoryHands:
    """`faults` are raised, one for each call of the method that they name, before or after its effect."""

    cloud: MemoryCloud
    life: Life
    faults: dict[str, list[InfraError]] = field(default_factory=dict)
    set_up_of: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    ups: int = 0

    def up(self, agency: str, wanted: Sequence[Wanted]) -> Outputs:
        self.life.step()
        self.ups += 1
        have = self.cloud.stands.setdefault(agency, {})
        for one in wanted:
            if one.id not in have:
                self.cloud.made += 1
                have[one.id] = f"server-{self.cloud.made}"
                self.life.step()
            self._fault("change")
            self.cloud.bring_to(one)
            self.life.step()
            self.cloud.on[one.id], self.cloud.open[one.id] = one.on, one.openings
            self.cloud.rebuilt[one.id] = one.rebuilt
        for gone in set(have) - {one.id for one in wanted}:
            del have[gone]
            self.life.step()
        self._fault("up")
        return {
            one.id: {
                "server_id": have[one.id], "address": "192.0.2.7", "user": "debian",
                **self.cloud.has[one.id],
            }
            for one in wanted
        }  # fmt: skip

    def forget(self, deployment: str) -> None:
        self.life.step()
        self.forgotten.append(deployment)
        images = self.cloud.images
        self.cloud.images = {id_: one for id_, one in images.items() if one[0] != deployment}

    def take_snapshot(self, snapshot: Snapshot) -> str:
        self.life.step()
        self._fault("take_snapshot")
        images = self.cloud.images
        if snapshot.archive:
            found = next(id_ for id_, one in images.items() if one[0] == snapshot.deployment)
            images[found] = (snapshot.deployment, snapshot.id)
        elif not any(one[1] == snapshot.id for one in images.values()):
            made = {id_ for id_, one in images.items() if one[0] == snapshot.deployment}
            if any(id_.startswith("image") for id_ in made - self.cloud.whole - self.cloud.lost):
                raise Busy("the server is being copied")
            self.cloud.taken += 1
            images[f"image-{self.cloud.taken}"] = (snapshot.deployment, snapshot.id)
        self.life.step()
        return next(id_ for id_, one in images.items() if one[1] == snapshot.id)

    def snapshot_size(self, snapshot: Snapshot) -> int | None:
        self.life.step()
        if snapshot.image not in self.cloud.images or snapshot.image in self.cloud.lost:
            raise WentWrong(f"image {snapshot.image} was given up")
        self.cloud.whole.add(snapshot.image)
        return 1_000

    def drop_snapshot(self, snapshot: Snapshot) -> None:
        self.life.step()
        images = self.cloud.images
        self.cloud.images = {id_: one for id_, one in images.items() if one[1] != snapshot.id}
        self.life.step()

    def rebuild(self, wanted: Wanted, rebuild: str, image: str) -> None:
        self.life.step()
        self._fault("rebuild")
        if self.cloud.rebuilt.get(wanted.id) != rebuild:
            self.cloud.rebuilt[wanted.id] = rebuild
            self.cloud.disks.setdefault(wanted.id, []).append(image)
        self.life.step()

    def set_up(self, agency: str, wanted: Wanted, outputs: dict[str, str]) -> None:
        self.life.step()
        self.set_up_of.append(wanted.id)
        self._fault("set_up")
        self.life.step()

    def await_green(self, wanted: Wanted, outputs: dict[str, str]) -> None:
        self.life.step()
        self._fault("await_green")

    def _fault(self, name: str) -> None:
        if self.faults.get(name):
            raise self.faults[name].pop(0)


class MortalDatabase:
    """Every write of a worker is a step of its life: it may die before and after it."""

    def __init__(self, database: PortalDatabase, life: Life) -> None:
        self._database = database
        self._life = life

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    def writing(self) -> object:
        self._life.step()
        return self._database.writing()


@dataclass
class Stand:
    services: PortalServices
    database: PortalDatabase
    clock: Clock
    cloud: MemoryCloud = field(default_factory=MemoryCloud)
    workers: int = 0

    def ask(self, count: int = 2) -> str:
        request = self.services.submit(AN, make_draft(count=count), "")
        approve(self.services, BINH, request)
        return request

    def made(self) -> str:
        """The id of a deployment that is active, small and has a disk of 5 GiB."""
        draft = make_draft(values={"size": "small", "disk": "5"})
        request = self.services.submit(AN, draft, "")
        approve(self.services, BINH, request)
        self.until_done(self.worker(Life()))
        (one,) = self.services.request(AN, request).deployments
        return one

    def change(self, deployment: str, **values: str) -> str:
        """An approved request that changes it."""
        shown = self.services.deployment(AN, deployment)
        request = self.services.submit(AN, make_change(shown, **values), "")
        approve(self.services, BINH, request)
        return request

    def worker(self, life: Life, faults: dict[str, list[InfraError]] | None = None) -> Worker:
        self.workers += 1
        hands = MemoryHands(self.cloud, life, faults if faults is not None else {})
        mortal = MortalDatabase(self.database, life)
        return Worker(mortal, hands, self.clock, f"worker-{self.workers}")  # type: ignore[arg-type]

    def until_done(self, worker: Worker) -> None:
        """Every pause is over between two looks."""
        while worker.run_once():
            self.clock.now += LATER

    def state(self, request: str) -> str:
        return self.services.request(AN, request).summary.state

    def living(self) -> set[str]:
        with self.database.reading() as connection:
            found = deployments.listed(connection, deployments.WantedDeployments(limit=1000))
        return {one.id for one in found if one.state != DeploymentState.RETIRED}

    def taken(self) -> int:
        with self.database.reading() as connection:
            account = reservation.account(connection, "sotc")
        assert account.held.instances == 0
        return account.used.instances - BASE.instances

    def must_be_whole(self, request: str, count: int) -> None:
        """The cloud has what the store says, the quota is that of what stands, each effect is told once."""
        living = self.living()
        assert set(self.cloud.stands.get("sotc", {})) == living
        assert self.taken() == len(living)
        ended = self.state(request)
        assert ended in (RequestState.FULFILLED, RequestState.FAILED)
        assert len(living) == (count if ended == RequestState.FULFILLED else 0)
        told = [one.action for one in self.services.audit(DUNG, AuditFilter(), limit=200).items]
        assert told.count("request.fulfill") + told.count("request.fail") == 1
        assert told.count("deployment.activate") == (count if ended == RequestState.FULFILLED else 0)
        assert isinstance(self.database.verify(), int)


@pytest.fixture
def stand(services: PortalServices, portal: PortalDatabase, clock: Clock) -> Stand:
    return Stand(services, portal, clock)


def test_an_approved_request_is_made_set_up_seen_and_active(stand: Stand) -> None:
    request, worker = stand.ask(), stand.worker(Life())
    stand.until_done(worker)
    stand.must_be_whole(request, 2)
    assert worker.hands.ups == 1  # type: ignore[attr-defined]  # an engine is started once
    shown = stand.services.request(AN, request)
    assert shown.summary.state == RequestState.FULFILLED
    assert all(step.state == "done" for step in shown.steps)
    with stand.database.reading() as connection:
        found = deployments.of_request(connection, request)
    assert {one.outputs["server_id"] for one in found} == {"server-1", "server-2"}


def test_what_cannot_be_had_is_taken_back_with_a_reason_in_both_languages(stand: Stand) -> None:
    request = stand.ask()
    stand.until_done(stand.worker(Life(), {"set_up": [DeploymentsNotMade({"": str(NO_ROOM)})] * 2}))
    stand.must_be_whole(request, 2)
    failure = stand.services.request(AN, request).failure
    assert "không còn đủ chỗ" in failure.vi
    assert "no room" in failure.en


def test_room_that_is_missing_for_a_moment_ends_no_request(stand: Stand) -> None:
    request = stand.ask()
    stand.until_done(stand.worker(Life(), {"up": [DeploymentsNotMade({"": str(NO_ROOM)})]}))
    stand.must_be_whole(request, 2)
    assert stand.state(request) == RequestState.FULFILLED


def test_what_may_pass_is_tried_again_until_it_has_passed(stand: Stand) -> None:
    request = stand.ask()
    stand.until_done(stand.worker(Life(), {"set_up": [GuestNotReached("no SSH")] * 2}))
    stand.must_be_whole(request, 2)
    assert stand.state(request) == RequestState.FULFILLED


def test_what_does_not_pass_in_time_fails_and_can_be_tried_again_by_its_owner(stand: Stand) -> None:
    request = stand.ask()
    faults: dict[str, list[InfraError]] = {"set_up": [GuestNotReached("no SSH")] * 1000}
    worker = stand.worker(Life(), faults)
    for _ in range(int(PATIENCE / LATER) + 2):
        worker.run_once()
        stand.clock.now += LATER
    stand.until_done(worker)
    assert stand.state(request) == RequestState.FAILED
    stand.must_be_whole(request, 2)
    faults.clear()
    failed = stand.services.request(AN, request)
    stand.services.retry(AN, request, failed.version, "")
    stand.until_done(worker)
    assert stand.state(request) == RequestState.FULFILLED
    assert set(stand.cloud.stands["sotc"]) == stand.living()
    assert stand.taken() == 2


def test_what_is_stopped_started_and_given_back_is_so_in_the_cloud(stand: Stand) -> None:
    request = stand.ask(1)
    worker = stand.worker(Life())
    stand.until_done(worker)
    (one,) = stand.living()
    for action, on in (("stop", False), ("start", True)):
        stand.services.act(AN, one, action, stand.services.deployment(AN, one).version, "")
        stand.until_done(worker)
        assert stand.cloud.on[one] is on
        assert stand.services.deployment(AN, one).summary.power == ("on" if on else "off")
    stand.services.act(AN, one, "retire", stand.services.deployment(AN, one).version, "")
    stand.until_done(worker)
    assert stand.cloud.stands["sotc"] == {}
    assert stand.taken() == 0
    assert stand.services.deployment(AN, one).summary.state == DeploymentState.RETIRED
    assert worker.hands.forgotten == [one]  # type: ignore[attr-defined]
    assert stand.state(request) == RequestState.FULFILLED


def test_a_worker_with_nothing_to_do_asks_the_cloud_for_nothing(stand: Stand) -> None:
    stand.ask(1)
    worker = stand.worker(Life())
    stand.until_done(worker)
    life = worker.hands.life  # type: ignore[attr-defined]
    before = life.steps
    assert worker.run_once() == 0
    assert life.steps == before


def test_of_two_workers_one_has_an_agency(stand: Stand) -> None:
    request = stand.ask()
    first, second = stand.worker(Life()), stand.worker(Life())
    seen: list[int] = []
    first.hands.set_up = lambda *given: seen.append(second.run_once())  # type: ignore[method-assign]
    stand.until_done(first)
    assert stand.cloud.made == 2
    stand.must_be_whole(request, 2)


def test_agencies_that_others_have_take_no_places_of_those_that_are_free(stand: Stand) -> None:
    request, worker = stand.ask(), stand.worker(Life())
    name, now = lease.of_agency("sotc"), stand.clock()
    other = lease.acquire(stand.database, name, "another", now=now, lasts=dt.timedelta(minutes=1))
    assert other is not None
    assert worker.run_once() == 0
    lease.give_back(stand.database, other, now=now)
    stand.until_done(worker)
    stand.must_be_whole(request, 2)


def test_a_closed_agency_is_left_alone_until_it_is_open_again(stand: Stand) -> None:
    request, worker = stand.ask(), stand.worker(Life())
    closure.close(stand.database, "sotc", stand.clock())
    assert worker.run_once() == 0
    assert stand.cloud.made == 0
    closure.reopen(stand.database, "sotc", stand.clock())
    stand.until_done(worker)
    stand.must_be_whole(request, 2)


@pytest.mark.parametrize("fails", [False, True], ids=["fulfilled", "taken back"])
def test_killed_at_every_boundary_a_request_ends_whole(
    services: PortalServices, portal: PortalDatabase, clock: Clock, *, fails: bool
) -> None:
    """Also a second time, while the next worker makes good what the first one left."""

    def faults() -> dict[str, list[InfraError]]:
        return {"await_green": [DeploymentsNotMade({"": str(REFUSED)})]} if fails else {}

    end = 1
    while True:
        stand = Stand(services, portal, clock)
        request = stand.ask()
        life = Life(end)
        try:
            stand.until_done(stand.worker(life, faults()))
        except Killed:
            clock.now += LATER
        again = Life(3)
        try:
            stand.until_done(stand.worker(again, faults()))
        except Killed:
            clock.now += LATER
        stand.until_done(stand.worker(Life(), faults() if fails and life.steps < end else {}))
        _must_have_ended_once(stand, request)
        if life.steps < end:
            break
        end += 1
    assert end > 15


def _must_have_ended_once(stand: Stand, request: str) -> None:
    living = stand.living()
    assert set(stand.cloud.stands.get("sotc", {})) == living
    assert stand.taken() == len(living)
    ended = stand.state(request)
    assert ended in (RequestState.FULFILLED, RequestState.FAILED)
    told = stand.services.audit(DUNG, AuditFilter(text=request), limit=200).items
    ends = [one for one in told if one.action in ("request.fulfill", "request.fail") and one.about == request]
    assert len(ends) == 1
    for id_ in living:  # nothing stands in the next one's way
        stand.services.act(CHI, id_, "retire", stand.services.deployment(CHI, id_).version, "")
    stand.until_done(stand.worker(Life()))
    assert stand.cloud.stands.get("sotc", {}) == {}
    assert stand.taken() == 0


class FailingDatabase:
    """Does not answer while `down`, like a server that is started anew."""

    def __init__(self, database: PortalDatabase, down: int) -> None:
        self._database = database
        self.down = down

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    def reading(self) -> object:
        if self.down:
            self.down -= 1
            raise StoreUnreachable("the database does not answer")
        return self._database.reading()


def test_a_worker_whose_database_was_away_looks_again_and_says_when_it_last_could(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LOOK_SECONDS", 0.01)
    database = FailingDatabase(stand.database, down=3)
    worker = Worker(database, MemoryHands(stand.cloud, Life()), stand.clock, "worker")  # type: ignore[arg-type]
    request, stop = stand.ask(), threading.Event()
    assert worker.last_look is None
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: stand.state(request) == RequestState.FULFILLED)
    stop.set()
    thread.join()
    assert worker.last_look == stand.clock()
    assert database.down == 0


def test_a_place_that_becomes_free_is_given_to_the_next_agency_at_once_and_to_none_again_so_soon(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "LOOK_SECONDS", 3600)
    worker, stop, looked = stand.worker(Life()), threading.Event(), list[str]()
    worker.at_once = 1
    agencies = ["a", "b", "c"]
    monkeypatch.setattr(worker, "_due", lambda not_now: [one for one in agencies if one not in not_now])
    monkeypatch.setattr(worker, "look_after", looked.append)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    until(lambda: len(looked) == len(agencies))
    stop.set()
    thread.join()
    assert looked == agencies


def test_an_agency_is_in_trouble_until_its_work_is_done_by_whomever(stand: Stand) -> None:
    request = stand.ask()
    worker = stand.worker(Life(), {"up": [InfraError("the cloud is away")]})
    worker.run_once()
    assert worker.troubled() == 1
    stand.clock.now += LATER
    stand.until_done(stand.worker(Life()))
    assert stand.state(request) == RequestState.FULFILLED
    worker.run_once()  # its own stacks are behind: it looks at them once
    worker.run_once()
    assert worker.troubled() == 0


SMALL, LARGE = Quota(instances=1, cores=1, ram_mib=512, ports=1), Quota(
    instances=1, cores=4, ram_mib=4096, ports=1
)  # fmt: skip


def account(stand: Stand) -> Quota:
    """What the agency holds beside its landing zone; nothing of it is only reserved."""
    with stand.database.reading() as connection:
        found = reservation.account(connection, "sotc")
    assert found.held == Quota()
    return found.used - BASE


def test_an_approved_change_is_made_in_place_set_up_seen_and_counted(stand: Stand) -> None:
    one = stand.made()
    before = stand.services.deployment(AN, one)
    request = stand.change(one, size="large", disk="9", public="true")
    worker = stand.worker(Life())
    stand.until_done(worker)
    shown = stand.services.request(AN, request)
    assert shown.summary.state == RequestState.FULFILLED
    assert [step.name for step in shown.steps[2:]] == [
        "prepare", "change", "configure", "probe", "active",
    ]  # fmt: skip
    assert worker.hands.ups == 1  # type: ignore[attr-defined]
    assert worker.hands.set_up_of == [one]  # type: ignore[attr-defined]
    assert (stand.cloud.made, stand.cloud.has[one]) == (1, {"size": "large", "disk": "9"})
    after = stand.services.deployment(AN, one)
    assert after.values == {"size": "large", "disk": "9", "public": "true"}
    assert (after.summary.state, after.summary.expires) == ("active", before.summary.expires)
    assert account(stand) == LARGE + Quota(gigabytes=9, floating_ips=1)
    told = [event.en for _, event in after.events]
    assert f"{after.summary.name} is changed" in told
    stand.services.act(AN, one, "retire", after.version, "")
    stand.until_done(stand.worker(Life()))
    assert account(stand) == Quota()


@pytest.mark.parametrize(
    ("fault", "has", "takes"),
    [
        ("change", {"size": "small", "disk": "5"}, SMALL + Quota(gigabytes=5)),
        ("await_green", {"size": "large", "disk": "9"}, LARGE + Quota(gigabytes=9)),
    ],
)
def test_a_change_that_cannot_be_had_leaves_what_stood_running_and_says_why(
    stand: Stand, fault: str, has: dict[str, str], takes: Quota
) -> None:
    """What grew in the cloud before it failed stays, as it could only be made smaller by destroying it."""
    one = stand.made()
    request = stand.change(one, size="large", disk="9", public="true")
    stand.until_done(stand.worker(Life(), {fault: [DeploymentsNotMade({"": str(REFUSED)})]}))
    shown, after = stand.services.request(AN, request), stand.services.deployment(AN, one)
    assert shown.summary.state == RequestState.FAILED
    assert "Tổ hợp đã chọn" in shown.failure.vi
    assert "cannot be had together" in shown.failure.en
    assert ("không thu nhỏ được" in shown.failure.vi) is (fault == "await_green")
    assert after.summary.state == "active"
    assert stand.cloud.has[one] == has
    assert after.values == {**has, "public": "false"}
    assert account(stand) == takes
    assert stand.cloud.made == 1
    assert "retire" in after.may


def test_a_failed_change_is_tried_again_by_its_owner(stand: Stand) -> None:
    one = stand.made()
    request = stand.change(one, size="large")
    stand.until_done(stand.worker(Life(), {"change": [DeploymentsNotMade({"": str(REFUSED)})]}))
    stand.services.retry(AN, request, stand.services.request(AN, request).version, "")
    stand.until_done(stand.worker(Life()))
    assert stand.state(request) == RequestState.FULFILLED
    assert account(stand) == LARGE + Quota(gigabytes=5)


def test_what_was_stopped_since_it_was_approved_is_not_changed_and_the_reason_says_so(stand: Stand) -> None:
    one = stand.made()
    request = stand.change(one, size="large")
    stand.services.act(AN, one, "stop", stand.services.deployment(AN, one).version, "")
    stand.until_done(stand.worker(Life()))
    shown = stand.services.request(AN, request)
    assert shown.summary.state == RequestState.FAILED
    assert "bật lại" in shown.failure.vi
    assert "start it" in shown.failure.en
    assert stand.cloud.has[one]["size"] == "small"
    assert account(stand) == SMALL + Quota(gigabytes=5)


def test_a_restart_or_a_notice_in_between_does_not_void_what_was_signed(stand: Stand) -> None:
    one = stand.made()
    request = stand.change(one, size="large")
    stand.services.act(AN, one, "reboot", stand.services.deployment(AN, one).version, "")
    stand.until_done(stand.worker(Life()))
    assert stand.state(request) == RequestState.FULFILLED


def test_what_is_being_changed_is_neither_stopped_nor_given_back(stand: Stand) -> None:
    one = stand.made()
    request = stand.change(one, size="large")
    worker = stand.worker(Life())
    seen: list[frozenset[str]] = []

    def look(*given: object) -> None:
        shown = stand.services.deployment(AN, one)
        seen.append(shown.may)
        for action in ("stop", "reboot", "retire"):
            with pytest.raises(Conflict, match="changes this deployment"):
                stand.services.act(AN, one, action, shown.version, "")

    worker.hands.set_up = look  # type: ignore[method-assign]
    stand.until_done(worker)
    assert seen == [{"transfer", "open", "console"}]
    assert stand.state(request) == RequestState.FULFILLED


@pytest.mark.parametrize("fails", ["", "change", "await_green"], ids=["fulfilled", "not begun", "taken back"])
def test_killed_at_every_boundary_a_change_ends_whole_and_nothing_is_lost(
    services: PortalServices, portal: PortalDatabase, clock: Clock, *, fails: str
) -> None:
    """Also a second time, while the next worker makes good what the first one left."""

    def faults() -> dict[str, list[InfraError]]:
        return {fails: [DeploymentsNotMade({"": str(REFUSED)})]} if fails else {}

    end, kills = 1, 0
    while True:
        stand = Stand(services, portal, clock)
        one = stand.made()
        request = stand.change(one, size="large", disk="9", public="true")
        life = Life(end)
        for worker in (stand.worker(life, faults()), stand.worker(Life(3), faults())):
            try:
                stand.until_done(worker)
            except Killed:
                kills += 1
                clock.now += LATER
        stand.until_done(stand.worker(Life()))
        _must_be_changed_or_as_it_was(stand, one, request)
        if life.steps < end:
            break
        end += 1
    assert kills > 15


def _must_be_changed_or_as_it_was(stand: Stand, one: str, request: str) -> None:
    shown = stand.services.deployment(AN, one)
    has, ended = stand.cloud.has[one], stand.state(request)
    assert shown.summary.state == "active"
    assert stand.cloud.made == 1
    assert {name: shown.values[name] for name in has} == has
    assert shown.values["public"] == ("true" if ended == RequestState.FULFILLED else "false")
    size = {"small": SMALL, "large": LARGE}[has["size"]]
    public = Quota(floating_ips=int(shown.values["public"] == "true"))
    assert account(stand) == size + Quota(gigabytes=int(has["disk"])) + public
    if ended == RequestState.FULFILLED:
        assert has == {"size": "large", "disk": "9"}
    told = stand.services.audit(DUNG, AuditFilter(text=request), limit=200).items
    ends = [one for one in told if one.action in ("request.fulfill", "request.fail") and one.about == request]
    assert len(ends) == 1
    stand.services.act(CHI, one, "retire", shown.version, "")
    stand.until_done(stand.worker(Life()))
    assert account(stand) == Quota()

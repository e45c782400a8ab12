"""What people do to a server that stands, on real databases: opened, snapshots, its disk made new, handed on;
and the worker that does it, killed at each boundary.
"""

from __future__ import annotations

import datetime as dt
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.errors import WentWrong
from infra.domain.deployment import DeploymentState
from infra.domain.notice import NoticeKind
from infra.domain.opening import Opening, OpeningPolicy, Service, Source
from infra.domain.person import Person, Role
from infra.domain.policy import Policies
from infra.domain.quota import Quota
from infra.domain.words import NOTHING
from infra.errors import InfraError
from infra.portal.interface import AuditFilter, CloudAway, Conflict, InputRefused, NotAllowed, NotFound
from infra.portal.service.console import plain
from infra.portal.service.ground import RemoteConsoles
from infra.portal.service.services import PortalServices
from infra.provisioning.failure_words import PATIENCE
from infra.provisioning.guest_setup import GuestNotReached
from infra.store import backup, reservation
from infra.store import deployment as deployments
from infra.store import person as people
from infra.store.expiry import take_due_steps
from infra.store.portal_database import PortalDatabase

from .city import AN, BINH, CHI, DUNG, LIMIT, NOW, STRANGER, Clock, make_person, make_site
from .test_notice import of
from .test_worker import LATER, Killed, Life, Stand

EM = make_person("em", Role.MEMBER)
SEEN = "postgresql:agency"


@pytest.fixture
def stand(services: PortalServices, portal: PortalDatabase, clock: Clock) -> Stand:
    with portal.touching() as connection:
        for one in (AN, BINH, CHI, EM, STRANGER):
            people.remember(connection, one, "keystone", NOW)
    return Stand(services, portal, clock)


@pytest.fixture
def one(stand: Stand) -> str:
    """A deployment of An's that is active."""
    return living(stand)


def living(stand: Stand) -> str:
    before = stand.living()
    stand.ask(1)
    stand.until_done(stand.worker(Life()))
    (made,) = stand.living() - before
    return made


def act(stand: Stand, id_: str, action: str, person: Person = AN, **values: str) -> None:
    version = stand.services.deployment(person, id_).version
    stand.services.act(person, id_, action, version, "", values)


def work(stand: Stand, **faults: list[InfraError]) -> None:
    stand.until_done(stand.worker(Life(), faults))


def may(stand: Stand, id_: str, person: Person = AN) -> frozenset[str]:
    return stand.services.deployment(person, id_).may


def upkeep(stand: Stand, id_: str) -> Any:
    return stand.services.deployment(AN, id_).upkeep


def refusals(stand: Stand, id_: str, action: str, **values: str) -> dict[str, str]:
    """What is wrong, by field; nothing was changed."""
    before = stand.services.deployment(AN, id_)
    with pytest.raises(InputRefused) as refused:
        act(stand, id_, action, **values)
    assert stand.services.deployment(AN, id_) == before
    return {one.field: one.told.en for one in refused.value.problems}


def told(stand: Stand, action: str) -> list[str]:
    entries = stand.services.audit(DUNG, AuditFilter(action=action), limit=200).items
    return [one.told.en for one in entries]


def suspended_and_archived(stand: Stand, id_: str) -> None:
    """By the ladder, with an archive in the cloud."""
    with stand.database.reading() as connection:
        found = deployments.find(connection, id_)
    assert found is not None
    assert found.expires is not None

    def archive(ended: Any) -> bool:
        stand.cloud.images.setdefault(f"archive-{stand.cloud.taken}", (ended.id, "archive"))
        return True

    for day in range(-1, 20):
        today = found.expires + dt.timedelta(days=day)
        stand.clock.now = dt.datetime.combine(today, dt.time(3), dt.UTC)
        take_due_steps(stand.database, make_site().ladder, stand.clock(), today, archive)
    work(stand)


# Openings -----------------------------------------------------------------------------------------


def test_what_is_opened_is_so_in_the_cloud_and_what_is_closed_is_not(stand: Stand, one: str) -> None:
    act(stand, one, "open", service="postgresql", source="agency")
    act(stand, one, "open", service="tcp", source="city", port="8080")
    work(stand)
    assert stand.cloud.open[one] == (
        Opening(Service.POSTGRESQL, Source.AGENCY), Opening(Service.TCP, Source.CITY, 8080),
    )  # fmt: skip
    shown = [(found.key, found.given) for found in upkeep(stand, one).openings]
    assert shown == [("", True), (SEEN, False), ("tcp-8080:city", False)]
    act(stand, one, "close", opening=SEEN)
    work(stand)
    assert [found.key for found in stand.cloud.open[one]] == ["tcp-8080:city"]
    assert told(stand, "deployment.open")[-1].endswith("PostgreSQL database from my agency's network")
    assert len(told(stand, "deployment.close")) == 1
    assert isinstance(stand.database.verify(), int)


@pytest.mark.parametrize(
    ("service", "source", "port", "field", "says"),
    [
        ("ssh", "everybody", "", "source", "VPN"),
        ("postgresql", "everybody", "", "source", "city's or your agency's network"),
        ("tcp", "everybody", "3306", "source", "port 3306"),
        ("tcp", "city", "6379", "source", "your agency's network only"),
        ("tcp", "city", "", "port", "1 to 65535"),
        ("tcp", "city", "70000", "port", "1 to 65535"),
        ("gopher", "city", "", "service", "list"),
        ("web", "world", "", "source", "who may come in"),
    ],
)
def test_what_the_city_does_not_allow_is_refused_with_the_reason_and_the_way_out(
    stand: Stand, one: str, service: str, source: str, port: str, field: str, says: str
) -> None:
    wrong = refusals(stand, one, "open", service=service, source=source, port=port)
    assert list(wrong) == [f"values.{field}"]
    assert says in wrong[f"values.{field}"]


def test_a_port_that_has_a_name_is_that_service_and_is_open_once(stand: Stand, one: str) -> None:
    act(stand, one, "open", service="ssh", source="agency")
    assert refusals(stand, one, "open", service="tcp", source="agency", port="22")
    assert refusals(stand, one, "close", opening="web:everybody")


def test_there_are_so_many_openings_as_the_policy_says(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock
) -> None:
    policies = Policies(openings=OpeningPolicy(closed_to_everybody=(), most=1))
    stand.services = PortalServices(portal, make_site(policies=policies), clock)
    act(stand, one, "open", service="ssh", source="everybody")
    wrong = refusals(stand, one, "open", service="web", source="everybody")
    assert "the most that are allowed" in wrong["values.service"]


def test_the_first_opening_of_a_plain_server_takes_a_security_group_once(stand: Stand, one: str) -> None:
    def groups() -> int:
        with stand.database.reading() as connection:
            return reservation.account(connection, "sotc").used.security_groups

    before = groups()
    act(stand, one, "open", service="web", source="everybody")
    act(stand, one, "open", service="ssh", source="agency")
    assert groups() == before + 1
    act(stand, one, "close", opening="web:everybody")
    act(stand, one, "close", opening="ssh:agency")
    act(stand, one, "open", service="web", source="city")
    assert groups() == before + 1
    act(stand, one, "retire")
    work(stand)
    assert groups() == before


def test_an_agency_without_a_security_group_left_cannot_open_a_plain_server(stand: Stand, one: str) -> None:
    with stand.database.writing() as tx:
        reservation.set_account(tx, "sotc", replace(LIMIT, security_groups=2), Quota(security_groups=2), NOW)
    with pytest.raises(Conflict, match="security groups"):
        act(stand, one, "open", service="web", source="city")
    assert [found.key for found in upkeep(stand, one).openings] == [""]


# Snapshots ----------------------------------------------------------------------------------------


def test_a_snapshot_is_made_shown_and_deleted(stand: Stand, one: str) -> None:
    act(stand, one, "snapshot", name="Trước khi nâng cấp")
    assert [found.state for found in upkeep(stand, one).snapshots] == ["wanted"]
    assert "rebuild" not in may(stand, one)  # before it is whole
    work(stand)
    (found,) = upkeep(stand, one).snapshots
    assert (found.name, found.state, found.by, found.size) == ("Trước khi nâng cấp", "ready", "An", 1000)
    assert stand.cloud.images == {"image-1": (one, found.id)}
    act(stand, one, "delete_snapshot", snapshot=found.id)
    work(stand)
    assert stand.cloud.images == {}
    assert upkeep(stand, one).snapshots == ()
    assert [len(told(stand, f"deployment.snapshot_{end}")) for end in ("ready", "gone")] == [1, 1]


def test_there_are_so_many_snapshots_as_the_policy_says_and_each_has_a_name(stand: Stand, one: str) -> None:
    for name in "abc":
        act(stand, one, "snapshot", name=name)
        work(stand)
    with pytest.raises(Conflict, match="3 snapshots at most"):
        act(stand, one, "snapshot", name="d")
    assert refusals(stand, one, "snapshot", name="a")
    assert refusals(stand, one, "snapshot", name="")
    assert refusals(stand, one, "snapshot", name="<b>")
    act(stand, one, "delete_snapshot", snapshot=upkeep(stand, one).snapshots[0].id)
    act(stand, one, "snapshot", name="d")
    work(stand)
    assert len(stand.cloud.images) == 3


def test_of_several_snapshots_of_one_server_the_next_waits_for_the_one_before(stand: Stand, one: str) -> None:
    for name in "abc":
        act(stand, one, "snapshot", name=name)
        stand.clock.forward(seconds=1)
    worker = stand.worker(Life())
    troubles = []
    while worker.run_once():
        troubles.append(worker.troubled())
    assert set(troubles) == {0}
    assert {found.state for found in upkeep(stand, one).snapshots} == {"ready"}
    assert stand.cloud.taken == 3


def test_a_snapshot_that_the_cloud_gave_up_has_failed_with_its_reason_and_counts_no_more(
    stand: Stand, one: str
) -> None:
    act(stand, one, "snapshot", name="a")
    stand.cloud.lost = {"image-1"}
    work(stand)
    (found,) = upkeep(stand, one).snapshots
    assert (found.state, "image-1" in found.note.en) == ("failed", True)
    assert "revert" not in may(stand, one)
    act(stand, one, "delete_snapshot", snapshot=found.id)
    work(stand)
    assert (upkeep(stand, one).snapshots, stand.cloud.images) == ((), {})


def test_a_cloud_that_is_away_for_a_while_costs_no_snapshot(stand: Stand, one: str) -> None:
    act(stand, one, "snapshot", name="a")
    work(stand, take_snapshot=[InfraError("the cloud is away")] * 2)
    assert [found.state for found in upkeep(stand, one).snapshots] == ["ready"]
    assert stand.cloud.taken == 1


def test_what_is_given_back_takes_its_snapshots_along(stand: Stand, one: str) -> None:
    act(stand, one, "snapshot", name="a")
    work(stand)
    act(stand, one, "retire")
    work(stand)
    assert stand.cloud.images == {}
    assert upkeep(stand, one).snapshots == ()


# Rebuilds -----------------------------------------------------------------------------------------


def test_a_disk_is_made_new_then_set_up_and_seen_and_each_step_is_told(stand: Stand, one: str) -> None:
    worker = stand.worker(Life())
    stand.until_done(worker)
    act(stand, one, "rebuild")
    assert not may(stand, one) & {"stop", "reboot", "retire", "rebuild", "snapshot", "open"}
    stand.until_done(worker)
    assert stand.cloud.disks == {one: [""]}
    assert worker.hands.set_up_of == [one]  # type: ignore[attr-defined]
    made = upkeep(stand, one).rebuild
    assert (made.state, made.source.en) == ("done", "the original image of its kind")
    assert [(phase.label.en, phase.state) for phase in made.phases] == [
        ("The system disk is made new", "done"), ("Software is set up in the server", "done"),
        ("It is asked whether it works", "done"),
    ]  # fmt: skip
    assert {"stop", "reboot", "retire", "rebuild", "snapshot", "open"} <= may(stand, one)
    assert len(told(stand, "deployment.rebuilt")) == 1
    assert stand.living() == {one}


def test_going_back_makes_the_disk_from_the_snapshot(stand: Stand, one: str) -> None:
    act(stand, one, "snapshot", name="a")
    work(stand)
    other = living(stand)
    found = upkeep(stand, one).snapshots[0]
    act(stand, other, "snapshot", name="b")
    work(stand)
    assert refusals(stand, other, "revert", snapshot=found.id)  # another's
    assert refusals(stand, one, "revert")
    act(stand, one, "revert", snapshot=found.id)
    assert "delete_snapshot" not in may(stand, one)
    work(stand)
    assert stand.cloud.disks == {one: ["image-1"]}
    assert upkeep(stand, one).rebuild.source.en == "the snapshot a"


def test_a_rebuild_that_the_cloud_gave_up_has_failed_and_can_be_asked_for_again(
    stand: Stand, one: str
) -> None:
    act(stand, one, "rebuild")
    work(stand, rebuild=[WentWrong("server ended in ERROR: no disk")])
    failed = upkeep(stand, one).rebuild
    assert (failed.state, "no disk" in failed.note.en) == ("failed", True)
    assert len(told(stand, "deployment.rebuild_failed")) == 1
    stand.clock.forward(seconds=1)
    act(stand, one, "rebuild")
    work(stand)
    assert upkeep(stand, one).rebuild.state == "done"
    assert stand.cloud.disks == {one: [""]}


def test_a_new_disk_that_never_answers_fails_in_time_and_other_work_goes_on(stand: Stand, one: str) -> None:
    act(stand, one, "rebuild")
    request = stand.ask(1)
    faults: dict[str, list[InfraError]] = {"set_up": [GuestNotReached("no SSH")]}
    worker = stand.worker(Life(), faults)
    worker.run_once()
    assert stand.state(request) == "fulfilled"
    faults["set_up"] = [GuestNotReached("no SSH")] * 1000
    for _ in range(int(PATIENCE / LATER) + 2):
        worker.run_once()
        stand.clock.now += LATER
    assert upkeep(stand, one).rebuild.state == "failed"
    assert stand.cloud.disks == {one: [""]}


def test_while_nobody_knows_whether_a_disk_is_new_nothing_else_of_the_agency_is_touched(
    stand: Stand, one: str
) -> None:
    act(stand, one, "rebuild")
    worker = stand.worker(Life(), {"rebuild": [InfraError("the cloud is away")]})
    worker.run_once()
    assert worker.hands.ups == 0  # type: ignore[attr-defined]
    stand.clock.now += LATER
    stand.until_done(worker)
    assert stand.cloud.disks == {one: [""]}


def test_a_legal_hold_keeps_the_disk_and_the_snapshots(stand: Stand, one: str) -> None:
    act(stand, one, "snapshot", name="a")
    work(stand)
    act(stand, one, "hold", CHI)
    assert not may(stand, one) & {"rebuild", "revert", "delete_snapshot"}
    with pytest.raises(Conflict):
        act(stand, one, "rebuild")


def test_a_rebuild_of_what_was_stopped_meanwhile_is_not_done(stand: Stand, one: str) -> None:
    act(stand, one, "rebuild")
    suspended_and_archived(stand, one)
    assert upkeep(stand, one).rebuild.state == "failed"
    assert stand.cloud.disks == {}


# Restoring from the archive -----------------------------------------------------------------------


def test_what_was_archived_comes_back_with_its_own_disk_and_its_archive_as_a_snapshot(
    stand: Stand, one: str
) -> None:
    suspended_and_archived(stand, one)
    assert stand.cloud.on[one] is False
    assert may(stand, one) >= {"restore"}
    assert "renew" not in may(stand, one)
    act(stand, one, "restore")
    work(stand)
    shown = stand.services.deployment(AN, one)
    assert shown.summary.state == DeploymentState.ACTIVE
    assert stand.cloud.on[one] is True
    assert stand.cloud.disks == {}  # its own disk: nothing is lost
    (kept,) = shown.upkeep.snapshots
    assert (kept.archive, kept.state) == (True, "ready")
    assert stand.cloud.images == {"archive-0": (one, kept.id)}  # the next archive is a new one
    act(stand, one, "revert", snapshot=kept.id)
    work(stand)
    assert stand.cloud.disks == {one: ["archive-0"]}
    assert len(told(stand, "deployment.restore")) == 1


# Handing on ---------------------------------------------------------------------------------------


def test_a_deployment_is_handed_to_a_colleague_and_both_are_told(stand: Stand, one: str) -> None:
    assert [heir.id for heir in upkeep(stand, one).heirs] == ["em"]
    act(stand, one, "transfer", to="em")
    assert stand.services.deployment(EM, one).owner == "Em"
    assert "stop" in may(stand, one, EM)
    assert may(stand, one, AN) == frozenset()
    for person in (AN, EM):
        assert [str(note.kind) for note in of(stand.database, person)][-1] == NoticeKind.TRANSFERRED
    assert told(stand, "deployment.transfer")[0].endswith("from An to Em")
    with pytest.raises(NotAllowed):
        act(stand, one, "transfer", AN, to="an")
    act(stand, one, "transfer", BINH, to="an")
    assert stand.services.deployment(AN, one).owner == "An"


@pytest.mark.parametrize("to", ["khach", "an", "binh", "chi", "nobody", ""])
def test_nobody_but_another_member_of_the_agency_gets_it(stand: Stand, one: str, to: str) -> None:
    assert list(refusals(stand, one, "transfer", to=to)) == ["values.to"]


# Console ------------------------------------------------------------------------------------------


def test_reading_the_console_is_for_those_who_work_with_it_and_is_audited(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock
) -> None:
    asked: list[tuple[str, int]] = []

    def printed(server: str, lines: int) -> str:
        asked.append((server, lines))
        return "\x1b[32mready\x1b[0m\r\nlogin:\x07 "

    stand.services = PortalServices(portal, make_site(console=printed), clock)
    assert stand.services.console(AN, one).text == "ready\nlogin:"
    assert asked == [("server-1", 200)]
    for person in (EM, DUNG):
        with pytest.raises(NotAllowed):
            stand.services.console(person, one)
    with pytest.raises(NotFound):
        stand.services.console(STRANGER, one)
    assert told(stand, "deployment.console") == [
        f"Read the console of {stand.services.deployment(AN, one).summary.name}"
    ]


@pytest.mark.parametrize(
    ("code", "says"), [("unavailable", "does not answer now"), ("conflict", "log in by SSH")]
)
def test_a_cloud_that_gives_no_console_is_told_in_plain_words(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock, code: str, says: str
) -> None:
    def away(server: str, lines: int) -> str:
        error = InfraError("x")
        error.code = code
        raise error

    stand.services = PortalServices(portal, make_site(console=away), clock)
    found = stand.services.console(AN, one)
    assert (found.text, says in found.note.en) == ("", True)


# Screen -------------------------------------------------------------------------------------------


SECRET = "https://console.test:6080/vnc_lite.html?path=%3Ftoken%3D5ecre7"


def screens(portal: PortalDatabase, stand: Stand, clock: Clock, **site: Any) -> list[str]:
    """The site with servers' screens; the ids of servers whose screens the cloud was asked for."""
    asked: list[str] = []

    def opened(server: str) -> str:
        asked.append(server)
        return SECRET

    made = make_site(remote_consoles=RemoteConsoles(opened, 120), **site)
    stand.services = PortalServices(portal, made, clock)
    return asked


def refusal(stand: Stand, one: str) -> str:
    """Why there is no screen: the page says it before, and nobody asks the cloud."""
    shown = stand.services.deployment(AN, one)
    assert "remote_console" not in shown.may
    with pytest.raises(Conflict) as refused:
        stand.services.remote_console(AN, one)
    assert refused.value.told == shown.no_screen
    return shown.no_screen.en


def test_a_screen_is_for_those_who_work_with_it_and_its_address_is_kept_nowhere(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock, tmp_path: Path
) -> None:
    asked = screens(portal, stand, clock)
    assert "remote_console" in may(stand, one)
    for person in (AN, CHI):
        found = stand.services.remote_console(person, one)
        assert (found.url, found.expires_at) == (SECRET, clock() + dt.timedelta(seconds=120))
        assert "5ecre7" not in repr(found)
    for person in (EM, DUNG):
        assert "remote_console" not in may(stand, one, person)
        assert stand.services.deployment(person, one).no_screen == NOTHING
        with pytest.raises(NotAllowed):
            stand.services.remote_console(person, one)
    with pytest.raises(NotFound):
        stand.services.remote_console(STRANGER, one)
    assert asked == ["server-1", "server-1"]
    name = stand.services.deployment(AN, one).summary.name
    assert told(stand, "deployment.remote_console") == [f"Opened the screen of {name}"] * 2
    backup.back_up(portal, tmp_path / "rows.gz", clock())
    assert "5ecre7" not in gzip.decompress((tmp_path / "rows.gz").read_bytes()).decode()


def test_a_console_on_which_nothing_was_printed_says_so(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock
) -> None:
    stand.services = PortalServices(portal, make_site(console=lambda server, lines: "\x1b[2J\n"), clock)
    assert "printed nothing yet" in stand.services.console(AN, one).note.en


def test_what_runs_as_a_virtual_machine_has_a_screen_and_the_page_says_why_other_things_have_none(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock
) -> None:
    assert "joined to the screen of no server" in refusal(stand, one)
    flavors = {"small": replace(make_site().flavors["small"], hypervisor_type="lxc")}
    asked = screens(portal, stand, clock, flavors=flavors)
    assert "A container has no screen" in refusal(stand, one)
    high = {code: replace(agency, security_level=3) for code, agency in make_site().agencies.items()}
    asked = screens(portal, stand, clock, agencies=high)
    assert "of this security level" in refusal(stand, one)
    asked = screens(portal, stand, clock, agencies=high, policies=Policies(remote_console_to_level=3))
    assert stand.services.remote_console(AN, one).url == SECRET
    act(stand, one, "stop")
    assert "start it first" in refusal(stand, one)
    act(stand, one, "retire")
    with pytest.raises(Conflict, match="in use"):
        stand.services.remote_console(AN, one)
    assert stand.services.deployment(AN, one).no_screen == NOTHING
    assert asked == ["server-1"]


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("refused", Conflict, "Stop it and start it again"),
        ("conflict", Conflict, "does not run at this moment"),
        ("not_found", Conflict, "does not run at this moment"),
        ("unavailable", CloudAway, "x"),
        ("credentials_refused", CloudAway, "x"),
    ],
)
def test_a_cloud_that_gives_no_screen_is_told_apart_and_the_asking_is_recorded(
    portal: PortalDatabase, stand: Stand, one: str, clock: Clock, code: str, kind: type[InfraError], says: str
) -> None:
    def away(server: str) -> str:
        error = InfraError("x")
        error.code = code
        raise error

    stand.services = PortalServices(portal, make_site(remote_consoles=RemoteConsoles(away, 120)), clock)
    with pytest.raises(kind, match=says):
        stand.services.remote_console(AN, one)
    assert len(told(stand, "deployment.remote_console")) == 1


def test_what_only_a_terminal_understands_is_left_out() -> None:
    assert plain("a\x1b]0;title\x07b\x00\n\n\x1b[2J\tc\r\n") == "ab\n\n\tc"


# Killed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["snapshot", "delete_snapshot", "rebuild", "revert", "restore"])
def test_killed_at_every_boundary_a_wish_is_met_once(stand: Stand, wish: str) -> None:
    """Also a second time, while the next worker makes good what the first one left."""
    end, killed = 1, True
    while killed:
        one = living(stand)
        if wish in ("delete_snapshot", "revert"):
            act(stand, one, "snapshot", name="a")
            work(stand)
        if wish == "restore":
            suspended_and_archived(stand, one)
        taken = stand.cloud.taken
        values = {"name": "b"} if wish == "snapshot" else {}
        if wish in ("delete_snapshot", "revert"):
            values = {"snapshot": upkeep(stand, one).snapshots[0].id}
        act(stand, one, wish, **values)
        killed = _killed(stand, Life(end))
        _killed(stand, Life(3))
        work(stand)
        _must_be_met_once(stand, one, wish, stand.cloud.taken - taken)
        act(stand, one, "retire")
        work(stand)
        assert (stand.cloud.images, stand.taken()) == ({}, 0)
        end += 1
    assert end > 5
    assert isinstance(stand.database.verify(), int)


def _killed(stand: Stand, life: Life) -> bool:
    try:
        stand.until_done(stand.worker(life))
    except Killed:
        stand.clock.now += LATER
        return True
    return False


def _must_be_met_once(stand: Stand, one: str, wish: str, taken: int) -> None:
    kept = upkeep(stand, one).snapshots
    mine = {image: of_ for image, of_ in stand.cloud.images.items() if of_[0] == one}
    assert {of_[1] for of_ in mine.values()} == {found.id for found in kept}
    assert [found.state for found in kept] == ([] if wish in ("delete_snapshot", "rebuild") else ["ready"])
    assert taken == (1 if wish == "snapshot" else 0)
    made = {"rebuild": [""], "revert": [*mine]}.get(wish, [])
    assert stand.cloud.disks.get(one, []) == made
    if made:
        found = upkeep(stand, one).rebuild
        assert found.state == "done"
        assert {phase.state for phase in found.phases} == {"done"}
    about = stand.services.audit(DUNG, AuditFilter(text=one), limit=200).items
    ends = [entry.action for entry in about if entry.action.endswith(("_ready", "_gone", ".rebuilt"))]
    assert len(ends) == 1 + (wish in ("delete_snapshot", "revert"))

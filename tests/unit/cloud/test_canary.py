"""What a canary does to the cloud, and that nothing of it stays, wherever its watcher is killed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud import canary
from infra.cloud.canary import Perch, Place
from infra.cloud.waiting import Deadline
from monitoring.exporters.canary import Canary
from tests.fakes.openstack import FakeCloud, FakeOpenStack

PERCH = Perch("hv1", "hv1", "small", "debian")
SOURCES = ("192.0.2.0/24", "203.0.113.1/32")


class Killed(BaseException):
    """kill -9: nothing of the process runs any more."""


class DyingService:
    """A service whose caller is killed before or after the n-th call."""

    def __init__(self, service: Any, dies: Callable[[str], None]) -> None:
        self._service = service
        self._dies = dies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def request(self, *call: Any, **options: Any) -> Any:
        self._dies("before")
        try:
            return self._service.request(*call, **options)
        finally:
            self._dies("after")


class DyingCloud(FakeCloud):
    """Kills its caller at one boundary: `when` it is "before" or "after" call number `at`."""

    def __init__(self, fake: FakeOpenStack, at: int = 0, when: str = "") -> None:
        super().__init__(fake)
        self.calls = 0
        self._at, self._when = at, when

    def service(self, name: str) -> Any:
        return DyingService(super().service(name), self._dies)

    def _dies(self, when: str) -> None:
        self.calls += when == "before"
        if (self.calls, when) == (self._at, self._when):
            raise Killed


@pytest.fixture
def fake() -> FakeOpenStack:
    made = FakeOpenStack()
    made._make(
        "network", "networks", {"name": "external", "router:external": True, "project_id": "platform"}, "x"
    )
    made.kind("flavors")["small"] = {"id": "small", "name": "small", "vcpus": 1, "ram": 512, "disk": 2}
    made.kind("images")["debian"] = {"id": "debian", "name": "debian", "status": "active"}
    return made


def standing(fake: FakeOpenStack) -> list[str]:
    """What a run makes and must not leave."""
    ports = [one for one in fake.kind("ports").values() if str(one["device_owner"]).startswith("compute:")]
    return [*fake.kind("servers"), *fake.kind("floatingips"), *(one["id"] for one in ports)]


def bird(cloud: FakeCloud, watcher: str = "mon1") -> Canary:
    return Canary(cloud, watcher, SOURCES, 900.0, 60.0, reach=lambda address, seconds: True)


def swept(fake: FakeOpenStack, watcher: str = "mon1") -> None:
    cloud = FakeCloud(fake)
    bird(cloud, watcher)._sweep(canary.place(cloud, SOURCES))


def test_the_place_is_made_once_and_found_again(fake: FakeOpenStack) -> None:
    first = canary.place(FakeCloud(fake), SOURCES)
    made = {
        kind: len(fake.kind(kind)) for kind in ("networks", "subnets", "routers", "security-groups", "ports")
    }
    assert canary.place(FakeCloud(fake), SOURCES) == first
    assert {kind: len(fake.kind(kind)) for kind in made} == made


def test_canaries_let_in_their_sources_and_nobody_else(fake: FakeOpenStack) -> None:
    where = canary.place(FakeCloud(fake), SOURCES)
    canary.place(FakeCloud(fake), SOURCES[1:])
    let_in = [
        rule["remote_ip_prefix"]
        for rule in fake.kind("security-group-rules").values()
        if rule["security_group_id"] == where.group and rule["direction"] == "ingress"
    ]
    assert let_in == [SOURCES[1]]


def killed_at_every_boundary(
    fake: FakeOpenStack, act: Callable[[DyingCloud], None], check: Callable[[], None]
) -> int:
    """`act` with a watcher that is killed at each boundary in turn, each time checked; how many there are."""
    for at in itertools.count(1):
        for when in ("before", "after"):
            cloud = DyingCloud(fake, at, when)
            try:
                act(cloud)
            except Killed:
                check()
            else:
                return at - 1
    raise AssertionError("unreachable: some run makes fewer calls than the last one")


def test_a_place_that_was_begun_is_finished_wherever_its_maker_was_killed() -> None:
    for at in itertools.count(1):
        fake = FakeOpenStack()
        outer = {"name": "external", "router:external": True, "project_id": "platform"}
        fake._make("network", "networks", outer, "x")
        try:
            canary.place(DyingCloud(fake, at, "after"), SOURCES)
        except Killed:
            canary.place(FakeCloud(fake), SOURCES)
            own = [one for one in fake.kind("networks").values() if one["name"] == canary.NAME]
            assert (len(own), len(fake.kind("routers")), len(fake.kind("subnets"))) == (1, 1, 1)
        else:
            break
    assert at > 8


def test_a_run_makes_a_server_on_its_hypervisor_at_an_address_and_leaves_nothing(fake: FakeOpenStack) -> None:
    cloud = FakeCloud(fake)
    where = canary.place(cloud, SOURCES)
    address = canary.take_address(cloud, where, PERCH, "mon1")
    server = canary.boot(cloud, where, PERCH, "mon1", Deadline(5.0))
    canary.attach_address(cloud, server, address)
    (floating,) = fake.kind("floatingips").values()
    port = fake.kind("ports")[floating["port_id"]]
    assert port["device_id"] == server["id"]
    assert ("compute", "POST", "/servers") in fake.calls
    for thing in canary.leftovers(cloud, where, "mon1", "hv1"):
        canary.remove(cloud, thing, Deadline(5.0))
    assert fake.kind("servers") == fake.kind("floatingips") == {}


def test_nothing_stays_wherever_the_watcher_is_killed(fake: FakeOpenStack) -> None:
    where = canary.place(FakeCloud(fake), SOURCES)

    def check() -> None:
        swept(fake)
        assert standing(fake) == []

    boundaries = killed_at_every_boundary(fake, lambda cloud: bird(cloud)._run(where, PERCH), check)
    assert boundaries >= 10


def test_nothing_stays_when_the_one_who_cleans_up_is_killed_too(fake: FakeOpenStack) -> None:
    where = canary.place(FakeCloud(fake), SOURCES)

    def left_behind() -> None:
        canary.take_address(FakeCloud(fake), where, PERCH, "mon1")
        canary.boot(FakeCloud(fake), where, PERCH, "mon1", Deadline(5.0))

    def sweep(cloud: DyingCloud) -> None:
        left_behind()
        bird(cloud)._sweep(where)

    def check() -> None:
        swept(fake)
        assert standing(fake) == []

    assert killed_at_every_boundary(fake, sweep, check) >= 8


def test_a_watcher_leaves_another_s_canaries_and_everything_else_alone(fake: FakeOpenStack) -> None:
    cloud = FakeCloud(fake)
    where = canary.place(cloud, SOURCES)
    canary.take_address(cloud, where, PERCH, "mon2")
    canary.boot(cloud, where, PERCH, "mon2", Deadline(5.0))
    canary.take_address(cloud, where, PERCH, "mon11")
    before = standing(fake)
    swept(fake, "mon1")
    assert standing(fake) == before
    swept(fake, "mon2")
    assert len(standing(fake)) == 1


def test_a_run_removes_what_its_own_hypervisor_has_and_no_other(fake: FakeOpenStack) -> None:
    cloud = FakeCloud(fake)
    where = canary.place(cloud, SOURCES)
    for name in ("hv1", "hv10"):
        canary.take_address(cloud, where, Perch(name, name, "small", "debian"), "mon1")
    assert len(canary.leftovers(cloud, where, "mon1", "hv1")) == 1
    assert len(canary.leftovers(cloud, where, "mon1")) == 2


def test_a_port_that_nova_left_without_its_server_is_swept(fake: FakeOpenStack) -> None:
    where = canary.place(FakeCloud(fake), SOURCES)
    stray = {"network_id": where.network, "device_id": "gone", "device_owner": "compute:nova"}
    fake._make("network", "ports", stray, fake.project_id)
    swept(fake)
    assert standing(fake) == []


def hypervisor(kind: str = "QEMU", status: str = "enabled", state: str = "up") -> dict[str, Any]:
    return {
        "hypervisor_hostname": "hv1", "service": {"host": "hv1"}, "hypervisor_type": kind, "status": status,
        "state": state,
    }  # fmt: skip


SIZES = [
    {
        "id": "box",
        "ram": 512,
        "disk": 2,
        "extra_specs": {"capabilities:hypervisor_type": "<or> LXC <or> lxc"},
    },
    {
        "id": "vm",
        "ram": 512,
        "disk": 2,
        "extra_specs": {"capabilities:hypervisor_type": "<or> QEMU <or> qemu"},
    },
]
IMAGES = [
    {"id": "container", "img_hv_type": "lxc", "min_disk": 2},
    {"id": "large", "img_hv_type": "qemu", "min_disk": 40},
    {"id": "debian", "img_hv_type": "qemu", "min_disk": 2},
]


@pytest.mark.parametrize(
    ("found", "perch"),
    [
        (hypervisor(), Perch("hv1", "hv1", "vm", "debian")),
        (hypervisor("LXC"), Perch("hv1", "hv1", "box", "container")),
        (hypervisor("fake"), Perch("hv1", "hv1", skipped="no_flavor")),
        (hypervisor(status="disabled"), Perch("hv1", "hv1", skipped="disabled")),
        (hypervisor(state="down"), Perch("hv1", "hv1", skipped="disabled")),
    ],
)
def test_each_type_of_hypervisor_gets_what_it_can_run(found: dict[str, Any], perch: Perch) -> None:
    assert canary._perch(found, SIZES, IMAGES) == perch


def test_ids_of_the_place_are_those_of_what_was_made(fake: FakeOpenStack) -> None:
    where = canary.place(FakeCloud(fake), SOURCES)
    assert isinstance(where, Place)
    assert where.network in fake.kind("networks")
    assert where.group in fake.kind("security-groups")

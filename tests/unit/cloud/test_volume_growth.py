"""A data volume grows where the storage cannot grow one that a server has, and goes on after a kill."""

from __future__ import annotations

from typing import Any

import pytest

from infra.cloud import volume_growth
from infra.cloud.errors import CloudError, WentWrong
from infra.cloud.server import servers, volume_attachments
from infra.cloud.volume import volumes
from infra.cloud.waiting import Deadline
from tests.fakes.openstack import FakeCloud, FakeOpenStack

Thing = dict[str, Any]


class Stage:
    """A server `web-1` that runs, with its data volume of 1 GiB on a storage like NFS."""

    def __init__(self) -> None:
        self.fake = FakeOpenStack(grows_attached=False)
        self.cloud = FakeCloud(self.fake)
        made = {"name": "web-1", "status": "ACTIVE", "image": {"id": "i"}, "tenant_id": "p", "metadata": {}}
        self.fake.kind("servers")["s"] = {"id": "s", "tags": [], "OS-EXT-STS:task_state": None, **made}
        self.volume = self.of_name("web-1", "v")
        self.attach("v")

    def of_name(self, name: str, id_: str) -> Thing:
        made: Thing = {"id": id_, "name": name, "size": 1, "status": "available", "attachments": []}
        self.fake.kind("volumes")[id_] = {**made, "os-vol-tenant-attr:tenant_id": "p", "metadata": {}}
        return self.fake.kind("volumes")[id_]

    def attach(self, id_: str) -> None:
        volume_attachments(self.cloud, "s").create({"volumeId": id_})

    @property
    def server(self) -> Thing:
        return self.fake.kind("servers")["s"]

    @property
    def told(self) -> tuple[str, int, str]:
        """Status of the server, size and status of its volume."""
        return self.server["status"], self.volume["size"], self.volume["status"]

    def grow(self, gib: int, *, on: bool = True) -> None:
        deadline = Deadline(60, clock=lambda: 0.0, pause=lambda seconds: None)
        volume_growth.grow(self.cloud, dict(self.server), "web-1", gib, on=on, deadline=deadline)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_it_grows_while_its_server_is_off_and_is_there_when_it_runs_again(stage: Stage) -> None:
    stage.grow(2)
    assert stage.told == ("ACTIVE", 2, "in-use")
    done = [path for _, method, path in stage.fake.calls if method in ("POST", "DELETE")][1:]
    assert done == [
        "/servers/s/action", "/servers/s/os-volume_attachments/v", "/volumes/v/action",
        "/servers/s/os-volume_attachments", "/servers/s/action",
    ]  # fmt: skip


def test_the_server_is_left_alone_where_nothing_has_to_grow(stage: Stage) -> None:
    before = len(stage.fake.calls)
    stage.grow(1)
    stage.grow(0)
    assert {method for _, method, _ in stage.fake.calls[before:]} == {"GET"}


def test_one_that_is_off_stays_off(stage: Stage) -> None:
    stage.server["status"] = "SHUTOFF"
    stage.grow(2, on=False)
    assert stage.told == ("SHUTOFF", 2, "in-use")


def test_a_volume_that_is_yet_to_be_made_is_the_stacks(stage: Stage) -> None:
    del stage.fake.kind("volumes")["v"]
    stage.grow(2)
    assert stage.server["status"] == "ACTIVE"


def test_other_volumes_of_the_server_are_not_touched(stage: Stage) -> None:
    stage.of_name("theirs", "w")
    stage.attach("w")
    stage.grow(2)
    assert stage.fake.kind("volumes")["w"]["size"] == 1


class Killed(Exception):
    pass


@pytest.mark.parametrize("writes", range(1, 6))
def test_after_a_kill_behind_any_write_it_goes_on(
    stage: Stage, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, answer = iter(range(writes - 1, -1, -1)), stage.fake.handle

    def handle(service: str, method: str, *rest: Any) -> Any:
        told = answer(service, method, *rest)
        if method != "GET" and next(left) == 0:
            raise Killed
        return told

    monkeypatch.setattr(stage.fake, "handle", handle)
    with pytest.raises(Killed):
        stage.grow(2)
    monkeypatch.undo()
    stage.grow(2)
    assert stage.told == ("ACTIVE", 2, "in-use")


def test_what_cannot_grow_is_put_back_with_its_server(stage: Stage) -> None:
    stage.fake.storage_full = True
    with pytest.raises(WentWrong, match="error_extending"):
        stage.grow(2)
    stage.grow(0)
    assert stage.told == ("ACTIVE", 1, "in-use")


def test_a_growth_that_failed_before_is_forgotten(stage: Stage) -> None:
    volumes(stage.cloud).act("v", {"os-extend": {"new_size": 2}})
    assert stage.volume["status"] == "error_extending"
    stage.grow(2)
    assert stage.told == ("ACTIVE", 2, "in-use")


def test_a_server_in_error_is_told_of(stage: Stage) -> None:
    stage.server["status"] = "ERROR"
    with pytest.raises(CloudError):
        stage.grow(2)
    assert servers(stage.cloud).get("s")["status"] == "ERROR"

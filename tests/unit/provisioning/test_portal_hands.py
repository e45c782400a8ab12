"""The worker's reach into a cloud: a rebuild is waited for, whoever began it, and its end is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from infra.cloud import volume_growth
from infra.cloud.errors import NotFound, WaitedTooLong, WentWrong
from infra.domain.blueprint import DEPLOYMENT_KEY, REBUILT_KEY, Wanted
from infra.provisioning import portal_hands
from infra.provisioning.agency_stack import AgencyStacks, DeploymentsNotMade, Outputs
from infra.provisioning.guest_setup import GuestSetup
from infra.provisioning.portal_hands import CloudHands
from tests.fakes.openstack import FakeCloud, FakeOpenStack

WANTED = Wanted("d", "web-1", "plain-server", "plain-server", {"size": "vm.small"}, on=True)


class Stacks:
    """What the worker asks of an agency's stacks here."""

    def image(self, wanted: Wanted) -> str:
        return {"vm.small": "debian-12"}[wanted.value("size")]


@dataclass
class Stage:
    fake: FakeOpenStack = field(default_factory=FakeOpenStack)
    now: float = 0.0
    then: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        for id_, name in (("old", "debian-11"), ("new", "debian-12"), ("kept", "web-1: before")):
            image = {"id": id_, "name": name, "status": "active", "tags": []}
            self.fake.kind("images")[id_] = image
        self.fake.kind("servers")["server"] = {
            "id": "server", "name": "web-1", "status": "ACTIVE", "metadata": {DEPLOYMENT_KEY: "d"},
            "OS-EXT-STS:task_state": None, "image": {"id": "old"}, "tags": [],
        }  # fmt: skip

    @property
    def server(self) -> dict[str, Any]:
        return self.fake.kind("servers")["server"]

    def pause(self, seconds: float) -> None:
        self.now += 100
        self.then()

    def hands(self) -> CloudHands:
        return CloudHands(
            FakeCloud(self.fake), cast("AgencyStacks", Stacks()), cast("GuestSetup", None), "",
            lambda: self.now, self.pause,
        )  # fmt: skip

    def end(self, status: str) -> None:
        self.server.update({"status": status, "OS-EXT-STS:task_state": None})


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(("image", "from_"), [("", "new"), ("kept", "kept")], ids=["item", "snapshot"])
def test_a_disk_is_made_from_the_items_image_or_a_snapshot_and_waited_for(
    stage: Stage, image: str, from_: str
) -> None:
    stage.then = lambda: stage.end("ACTIVE")
    stage.hands().rebuild(WANTED, "wish", image)
    assert stage.server["image"] == {"id": from_}
    assert stage.server["metadata"] == {DEPLOYMENT_KEY: "d", REBUILT_KEY: "wish"}


def test_what_a_worker_that_died_began_is_waited_for_and_not_begun_again(stage: Stage) -> None:
    with pytest.raises(WaitedTooLong, match="rebuild of web-1"):
        stage.hands().rebuild(WANTED, "wish", "")
    stage.then = lambda: stage.end("ACTIVE")
    stage.hands().rebuild(WANTED, "wish", "")
    assert stage.server["rebuilds"] == 1


def test_a_rebuild_that_ends_in_error_says_why(stage: Stage) -> None:
    stage.server["fault"] = {"message": "no room for the image"}
    stage.then = lambda: stage.end("ERROR")
    with pytest.raises(WentWrong, match="no room for the image"):
        stage.hands().rebuild(WANTED, "wish", "")


def test_without_a_server_or_an_image_nothing_is_begun(stage: Stage) -> None:
    stage.fake.kind("images")["new"]["status"] = "queued"
    with pytest.raises(NotFound, match="image debian-12"):
        stage.hands().rebuild(WANTED, "wish", "")
    assert "rebuilds" not in stage.server
    del stage.fake.kind("servers")["server"]
    with pytest.raises(NotFound, match="no server"):
        stage.hands().rebuild(WANTED, "wish", "old")


class Refusing(Stacks):
    """Cannot make one of what is wanted."""

    volumes_grow_attached = True

    def up(self, agency: str, wanted: Sequence[Wanted]) -> Outputs:
        raise DeploymentsNotMade({"web-2": "no room"})


def test_what_is_suspended_is_locked_although_another_thing_could_not_be_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, bool] = {}
    monkeypatch.setattr(
        portal_hands, "set_locked", lambda cloud, server, *, locked: told.update({server["id"]: locked})
    )
    hands = stage.hands()
    hands.stacks = cast("AgencyStacks", Refusing())
    with pytest.raises(DeploymentsNotMade, match="web-2: no room"):
        hands.up("sotc", [replace(WANTED, locked=True)])
    assert told == {"server": True}


class Detaching(Stacks):
    volumes_grow_attached = False


def test_a_volume_that_cannot_grow_is_told_as_its_deployments_failure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(*given: object, **how: object) -> None:
        raise WentWrong("the volume cannot be extended")

    monkeypatch.setattr(volume_growth, "grow", stuck)
    hands = stage.hands()
    hands.stacks = cast("AgencyStacks", Detaching())
    with pytest.raises(DeploymentsNotMade) as failed:
        hands.up("sotc", [replace(WANTED, values={**WANTED.values, "volume_gib": "9"})])
    assert failed.value.reasons == {"web-1": "the volume cannot be extended"}

"""Snapshots and archives as images: made once, told from each other, and gone with what they are of."""

from __future__ import annotations

from typing import Any

import pytest

from infra.cloud import kept_image
from infra.cloud.deployed import console_log, deployed_servers, rebuild, remote_console
from infra.cloud.errors import Conflict, NotFound, Refused, WentWrong
from infra.domain.blueprint import ARCHIVE_KEY, DEPLOYMENT_KEY, REBUILT_KEY, SNAPSHOT_KEY
from tests.fakes.openstack import FakeCloud, FakeOpenStack

IMAGE = {"id": "base", "name": "debian-12", "status": "active", "tags": []}
SERVER = {
    "id": "server", "name": "web-1", "status": "ACTIVE", "metadata": {DEPLOYMENT_KEY: "d"},
    "image": {"id": "base"}, "OS-EXT-STS:task_state": None, "tags": [],
}  # fmt: skip


@pytest.fixture
def fake() -> FakeOpenStack:
    made = FakeOpenStack()
    made.kind("images")["base"] = dict(IMAGE)
    made.kind("servers")["server"] = {**SERVER, "metadata": {DEPLOYMENT_KEY: "d"}}
    return made


@pytest.fixture
def cloud(fake: FakeOpenStack) -> FakeCloud:
    return FakeCloud(fake)


def server(cloud: FakeCloud) -> Any:
    return deployed_servers(cloud, ["d"])["d"]


def whole(fake: FakeOpenStack, image: str) -> None:
    fake.kind("images")[image].update(status="active", size=7)
    fake.kind("servers")["server"]["OS-EXT-STS:task_state"] = None


def kept(fake: FakeOpenStack) -> set[str]:
    return set(fake.kind("images")) - {"base"}


def test_a_snapshot_is_asked_for_once_and_is_there_when_it_has_its_bytes(
    fake: FakeOpenStack, cloud: FakeCloud
) -> None:
    image = kept_image.snapshot(cloud, "s", "d", "before", server(cloud))
    assert kept_image.snapshot(cloud, "s", "d", "before", server(cloud)) == image
    assert kept(fake) == {image}
    assert kept_image.image_size(cloud, image, "d") is None
    whole(fake, image)
    assert kept_image.image_size(cloud, image, "d") == 7
    kept_image.remove_snapshot(cloud, "s")
    kept_image.remove_snapshot(cloud, "s")
    assert kept(fake) == set()


@pytest.mark.parametrize("left", [True, False], ids=["left behind", "removed"])
def test_an_image_on_which_nobody_works_any_more_was_given_up(
    fake: FakeOpenStack, cloud: FakeCloud, left: bool
) -> None:
    image = kept_image.snapshot(cloud, "s", "d", "before", server(cloud))
    fake.kind("servers")["server"]["OS-EXT-STS:task_state"] = None
    if not left:
        del fake.kind("images")[image]
    with pytest.raises(WentWrong, match=image):
        kept_image.image_size(cloud, image, "d")


def test_of_a_server_that_is_gone_there_is_no_snapshot(cloud: FakeCloud) -> None:
    with pytest.raises(NotFound, match="no server"):
        kept_image.snapshot(cloud, "s", "d", "before", None)


def test_an_archive_of_what_went_back_to_a_snapshot_stays_when_that_snapshot_goes(
    fake: FakeOpenStack, cloud: FakeCloud
) -> None:
    """Nova's image of a server says what the image said that the server was made from."""
    snapshot = kept_image.snapshot(cloud, "s", "d", "before", server(cloud))
    whole(fake, snapshot)
    rebuild(cloud, server(cloud), "wish", snapshot)
    fake.kind("servers")["server"]["OS-EXT-STS:task_state"] = None
    assert kept_image.archived(cloud, "d", server(cloud)) is False
    (archive,) = kept(fake) - {snapshot}
    whole(fake, archive)
    assert kept_image.archived(cloud, "d", server(cloud)) is True
    kept_image.remove_snapshot(cloud, "s")
    assert kept(fake) == {archive}


def test_an_archive_becomes_a_snapshot_and_the_next_archive_is_a_new_one(
    fake: FakeOpenStack, cloud: FakeCloud
) -> None:
    kept_image.archived(cloud, "d", server(cloud))
    (archive,) = kept(fake)
    whole(fake, archive)
    assert kept_image.archive_as_snapshot(cloud, "s", "d") == archive
    assert kept_image.archive_as_snapshot(cloud, "s", "d") == archive
    held = fake.kind("images")[archive]
    assert (held[SNAPSHOT_KEY], held[ARCHIVE_KEY]) == ("s", "none")
    assert kept_image.archived(cloud, "d", server(cloud)) is False
    assert len(kept(fake)) == 2


def test_where_the_archive_is_lost_it_is_said(cloud: FakeCloud) -> None:
    with pytest.raises(WentWrong, match="not in the cloud any more"):
        kept_image.archive_as_snapshot(cloud, "s", "d")


def test_all_that_is_kept_of_a_deployment_goes_with_it_and_nothing_else(
    fake: FakeOpenStack, cloud: FakeCloud
) -> None:
    first = kept_image.snapshot(cloud, "s1", "d", "one", server(cloud))
    whole(fake, first)
    kept_image.archived(cloud, "d", server(cloud))
    fake.kind("servers")["server"]["OS-EXT-STS:task_state"] = None
    other = kept_image.snapshot(cloud, "s2", "other", "two", server(cloud))
    kept_image.remove_kept(cloud, "d")
    assert kept(fake) == {other}


def test_a_disk_is_made_new_once_for_a_wish_and_the_servers_metadata_stays(
    fake: FakeOpenStack, cloud: FakeCloud
) -> None:
    for wish, times in (("one", 1), ("one", 1), ("two", 2)):
        rebuild(cloud, server(cloud), wish, "base")
        held = fake.kind("servers")["server"]
        assert (held["rebuilds"], held["metadata"]) == (times, {DEPLOYMENT_KEY: "d", REBUILT_KEY: wish})


def test_the_last_lines_of_a_console(fake: FakeOpenStack, cloud: FakeCloud) -> None:
    fake.kind("servers")["server"]["printed"] = "a\nb\nc"
    assert console_log(cloud, "server", 2) == "b\nc"


def test_where_a_screen_is_and_which_server_has_none(fake: FakeOpenStack, cloud: FakeCloud) -> None:
    first, second = (remote_console(cloud, "server") for _ in range(2))
    assert first.startswith("https://console.test:6080/vnc_lite.html?path=%3Ftoken%3D")
    assert first != second
    fake.kind("servers")["server"]["status"] = "SHUTOFF"
    with pytest.raises(Conflict, match="not ready"):
        remote_console(cloud, "server")
    fake.kind("servers")["server"]["screen"] = False
    with pytest.raises(Refused, match="Unavailable console type"):
        remote_console(cloud, "server")
    with pytest.raises(NotFound):
        remote_console(cloud, "none")

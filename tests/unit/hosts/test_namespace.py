"""Names and addresses inside the lab's network."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.hosts import namespace

MOUNTINFO = """\
42 29 254:0 /run/netns /run/netns rw shared:1 - ext4 /dev/vda rw
43 42 0:4 net:[4026532177] /run/netns/citycloud-lab rw shared:2 - nsfs nsfs rw
"""


@pytest.fixture(autouse=True)
def mounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTINFO)
    monkeypatch.setattr(namespace, "MOUNTS", tmp_path / "mountinfo")


def test_names_of_two_labs_differ() -> None:
    names = {namespace.name_of(site, server) for site in ("lab", "lab2") for server in (None, "ctl1", "hv1")}
    assert len(names) == 6


def test_a_card_has_the_same_address_each_time_and_no_two_share_one() -> None:
    found = [namespace.mac_address(site, server) for site in ("lab", "scale") for server in ("ctl1", "hv1")]
    assert found == [
        namespace.mac_address(site, server) for site in ("lab", "scale") for server in ("ctl1", "hv1")
    ]
    assert len(set(found)) == 4
    assert all(int(mac[:2], 16) & 3 == 2 for mac in found), "locally administered, for one card"


def test_only_a_mounted_namespace_exists() -> None:
    assert namespace.exists("citycloud-lab")
    assert not namespace.exists("citycloud")
    assert not namespace.exists("citycloud-lab2")


def test_entering_a_lab_that_is_off_says_how_to_start_it() -> None:
    with pytest.raises(namespace.NamespaceMissing, match="citycloud lab start"):
        namespace.enter("citycloud-lab2")


def test_what_fails_inside_fails_outside() -> None:
    with pytest.raises(namespace.NamespaceMissing):
        namespace.run_inside("citycloud-lab2", lambda: 1)

"""What people do to an agency's zone by hand: found, taken into the code, taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.conftest import Site

AGENCY = "h-cathai"  # has no servers of its own
CORES = 5  # one more than its class


class Hand:
    """A person at work, see `tests.cloud.by_hand`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def _do(self, *words: str) -> Any:
        return json.loads(self._site.script("tests.cloud.by_hand", AGENCY, *words).splitlines()[-1])

    def makes(self, *what: str) -> dict[str, str]:
        return dict(self._do("make", *what))

    def sets_cores(self, cores: int) -> None:
        assert self._do("quota", str(cores)) == cores

    def cores(self) -> int:
        return int(self._do("cores"))

    def has(self, what: str, identity: str) -> bool:
        return bool(self._do("has", what, identity))


@pytest.fixture
def hand(site: Site) -> Hand:
    return Hand(site)


@pytest.fixture(autouse=True)
def as_it_was(site: Site) -> Iterator[None]:
    """The inventory as it was before the test, and the zone as that says."""
    agencies = site.inventory / "agencies.yaml"
    kept = agencies.read_bytes()
    yield
    (site.inventory / "adopted.yaml").unlink(missing_ok=True)
    if agencies.read_bytes() != kept:
        agencies.write_bytes(kept)
        site.confirmed("zone", "up", AGENCY)


def drift(site: Site, *words: str) -> dict[str, Any]:
    """The agency's stack after what was asked for, confirmed where it has to be."""
    report = site.confirmed("zone", "drift", AGENCY, *words, "--yes").json["report"]
    (stack,) = [one for one in report["stacks"] if one["agency"] == AGENCY]
    assert stack["unread"] == ""
    return dict(stack)


def kinds(stack: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["kind"], one["type"].rpartition(":")[2]) for one in stack["findings"]}


def test_a_site_as_it_was_deployed_has_no_drift_and_no_orphans_and_prometheus_is_told(site: Site) -> None:
    outcome = site.ok("zone", "drift", "--output", "json").json
    assert {
        stack["agency"]: stack["findings"] for stack in outcome["report"]["stacks"] if stack["findings"]
    } == {}
    assert len(outcome["report"]["stacks"]) == 36  # every agency, and the platform
    assert outcome["report"]["orphans"] == []
    assert outcome["delivered"]["servers"] == ["ctl1"]
    scraped = site.on("ctl1", "curl", "-gsS", "http://172.30.0.11:9100/metrics?collect[]=textfile")
    assert f'city_drift_resources{{agency="{AGENCY}",kind="foreign"}} 0' in scraped
    assert "node_textfile_scrape_error 0" in scraped


def test_hand_made_things_and_a_quota_are_found_and_adopted_and_the_next_up_keeps_them(
    site: Site, hand: Hand
) -> None:
    made = hand.makes("rule", "address", "role")
    hand.sets_cores(CORES)
    assert kinds(drift(site)) == {
        ("foreign", "SecGroupRule"), ("foreign", "FloatingIp"), ("foreign", "RoleAssignment"),
        ("changed", "QuotaSetV2"),
    }  # fmt: skip
    assert drift(site, "--adopt-all")["findings"] == []
    assert f"quota: {{cores: {CORES}}}" in (site.inventory / "agencies.yaml").read_text()
    (up,) = site.confirmed("zone", "up", AGENCY).json
    assert {op: count for op, count in up["changes"].items() if op != "same"} == {"import": 3, "update": 1}
    assert drift(site)["findings"] == []
    assert hand.cores() == CORES
    assert all(hand.has(what, identity) for what, identity in made.items())

    # What the code asks for no more goes again.
    (site.inventory / "adopted.yaml").unlink()
    site.confirmed("zone", "up", AGENCY)
    assert not any(hand.has(what, identity) for what, identity in made.items())


def test_hand_made_things_are_reverted_one_by_one_or_all(site: Site, hand: Hand) -> None:
    made = hand.makes("rule", "address", "role")
    hand.sets_cores(CORES)
    rule = next(one for one in drift(site)["findings"] if one["identity"] == made["rule"])
    left = drift(site, "--revert", rule["id"])
    assert not hand.has("rule", made["rule"])
    assert hand.has("address", made["address"])
    assert len(left["findings"]) == 3
    assert drift(site, "--revert-all")["findings"] == []
    assert not hand.has("address", made["address"])
    assert not hand.has("role", made["role"])
    assert hand.cores() == CORES - 1


@pytest.mark.parametrize("adopted", [False, True], ids=["reverted", "adopted"])
def test_a_hand_made_server_goes_only_after_a_second_person_has_confirmed(
    site: Site, hand: Hand, adopted: bool
) -> None:
    server = hand.makes("server")["server"]
    found = next(one for one in drift(site)["findings"] if one["identity"] == server)
    if adopted:
        drift(site, "--adopt", found["id"])
        site.confirmed("zone", "up", AGENCY)
        assert [one for one in drift(site)["findings"] if one["type"].endswith(":Instance")] == []
        assert hand.has("server", server)
        (site.inventory / "adopted.yaml").unlink()
        site.confirmed("zone", "up", AGENCY)
    else:
        refused = site.run("zone", "drift", AGENCY, "--revert", found["id"], "--yes", "--output", "json")
        assert refused.json["error"]["code"] == "plan_refused"
        assert hand.has("server", server)
        drift(site, "--revert", found["id"])
    assert not hand.has("server", server)
    assert drift(site, "--revert-all")["findings"] == []

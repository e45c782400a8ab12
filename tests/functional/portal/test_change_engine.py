"""A change by the real engine and provider against a cloud in memory: in place, never back by destroying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.credentials import Credentials
from infra.domain.blueprint import Wanted
from infra.provisioning.agency_stack import AgencyStacks, StackPlace
from tests.functional.provider.conftest import Place, cache, place, pulumis_own_litter, server

__all__ = ["cache", "place", "pulumis_own_litter", "server"]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa"
PLAIN = Wanted(
    "id-1", "plain-server-1-1", "plain-server", "plain-server",
    {"size": "vm.small", "volume_gib": "5", "public_address": "false", "ssh_key": KEY}, on=True,
)  # fmt: skip
LARGER = {"size": "vm.medium", "volume_gib": "9", "public_address": "true"}


@pytest.fixture
def agency(place: Place) -> str:
    """One with a landing zone and nothing in it."""
    code = next(one.code for one in place.inventory.agencies if not one.servers)
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
    return code


@pytest.fixture
def stacks(place: Place, agency: str, tmp_path: Path) -> Iterator[AgencyStacks]:
    where = StackPlace(tmp_path / "portal", place.cache, "", "passphrase")
    credentials = Credentials.from_environment(place.server.environment())
    with AgencyStacks(place.inventory, where, credentials, "ssh-ed25519 AAAAC3Nz worker") as made:
        yield made


def changed(one: Wanted, stays: tuple[str, ...] = (), **values: str) -> Wanted:
    return replace(one, values={**one.values, **values}, stays=stays)


def stands(place: Place) -> dict[str, Any]:
    """The agency's server and volume by id, with what they are now."""
    fake = place.server.fake
    (one,) = fake.kind("servers").values()
    volumes = {each["id"]: each["size"] for each in fake.kind("volumes").values()}
    attached = {row["id"] for row in one["os-extended-volumes:volumes_attached"]}
    assert attached == set(volumes)
    flavor, floating = one["flavor"]["original_name"], len(fake.kind("floatingips"))
    return {"server": one["id"], "flavor": flavor, "volumes": volumes, "addresses": floating,
            "status": one["status"]}  # fmt: skip


def test_a_change_is_made_in_place_and_taken_back_without_losing_what_grew(
    place: Place, agency: str, stacks: AgencyStacks
) -> None:
    stacks.up(agency, [PLAIN])
    before = stands(place)
    (volume,) = before["volumes"]
    made = stacks.up(agency, [changed(PLAIN, **LARGER)])["id-1"]
    after = {**before, "flavor": "vm.medium", "volumes": {volume: 9}, "addresses": before["addresses"] + 1}
    assert stands(place) == after
    assert (made["size"], made["volume_gib"]) == ("vm.medium", "9")
    assert made["ssh"] == f"ssh debian@{made['address']}"

    made = stacks.up(agency, [changed(PLAIN, ("volume_gib",))])["id-1"]
    assert stands(place) == {**before, "volumes": {volume: 9}}
    assert (made["size"], made["volume_gib"], made["address"]) == ("vm.small", "9", "")

    stacks.up(agency, [changed(PLAIN, volume_gib="9")])
    assert stands(place) == {**before, "volumes": {volume: 9}}


def test_a_size_that_cannot_go_back_stays(place: Place, agency: str, stacks: AgencyStacks) -> None:
    stacks.up(agency, [changed(PLAIN, volume_gib="")])
    before = stands(place)
    made = stacks.up(agency, [changed(PLAIN, size="vm.medium")])["id-1"]
    assert (made["size"], made["volume_gib"]) == ("vm.medium", "5")
    assert stands(place)["server"] == before["server"]
    made = stacks.up(agency, [changed(PLAIN, ("size",), volume_gib="")])["id-1"]
    assert stands(place) == {**before, "flavor": "vm.medium"}
    assert (made["size"], made["volume_gib"]) == ("vm.medium", "")

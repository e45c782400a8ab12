"""A change by the real engine and provider against a cloud in memory: in place, never back by destroying."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.domain.blueprint import Wanted
from infra.provisioning.agency_stack import AgencyStacks
from tests.functional.provider.conftest import Place

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa"
PLAIN = Wanted(
    "id-1", "plain-server-1-1", "plain-server", "plain-server",
    {"size": "vm.small", "volume_gib": "5", "public_address": "false", "ssh_key": KEY}, on=True,
)  # fmt: skip
LARGER = {"size": "vm.medium", "volume_gib": "9", "public_address": "true"}


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
    place: Place, agency: str, worker_stacks: AgencyStacks
) -> None:
    worker_stacks.up(agency, [PLAIN])
    before = stands(place)
    (volume,) = before["volumes"]
    made = worker_stacks.up(agency, [changed(PLAIN, **LARGER)])["id-1"]
    after = {**before, "flavor": "vm.medium", "volumes": {volume: 9}, "addresses": before["addresses"] + 1}
    assert stands(place) == after
    assert (made["size"], made["volume_gib"]) == ("vm.medium", "9")
    assert made["ssh"] == f"ssh debian@{made['address']}"

    made = worker_stacks.up(agency, [changed(PLAIN, ("volume_gib",))])["id-1"]
    assert stands(place) == {**before, "volumes": {volume: 9}}
    assert (made["size"], made["volume_gib"], made["address"]) == ("vm.small", "9", "")

    worker_stacks.up(agency, [changed(PLAIN, volume_gib="9")])
    assert stands(place) == {**before, "volumes": {volume: 9}}


def test_a_size_that_cannot_go_back_stays(place: Place, agency: str, worker_stacks: AgencyStacks) -> None:
    worker_stacks.up(agency, [changed(PLAIN, volume_gib="")])
    before = stands(place)
    made = worker_stacks.up(agency, [changed(PLAIN, size="vm.medium")])["id-1"]
    assert (made["size"], made["volume_gib"]) == ("vm.medium", "5")
    assert stands(place)["server"] == before["server"]
    made = worker_stacks.up(agency, [changed(PLAIN, ("size",), volume_gib="")])["id-1"]
    assert stands(place) == {**before, "flavor": "vm.medium"}
    assert (made["size"], made["volume_gib"]) == ("vm.medium", "")

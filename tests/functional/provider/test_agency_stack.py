"""What an agency asked for in the portal, by the real engine and provider against a cloud in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.domain.blueprint import DEPLOYMENT_KEY, Wanted
from infra.domain.catalog import ITEM_KEY
from infra.provisioning.agency_stack import AgencyGone, AgencyStacks, DeploymentsNotMade
from stacks.blueprints import REALISES
from stacks.blueprints.network import RANGE, addresses_of
from tests.functional.provider.conftest import Place

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa"
WEB = Wanted(
    "id-1", "web-server-1-1", "web-server", "web-server",
    {"size": "container.small", "public_address": "true", "ssh_key": KEY}, on=True,
)  # fmt: skip
PLAIN = Wanted(
    "id-2", "plain-server-2-1", "plain-server", "plain-server",
    {"size": "vm.small", "volume_gib": "5", "ssh_key": KEY}, on=True,
)  # fmt: skip
DATABASE = Wanted(
    "id-3", "database-server-3-1", "database-server", "database-server",
    {"size": "vm.small", "volume_gib": "5", "database": "hoso", "ssh_key": KEY}, on=True,
)  # fmt: skip
NETWORK = Wanted(
    "id-4", "private-network-4-1", "private-network", "private-network", {"purpose": "database"}, on=True
)


def test_every_item_that_can_be_asked_for_has_a_blueprint(place: Place) -> None:
    kinds = {item.blueprint.partition("/")[0] for item in place.inventory.catalog.requestable}
    assert kinds == set(REALISES)


def test_what_is_asked_for_stands_is_stopped_and_leaves_nothing(
    place: Place, agency: str, worker_stacks: AgencyStacks
) -> None:
    fake = place.server.fake
    before = fake.residue()
    made = worker_stacks.up(agency, [WEB, PLAIN, DATABASE, NETWORK])
    servers = {one["name"]: one for one in fake.kind("servers").values()}
    assert set(servers) == {WEB.name, PLAIN.name, DATABASE.name}
    assert servers[WEB.name]["metadata"][DEPLOYMENT_KEY] == "id-1"
    assert servers[WEB.name]["metadata"][ITEM_KEY] == "web-server"
    assert made["id-1"]["server_id"] == servers[WEB.name]["id"]
    assert made["id-1"]["ssh"] == f"ssh debian@{made['id-1']['address']}"
    assert made["id-1"]["url"] == f"http://{made['id-1']['address']}/"
    assert made["id-2"]["address"] == ""
    assert made["id-2"]["ssh"] == f"ssh debian@{made['id-2']['fixed_address']}"
    assert made["id-3"]["database"] == f"psql -h {made['id-3']['fixed_address']} -U hoso hoso"
    assert made["id-4"]["cidr"] == str(addresses_of("id-4"))
    assert sorted(one["size"] for one in fake.kind("volumes").values()) == [5, 5]

    again = worker_stacks.up(agency, [replace(WEB, on=False), PLAIN, DATABASE, NETWORK])
    assert again["id-1"]["server_id"] == made["id-1"]["server_id"]
    stopped = {one["name"]: one["status"] for one in fake.kind("servers").values()}
    assert stopped == {WEB.name: "SHUTOFF", PLAIN.name: "ACTIVE", DATABASE.name: "ACTIVE"}

    worker_stacks.up(agency, [PLAIN])
    assert [one["name"] for one in fake.kind("servers").values()] == [PLAIN.name]
    worker_stacks.up(agency, [])
    assert fake.residue() == before


def test_what_cannot_be_made_is_named_by_its_deployment(agency: str, worker_stacks: AgencyStacks) -> None:
    impossible = replace(PLAIN, values={**PLAIN.values, "volume_gib": "0"})
    with pytest.raises(DeploymentsNotMade) as failed:
        worker_stacks.up(agency, [WEB, impossible])
    assert set(failed.value.reasons) == {PLAIN.name}
    assert failed.value.made == {}  # the engine asks for nothing more once an input is refused


def test_what_the_cloud_refuses_stops_nothing_else(
    place: Place, agency: str, worker_stacks: AgencyStacks
) -> None:
    """What is to go goes, and the others' outputs are told, by the same run."""
    stood = worker_stacks.up(agency, [NETWORK, WEB])
    place.server.fake.fail("POST", "^/servers$", 403, "Quota exceeded for instances")
    refused, good = (
        replace(WEB, id="id-7", name="web-server-7-1"),
        replace(WEB, id="id-8", name="web-server-8-1"),
    )
    with pytest.raises(DeploymentsNotMade, match="Quota exceeded") as failed:
        worker_stacks.up(agency, [WEB, refused, good])
    told = failed.value
    by_name = {one["name"]: one["id"] for one in place.server.fake.kind("servers").values()}
    made = {one.name for one in (WEB, refused, good) if one.name in by_name}
    assert WEB.name in made
    assert len(made) == 2  # whichever of the two asked first was refused
    lost = refused if good.name in made else good
    kept = good if lost is refused else refused
    assert set(told.reasons) == {lost.name}
    assert told.of([lost.name]) == told.reasons
    assert not told.of([WEB.name, kept.name, NETWORK.name])
    assert told.made["id-1"] == stood["id-1"]
    assert told.made[kept.id]["server_id"] == by_name[kept.name]
    assert not told.made[lost.id]
    assert not told.leaves(NETWORK.name)
    assert told.leaves(lost.name)
    assert NETWORK.name not in {one["name"] for one in place.server.fake.kind("networks").values()}
    assert set(worker_stacks.up(agency, [WEB, refused, good])) == {"id-1", "id-7", "id-8"}


def test_only_the_cause_is_told_where_something_hangs_on_what_failed(
    place: Place, agency: str, worker_stacks: AgencyStacks
) -> None:
    """The SDK ends the program when the attachment of a volume finds no server."""
    worker_stacks.up(agency, [WEB])
    place.server.fake.fail("POST", "^/servers$", 403, "Quota exceeded for instances")
    with pytest.raises(DeploymentsNotMade) as failed:
        worker_stacks.up(agency, [WEB, PLAIN])
    assert set(failed.value.reasons) == {PLAIN.name}
    assert not failed.value.made.get("id-2")
    assert worker_stacks.up(agency, [WEB, PLAIN])["id-2"]["server_id"]


def test_what_cannot_be_removed_is_told_as_left_and_stops_nothing_else(
    place: Place, agency: str, worker_stacks: AgencyStacks
) -> None:
    worker_stacks.up(agency, [NETWORK])
    place.server.fake.fail("DELETE", "^/networks/", 500, "the database is gone")
    with pytest.raises(DeploymentsNotMade, match="the database is gone") as failed:
        worker_stacks.up(agency, [WEB])
    assert failed.value.leaves(NETWORK.name)
    assert failed.value.of([NETWORK.name])
    assert not failed.value.of([WEB.name])
    assert failed.value.made["id-1"]["server_id"]


def test_addresses_of_networks_lie_in_their_range_and_apart() -> None:
    found = [addresses_of(f"deployment-{number}") for number in range(20)]
    assert all(one.subnet_of(RANGE) for one in found)
    assert len(set(found)) == 20


def test_a_provider_that_something_killed_is_followed_by_another(
    place: Place, agency: str, worker_stacks: AgencyStacks
) -> None:
    worker_stacks.up(agency, [NETWORK])
    process = worker_stacks._provider._process
    assert process is not None
    process.kill()
    process.wait()
    assert worker_stacks.up(agency, []) == {}
    assert not [one for one in place.server.fake.kind("networks").values() if one["name"] == NETWORK.name]


def test_an_agency_that_the_inventory_has_no_more_is_told_with_its_way_out(
    worker_stacks: AgencyStacks,
) -> None:
    with pytest.raises(AgencyGone, match=r"agencies\.yaml .* has no agency gone.*zone offboard gone"):
        worker_stacks.up("gone", [NETWORK])

"""The two programs, run against Pulumi's mocks: what they ask for, without an engine or a cloud."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest

from infra.domain.blueprint import Wanted
from infra.domain.opening import Opening, Service, Source
from infra.inventory import Inventory, load

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pulumi_openstack  # noqa: F401

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Notes every resource that a program asks for."""

    asked: list[tuple[str, str, dict[str, Any], str]] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            roles = {"member": "m", "approver": "a", "reader": "r", "operator": "o", "auditor": "u"}
            outputs = {"roles": roles, "operator_user_id": "admin",
                       "flavors": _Any("flavor"), "images": _Any("image"),
                       "external_network": {"id": "ext", "name": "external"}}  # fmt: skip
            return "ref", {"outputs": outputs, "secretOutputNames": []}
        self.asked.append((args.typ, args.name, args.inputs, args.provider or ""))
        return f"{args.name}-id", {**args.inputs, "allFixedIps": ["10.0.0.5"], "address": "172.30.2.60"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {"id": args.args["name"], "userId": "admin"}

    def of(self, kind: str) -> list[tuple[str, dict[str, Any], str]]:
        return [
            (name, inputs, provider) for typ, name, inputs, provider in self.asked if typ.endswith(f":{kind}")
        ]


def _Any(prefix: str) -> dict[str, str]:
    names = (
        "vm.small",
        "vm.medium",
        "container.small",
        "container.medium",
        "debian-12",
        "debian-12-container",
    )
    return {name: f"{prefix}-{name}" for name in names}


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Mocks for one program; the event loops that Pulumi opens and leaves are closed afterwards."""
    made = Recorder()
    loops: list[asyncio.AbstractEventLoop] = []
    opened = asyncio.new_event_loop

    def note() -> asyncio.AbstractEventLoop:
        loops.append(opened())
        return loops[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", note)
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(made, project="landing_zone", stack="lab-x")
    yield made
    for loop in loops:
        loop.close()
    asyncio.set_event_loop(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return load(ROOT / "inventories" / "lab")


def run(stack: str, *arguments: Any) -> None:
    spec = importlib.util.spec_from_file_location(f"program_{stack}", ROOT / "stacks" / stack / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    @pulumi.runtime.test
    def settled() -> None:
        module.program(*arguments)

    settled()


def test_a_landing_zone_lets_in_ssh_and_ping_from_the_administration_and_nothing_else(
    recorder: Recorder, inventory: Inventory
) -> None:
    run("landing_zone", inventory, inventory.agencies[0], "ssh-ed25519 A", ["172.30.0.0/24"])
    rules = [inputs for _, inputs, _ in recorder.of("SecGroupRule")]
    assert {
        (rule["direction"], rule["protocol"], rule.get("portRangeMin"), rule["remoteIpPrefix"])
        for rule in rules
    } == {
        ("ingress", "tcp", 22, "172.30.0.0/24"),
        ("ingress", "icmp", None, "172.30.0.0/24"),
    }


def test_quotas_are_those_of_the_agencys_class(recorder: Recorder, inventory: Inventory) -> None:
    agency = inventory.agencies[0]
    run("landing_zone", inventory, agency, "ssh-ed25519 A", [])
    ((_, compute, _),) = recorder.of("QuotaSetV2")
    assert (compute["cores"], compute["ram"]) == (agency.quota.cores, agency.quota.ram_mib)
    ((_, network, _),) = recorder.of("QuotaV2")
    assert (network["floatingip"], network["router"]) == (agency.quota.floating_ips, agency.quota.routers)


def test_members_and_approvers_hold_their_roles_on_the_project_only(
    recorder: Recorder, inventory: Inventory
) -> None:
    run("landing_zone", inventory, inventory.agencies[0], "ssh-ed25519 A", [])
    held = {(inputs["groupId"], inputs["roleId"]) for _, inputs, _ in recorder.of("RoleAssignment")}
    assert held == {("members-id", "m"), ("approvers-id", "a"), ("approvers-id", "r")}


def test_the_agency_that_runs_the_cloud_has_operators_and_auditors_too(
    recorder: Recorder, inventory: Inventory
) -> None:
    (agency,) = (one for one in inventory.agencies if one.operator)
    run("landing_zone", inventory, replace(agency, servers=()), "ssh-ed25519 A", [])
    held = {(inputs["groupId"], inputs["roleId"]) for _, inputs, _ in recorder.of("RoleAssignment")}
    assert {("operators-id", "o"), ("operators-id", "r"), ("auditors-id", "u"), ("auditors-id", "r")} < held


def test_only_an_agency_with_servers_gets_a_provider_of_its_own(
    recorder: Recorder, inventory: Inventory
) -> None:
    run(
        "landing_zone",
        inventory,
        next(one for one in inventory.agencies if not one.servers),
        "ssh-ed25519 A",
        [],
    )
    assert not recorder.of("openstack")
    assert not recorder.of("Keypair")


def test_servers_boot_on_their_port_in_their_project(recorder: Recorder, inventory: Inventory) -> None:
    agency = next(one for one in inventory.agencies if one.servers)
    run("landing_zone", inventory, agency, "ssh-ed25519 A", [])
    servers = recorder.of("Instance")
    assert {name for name, _, _ in servers} == {server.name for server in agency.servers}
    for name, inputs, provider in servers:
        assert inputs["networks"] == [{"port": f"port-{name}-id"}]
        assert "pulumi:providers:openstack::agency" in provider
    assert len(recorder.of("FloatingIp")) == sum(server.floating_ip for server in agency.servers)


def test_images_are_named_by_their_bytes_and_say_where_they_run(
    recorder: Recorder, inventory: Inventory
) -> None:
    digests = {
        f"images/{image.file}": f"{number}" * 64 for number, image in enumerate(inventory.platform.images)
    }
    run("platform", inventory, Path("/depot"), digests)
    images = {name: inputs for name, inputs, _ in recorder.of("Image")}
    for number, image in enumerate(inventory.platform.images):
        inputs = images[f"image-{image.name}-{str(number) * 12}"]
        assert inputs["properties"]["img_hv_type"] == image.hypervisor_type
        assert inputs["localFilePath"] == f"/depot/images/{image.file}"


def test_the_network_outside_hands_out_the_sites_range_without_dhcp(
    recorder: Recorder, inventory: Inventory
) -> None:
    digests = {f"images/{image.file}": "0" * 64 for image in inventory.platform.images}
    run("platform", inventory, Path("/depot"), digests)
    ((_, network, _),) = recorder.of("Network")
    assert network["external"] is True
    assert network["segments"][0]["physicalNetwork"] == "external"
    ((_, subnet, _),) = recorder.of("Subnet")
    external = inventory.site.external_network
    assert subnet["allocationPools"] == [{"start": str(external.first), "end": str(external.last)}]
    assert subnet["enableDhcp"] is False


def test_a_server_carries_its_item_and_one_without_stays_as_it_is(
    recorder: Recorder, inventory: Inventory
) -> None:
    agency = next(agency for agency in inventory.agencies if agency.servers)
    front = replace(agency.servers[0], name="front", item="web-server")
    agency = replace(agency, servers=(agency.servers[0], front))
    run("landing_zone", inventory, agency, "ssh-ed25519 A", [])
    carried = {name: inputs.get("metadata") for name, inputs, _ in recorder.of("Instance")}
    assert carried == {agency.servers[0].name: None, "front": {"citycloud_item": "web-server"}}


SIZE = {"size": "vm.small", "ssh_key": "ssh-ed25519 A"}
WIDE = {
    "web-server": {(80, "0.0.0.0/0"), (443, "0.0.0.0/0"), (9100, "172.30.0.0/24"), (9100, "172.30.2.1/32")},
    "plain-server": set[tuple[int, str]](),
}


@pytest.mark.parametrize("kind", ["web-server", "plain-server"])
def test_a_server_is_open_to_whom_its_item_and_its_people_say(
    recorder: Recorder, inventory: Inventory, kind: str
) -> None:
    agency = inventory.agencies[0]
    people = (
        Opening(Service.TCP, Source.CITY, 8080), Opening(Service.POSTGRESQL, Source.AGENCY),
        Opening(Service.TCP, Source.EVERYBODY, 443),  # what the item opens too, once
    )  # fmt: skip
    wanted = Wanted("id", "server", "item", kind, SIZE, on=True, openings=people, rebuilt="wish")
    run("agency", inventory, agency, [wanted], "ssh-ed25519 B")
    rules = [inputs for _, inputs, _ in recorder.of("SecGroupRule")]
    found = [(rule["portRangeMin"], rule["remoteIpPrefix"]) for rule in rules]
    city, own = str(inventory.site.external_network.cidr), str(agency.network)
    assert len(found) == len(set(found))
    assert set(found) == WIDE[kind] | {(8080, city), (5432, own), (443, "0.0.0.0/0")}
    assert all((rule["direction"], rule["protocol"]) == ("ingress", "tcp") for rule in rules)
    ((_, server, _),) = recorder.of("Instance")
    assert server["metadata"]["citycloud_rebuilt"] == "wish"


def test_a_plain_server_that_nobody_opened_has_no_group_of_its_own(
    recorder: Recorder, inventory: Inventory
) -> None:
    wanted = Wanted("id", "server", "plain-server", "plain-server", SIZE, on=True)
    run("agency", inventory, inventory.agencies[0], [wanted], "ssh-ed25519 B")
    assert recorder.of("SecGroup") == []
    ((_, server, _),) = recorder.of("Instance")
    assert "citycloud_rebuilt" not in server["metadata"]

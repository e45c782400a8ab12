"""Servers: what is a difference and what is not, how they change, how they go."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud.errors import NotFound, Unavailable, WaitedTooLong, WentWrong
from infra.cloud.waiting import Deadline
from infra.provider import user_data
from infra.provider.instance import Instance
from infra.provider.registry import resource
from infra.provider.resource import Context
from infra.provider.scheduler_hints import KEY, SERVER, beside
from infra.provider.values import UNKNOWN
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
KIND = Instance()
SCRIPT = "#!/bin/sh\necho city\n"


@pytest.fixture
def ground(fake: FakeOpenStack) -> FakeOpenStack:
    """Two images, two flavors, a network with a subnet, a group."""
    for name in ("debian", "alma"):
        fake.kind("images")[name] = {"id": name, "name": f"{name}-12", "status": "active"}
    for name, memory in (("small", 1), ("big", 2)):
        fake.kind("flavors")[name] = {"id": name, "name": f"vm.{name}", "vcpus": 1, "ram": memory, "disk": 1}
    _, made = fake.handle("network", "POST", "/networks", {}, {"network": {"name": "inside"}})
    fake.kind("networks")["net"] = {**fake.kind("networks").pop(made["network"]["id"]), "id": "net"}
    subnet = {"network_id": "net", "cidr": "10.1.0.0/24", "ip_version": 4}
    fake.handle("network", "POST", "/subnets", {}, {"subnet": subnet})
    fake.handle("network", "POST", "/security-groups", {}, {"security_group": {"name": "web"}})
    return fake


def checked(**inputs: Any) -> dict[str, Any]:
    base = {"name": "records", "imageId": "debian", "flavorId": "small", "networks": [{"uuid": "net"}]}
    given = {**base, **inputs}
    good, failures = KIND.check({name: value for name, value in given.items() if value is not None})
    assert not failures
    return good


def failures_of(**inputs: Any) -> dict[str, str]:
    return dict(KIND.check({"name": "n", "imageId": "i", "flavorId": "f", **inputs})[1])


def differing(state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, bool]:
    """Each property that differs, and whether it replaces."""
    return {item.name: item.replaces for item in KIND.differences(state, inputs)}


def made(context: Context, **inputs: Any) -> tuple[str, dict[str, Any]]:
    return KIND.create(context, checked(**inputs))


@pytest.mark.parametrize(
    ("inputs", "path", "why"),
    [
        ({"personalities": [{}]}, "personalities", "2.57"),
        ({"networks": [{"fixedIpV4": "10.1.0.4"}]}, "networks[0]", "uuid, name or port"),
        ({"networks": [{"uuid": "n", "mac": "fa:16:3e:0:0:1"}]}, "networks[0].mac", "Port with macAddress"),
        ({"networks": [{"uuid": "n"}], "networkMode": "auto"}, "networkMode", "not both"),
        ({"networkMode": "some"}, "networkMode", "auto or none"),
        ({"availabilityZone": "a", "availabilityZoneHints": "b"}, "availabilityZoneHints", "not both"),
        ({"powerState": "asleep"}, "powerState", "shelved_offloaded"),
        ({"schedulerHints": [{}, {}]}, "schedulerHints[1]", "one set"),
        ({"tags": ["a/b"]}, "tags", "slash"),
        ({"userData": "x" * 70000}, "userData", "65535"),
        (
            {"blockDevices": [{"sourceType": "image", "uuid": "i"}]},
            "blockDevices[0].destinationType", "volume",
        ),
        (
            {"blockDevices": [{"sourceType": "image", "destinationType": "volume", "uuid": "i"}]},
            "blockDevices[0].volumeSize", "size in GB",
        ),
        (
            {"blockDevices": [{"sourceType": "volume", "destinationType": "volume"}]},
            "blockDevices[0].uuid", "id of the volume",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_its_path(inputs: dict[str, Any], path: str, why: str) -> None:
    assert why in failures_of(**inputs)[path]


def test_a_server_needs_something_to_boot_from_and_a_flavor() -> None:
    said = dict(KIND.check({"name": "n"})[1])
    assert said.keys() == {"imageId", "flavorId"}
    disk = {"sourceType": "volume", "destinationType": "volume", "uuid": "v"}
    assert not KIND.check({"name": "n", "flavorName": "f", "blockDevices": [disk]})[1]
    local = {"sourceType": "image", "destinationType": "local", "uuid": "i"}
    assert dict(KIND.check({"name": "n", "flavorName": "f", "blockDevices": [local]})[1]).keys() == {
        "imageId"
    }


class TestImage:
    def test_another_image_is_a_replacement_and_never_a_rebuild(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        _, state = made(context())
        assert differing(state, checked(imageId="alma")) == {"imageId": True}
        assert differing(state, checked(imageId=None, imageName="alma-12")) == {"imageName": True}

    def test_the_id_may_stand_for_the_name_and_the_name_for_the_id(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        _, by_name = made(context(), imageId=None, imageName="debian-12")
        _, by_id = made(context("pulumi:" + "b" * 24))
        for state in (by_name, by_id):
            assert differing(state, checked()) == {}
            assert differing(state, checked(imageId=None, imageName="debian-12")) == {}

    @pytest.mark.parametrize("given", [{"imageId": "debian"}, {"imageId": None, "imageName": "debian-12"}])
    def test_an_image_that_was_deleted_replaces_nothing(
        self, context: Contexts, ground: FakeOpenStack, given: dict[str, Any]
    ) -> None:
        identity, state = made(context(), **given)
        del ground.kind("images")["debian"]
        assert differing(KIND.read(context(), identity, state) or {}, checked(**given)) == {}
        imported = KIND.read(context(), identity, {}) or {}
        assert differing(imported, checked(**given)) == {}
        assert (
            differing({**state, "imageName": "Image not found"}, checked(imageId=None, imageName="d")) == {}
        )

    def test_an_image_that_was_renamed_replaces_nothing(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context(), imageId=None, imageName="debian-12")
        ground.kind("images")["debian"]["name"] = "debian-12-old"
        ground.kind("images")["new"] = {"id": "new", "name": "debian-12", "status": "active"}
        after = KIND.read(context(), identity, state) or {}
        assert differing(after, checked(imageId=None, imageName="debian-12")) == {}

    def test_a_server_that_somebody_rebuilt_shows_it(self, context: Contexts, ground: FakeOpenStack) -> None:
        identity, state = made(context(), imageId=None, imageName="debian-12")
        ground.kind("servers")[identity]["image"] = {"id": "alma"}
        after = KIND.read(context(), identity, state) or {}
        assert differing(after, checked(imageId=None, imageName="debian-12")) == {"imageName": True}

    def test_a_name_that_is_not_one_image_is_refused(self, context: Contexts, ground: FakeOpenStack) -> None:
        with pytest.raises(NotFound, match="0 images are named moon"):
            made(context(), imageId=None, imageName="moon")


class TestFlavor:
    def test_a_name_instead_of_an_id_is_no_difference(self, context: Contexts, ground: FakeOpenStack) -> None:
        _, state = made(context(), flavorId=None, flavorName="vm.small")
        assert state["flavorId"] == "small"
        assert differing(state, checked()) == {}
        assert differing(state, checked(flavorId="big")) == {"flavorId": False}

    def test_a_flavor_that_was_deleted_changes_nothing(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context())
        del ground.kind("flavors")["small"]
        assert differing(KIND.read(context(), identity, state) or {}, checked()) == {}
        assert differing(KIND.read(context(), identity, {}) or {}, checked()) == {}

    def test_a_resize_is_confirmed_and_leaves_the_server_as_it_was_wanted(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context(), powerState="paused")
        wanted = checked(flavorId="big", powerState="paused")
        after = KIND.update(context(), identity, state, wanted, {"flavorId"})
        assert (after["flavorName"], after["powerState"]) == ("vm.big", "paused")

    def test_a_resize_that_nova_gave_up_is_told_with_its_reason(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context())
        ground.kind("servers")[identity]["resize_fails"] = "No valid host was found"
        with pytest.raises(WentWrong, match=r"kept its flavor .* No valid host"):
            KIND.update(context(), identity, state, checked(flavorId="big"), {"flavorId"})

    def test_a_resize_that_a_crash_left_unconfirmed_is_seen_and_confirmed(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, _ = made(context())
        ground.handle("compute", "POST", f"/servers/{identity}/action", {}, {"resize": {"flavorRef": "big"}})
        wanted = checked(flavorId="big")
        state = KIND.read(context(), identity, {"flavorId": "small"}) or {}
        assert differing(state, wanted) == {"powerState": False}
        after = KIND.update(context(), identity, state, wanted, {"powerState"})
        assert differing(after, wanted) == {}


class TestUserData:
    @pytest.mark.parametrize("given", [SCRIPT, base64.b64encode(SCRIPT.encode()).decode()])
    def test_the_state_holds_its_hash_as_the_official_one_does(
        self, context: Contexts, ground: FakeOpenStack, given: str
    ) -> None:
        identity, state = made(context(), userData=given)
        assert state["userData"] == hashlib.sha1(given.encode(), usedforsecurity=False).hexdigest()
        sent = ground.kind("servers")[identity]["OS-EXT-SRV-ATTR:user_data"]
        assert base64.b64decode(sent).decode() == SCRIPT
        after = KIND.read(context(), identity, state) or {}
        assert differing(after, checked(userData=given)) == {}
        assert differing(after, checked(userData="other")) == {"userData": True}
        assert differing(after, checked()) == {"userData": True}

    def test_an_import_writes_down_the_text_and_a_refresh_leaves_it(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, _ = made(context(), userData=SCRIPT)
        imported = KIND.read(context(), identity, {}) or {}
        assert KIND.importable_inputs(imported)["userData"] == SCRIPT
        assert differing(imported, checked(userData=SCRIPT)) == {}
        again = KIND.read(context(), identity, dict(imported)) or {}
        assert "userData" not in KIND.importable_inputs(again)

    def test_what_nova_does_not_tell_is_no_difference_after_an_import(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, _ = made(context(), userData=SCRIPT)
        del ground.kind("servers")[identity]["OS-EXT-SRV-ATTR:user_data"]
        imported = KIND.read(context(), identity, {}) or {}
        assert differing(imported, checked(userData=SCRIPT, availabilityZoneHints="nova")) == {}

    def test_other_user_data_of_a_rebuild_by_hand_is_seen(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context(), userData=SCRIPT)
        ground.kind("servers")[identity]["OS-EXT-SRV-ATTR:user_data"] = base64.b64encode(b"#other").decode()
        after = KIND.read(context(), identity, state) or {}
        assert differing(after, checked(userData=SCRIPT)) == {"userData": True}

    def test_bytes_that_are_no_text_stay_in_base64(self) -> None:
        packed = base64.b64encode(b"\x1f\x8b\x08\x00").decode()
        assert user_data.readable(packed) == packed
        assert user_data.as_sent(packed) == packed
        assert user_data.alike(user_data.as_told(packed, ""), packed)


class TestNetworks:
    def test_a_port_that_was_attached_afterwards_belongs_to_no_row(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context())
        other = resource("openstack:compute/interfaceAttach:InterfaceAttach")
        mark = "pulumi:" + "d" * 24
        attached, _ = other.create(context(mark), {"instanceId": identity, "networkId": "net"})
        assert other.create(context(mark), {"instanceId": identity, "networkId": "net"})[0] == attached
        assert (KIND.read(context(), identity, state) or {})["networks"] == state["networks"]
        wanted = checked(metadata={"a": "b"})
        after = KIND.update(context(), identity, state, wanted, {"metadata"})
        assert after["networks"] == state["networks"]
        other.delete(context(), attached, {})
        assert len(ground.kind("ports")) == 1

    def test_a_network_is_found_by_its_name_and_may_be_renamed(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context(), networks=[{"name": "inside"}])
        ground.kind("networks")["net"]["name"] = "outside"
        after = KIND.read(context(), identity, state) or {}
        assert differing(after, checked(networks=[{"name": "inside"}])) == {}
        with pytest.raises(NotFound, match="0 networks are named moon"):
            made(context("pulumi:" + "b" * 24), networks=[{"name": "moon"}])

    def test_another_access_network_changes_in_place_and_another_network_does_not(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        _, state = made(context())
        assert differing(state, checked(networks=[{"uuid": "net", "accessNetwork": True}])) == {
            "networks": False
        }
        assert differing(state, checked(networks=[{"uuid": "other"}])) == {"networks": True}
        assert differing(state, checked(networks=[{"port": UNKNOWN}])) == {"networks": True}
        assert differing(state, checked(networks=UNKNOWN)) == {"networks": True}
        assert differing(state, checked(networks=None)) == {}

    def test_addresses_are_compared_as_addresses(self) -> None:
        state = {"networks": [{"uuid": "net", "fixedIpV6": "[2001:db8::1]", "accessNetwork": False}]}
        assert "networks" not in differing(
            state, checked(networks=[{"uuid": "net", "fixedIpV6": "2001:DB8:0::1"}])
        )

    def test_without_networks_a_server_joins_the_only_one_there_is(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        _, state = made(context(), networks=None)
        assert [row["name"] for row in state["networks"]] == ["inside"]
        assert state["accessIpV4"].startswith("10.1.0.")
        _, state = made(context("pulumi:" + "b" * 24), networks=None, networkMode="none")
        assert state["networks"] == []

    def test_without_any_network_a_server_has_none(self, context: Contexts, ground: FakeOpenStack) -> None:
        ground.kind("subnets").clear()
        ground.kind("networks").clear()
        assert made(context(), networks=None)[1]["networks"] == []


class TestSecurityGroups:
    def test_they_change_in_place_by_name_or_id(self, context: Contexts, ground: FakeOpenStack) -> None:
        group = next(one["id"] for one in ground.kind("security-groups").values() if one["name"] == "web")
        identity, state = made(context())
        assert state["securityGroups"] == ["default"]
        wanted = checked(securityGroups=[group])
        assert differing(state, wanted) == {"securityGroups": False}
        after = KIND.update(context(), identity, state, wanted, {"securityGroups"})
        assert after["securityGroups"] == [group]
        assert ground.kind("servers")[identity]["security_groups"] == [{"name": "web"}]
        assert differing(KIND.read(context(), identity, after) or {}, wanted) == {}
        assert differing(after, checked()) == {}


class TestDisks:
    disk = {  # noqa: RUF012  (data of these tests)
        "sourceType": "image", "destinationType": "volume", "uuid": "debian", "volumeSize": 2,
        "deleteOnTermination": True,
    }  # fmt: skip

    def test_a_server_on_a_volume_takes_no_image_and_is_imported_as_it_was_made(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context(), blockDevices=[self.disk])
        assert ground.kind("servers")[identity]["image"] == ""
        imported = KIND.read(context(), identity, {}) or {}
        written = KIND.importable_inputs(imported)
        assert written["blockDevices"][0]["uuid"] == "debian"
        assert "imageId" not in written
        for inputs in (checked(blockDevices=[self.disk]), checked(**{**written, "imageId": None})):
            assert differing(imported, inputs) == {}
        bigger = checked(blockDevices=[{**self.disk, "volumeSize": 3}])
        assert differing(imported, bigger) == {"blockDevices": True}
        official = {**state, "imageId": "Attempt to boot from volume - no image supplied"}
        official["blockDevices"] = [{**self.disk, "bootIndex": 0, "volumeType": "", "deviceType": ""}]
        assert differing(official, checked(blockDevices=[self.disk])) == {}
        KIND.delete(context(), identity, state)
        assert not ground.kind("volumes")

    def test_a_volume_that_was_there_before_is_imported_as_itself(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        volume = resource("openstack:blockstorage/volume:Volume")
        own, _ = volume.create(context(), {"name": "root", "size": 2, "imageId": "debian"})
        disk = {"sourceType": "volume", "destinationType": "volume", "uuid": own}
        identity, _ = made(context("pulumi:" + "b" * 24), imageId=None, blockDevices=[disk])
        written = KIND.importable_inputs(KIND.read(context(), identity, {}) or {})
        assert (written["blockDevices"][0]["sourceType"], written["blockDevices"][0]["uuid"]) == (
            "volume",
            own,
        )

    def test_what_nova_made_for_a_server_in_error_goes_with_it(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        booted = ground._boot

        def fail(values: dict[str, Any], scope: str) -> dict[str, Any]:
            server = booted(values, scope)
            server.update({"status": "ERROR", "fault": {"message": "Block Device Mapping is Invalid."}})
            return server

        ground._boot = fail  # type: ignore[method-assign]
        with pytest.raises(WentWrong, match="Block Device Mapping is Invalid"):
            made(context(), blockDevices=[{**self.disk, "deleteOnTermination": False}])
        assert not ground.kind("servers")
        assert not ground.kind("volumes")


class TestPower:
    @pytest.mark.parametrize("first", ["active", "shutoff", "paused", "shelved_offloaded"])
    @pytest.mark.parametrize("second", ["active", "Shutoff", "paused", "shelved_offloaded"])
    def test_each_state_leads_to_each_other(
        self, context: Contexts, ground: FakeOpenStack, first: str, second: str
    ) -> None:
        identity, state = made(context(), powerState=first)
        wanted = checked(powerState=second)
        changed = set(differing(state, wanted))
        assert changed == (set() if first == second.lower() else {"powerState"})
        assert differing(KIND.update(context(), identity, state, wanted, changed), wanted) == {}

    @pytest.mark.parametrize("status", ["ERROR", "MIGRATING", "BUILD"])
    def test_what_a_server_passes_through_is_no_reason_to_act(
        self, context: Contexts, ground: FakeOpenStack, status: str
    ) -> None:
        identity, state = made(context())
        ground.kind("servers")[identity]["status"] = status
        assert differing(KIND.read(context(), identity, state) or {}, checked()) == {}

    def test_a_state_without_a_way_out_is_told(self, context: Contexts, ground: FakeOpenStack) -> None:
        identity, state = made(context())
        ground.kind("servers")[identity]["status"] = "DELETED"
        with pytest.raises(WentWrong, match="is DELETED cannot be made ACTIVE"):
            KIND.update(context(), identity, state, checked(), {"powerState"})


class TestRemoval:
    def test_a_guest_that_does_not_stop_is_removed_all_the_same(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context(), stopBeforeDestroy=True)
        ground.fail("POST", "/action$", 409, "busy")
        KIND.delete(context(), identity, state)
        assert not ground.kind("servers")

    def test_ports_are_taken_off_first_where_that_is_asked_for(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        _, port = ground.handle("network", "POST", "/ports", {}, {"port": {"network_id": "net"}})
        identity, state = made(
            context(), networks=[{"port": port["port"]["id"]}], forceDelete=True,
            vendorOptions={"detachPortsBeforeDestroy": True},
        )  # fmt: skip
        KIND.delete(context(), identity, state)
        assert ground.called("DELETE", f"os-interface/{port['port']['id']}") == 1
        assert ground.kind("ports")[port["port"]["id"]]["device_id"] == ""
        assert not ground.kind("servers")
        KIND.delete(context(), identity, state)

    def test_a_port_that_a_guest_does_not_let_go_goes_with_the_server(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        _, port = ground.handle("network", "POST", "/ports", {}, {"port": {"network_id": "net"}})
        identity, state = made(
            context(), networks=[{"port": port["port"]["id"]}],
            vendorOptions={"detachPortsBeforeDestroy": True},
        )  # fmt: skip
        ground.guests_let_go = False
        KIND.delete(context(), identity, state)
        assert not ground.kind("servers")

    def test_one_that_is_only_called_deleted_is_waited_for(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context())
        ground.kind("servers")[identity]["status"] = "DELETED"
        ground.fail("DELETE", f"/servers/{identity}$", 404)
        pauses: list[float] = []

        def destroyed(seconds: float) -> None:
            pauses.append(seconds)
            ground.kind("servers").pop(identity, None)

        patient = Context(context().cloud, Deadline(60, pause=destroyed))
        KIND.delete(patient, identity, state)
        assert len(pauses) == 1

    def test_one_that_a_cloud_keeps_for_second_thoughts_is_gone(
        self, context: Contexts, ground: FakeOpenStack
    ) -> None:
        identity, state = made(context())
        ground.kind("servers")[identity]["status"] = "SOFT_DELETED"
        ground.fail("DELETE", f"/servers/{identity}$", 404)
        KIND.delete(context(), identity, state)
        assert KIND.read(context(), identity, state) is None


def test_a_password_is_secret_and_changes_in_place(context: Contexts, ground: FakeOpenStack) -> None:
    identity, state = made(context(), adminPass="first-of-a-test")
    assert "adminPass" in KIND.secrets
    wanted = checked(adminPass="second-of-a-test")
    assert differing(state, wanted) == {"adminPass": False}
    after = KIND.update(context(), identity, state, wanted, {"adminPass"})
    assert after["adminPass"] == "second-of-a-test"
    assert differing(after, checked()) == {}


def test_a_zone_with_a_host_is_that_zone(context: Contexts, ground: FakeOpenStack) -> None:
    _, state = made(context(), availabilityZone="nova:hv1.example")
    assert differing(state, checked(availabilityZone="nova:hv1.example")) == {}
    assert differing(state, checked(availabilityZone="south")) == {"availabilityZone": True}
    assert "hypervisorHostname" not in KIND.importable_inputs(state)


def test_a_state_of_the_official_provider_goes_on_without_a_change(
    context: Contexts, ground: FakeOpenStack
) -> None:
    inputs = checked(
        userData=SCRIPT, imageId=None, imageName="debian-12", flavorId=None, flavorName="vm.small"
    )
    identity, ours = KIND.create(context(), inputs)
    official = {
        "name": "records", "imageId": "debian", "imageName": "debian-12", "flavorId": "small",
        "flavorName": "vm.small", "networks": [{**ours["networks"][0], "port": "", "accessNetwork": False}],
        "securityGroups": ["default"], "powerState": "active", "stopBeforeDestroy": False,
        "forceDelete": False, "userData": hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest(),
        "availabilityZone": "nova", "hypervisorHostname": "hv1.example", "allMetadata": {}, "allTags": [],
    }  # fmt: skip
    assert differing(official, inputs) == {}
    assert differing(KIND.read(context(), identity, official) or {}, inputs) == {}
    placed = checked(schedulerHints=[{"queries": ["x"]}], networkMode="auto", networks=None, userData=SCRIPT)
    assert differing(official, placed) == {}


def test_hints_go_beside_the_server_as_nova_calls_them() -> None:
    hint = {
        "group": "g", "differentHosts": ["s"], "queries": [], "buildNearHostIp": "192.0.2.0/24",
        "additionalProperties": {"rack": "1"},
    }  # fmt: skip
    assert beside(SERVER, {"schedulerHints": [hint]}) == {
        KEY: {
            "rack": "1", "group": "g", "different_host": ["s"], "build_near_host_ip": "192.0.2.0",
            "cidr": "/24",
        }
    }  # fmt: skip
    assert beside(SERVER, {"schedulerHints": [{}]}) == {}


def test_an_answer_that_was_lost_is_looked_for_until_it_shows(
    context: Contexts, ground: FakeOpenStack
) -> None:
    looks: list[str] = []
    listed = ground._answer

    def late(*call: Any) -> Any:
        status, answer = listed(*call)
        if call[1:3] == ("GET", "/servers/detail"):
            looks.append(call[2])
            if len(looks) < 4:
                return 200, {"servers": []}
        if call[1:3] == ("POST", "/servers"):
            raise Unavailable("the answer was cut off")
        return status, answer

    ground._answer = late  # type: ignore[assignment, method-assign]
    identity, _ = KIND.create(context(seconds=30), checked())
    assert list(ground.kind("servers")) == [identity]


class TestAServerThatNobodyWorksOn:
    """A broker or a conductor that was killed took the message with it, or the hypervisor failed while the
    database was away.
    """

    @pytest.mark.parametrize("task", ["scheduling", None])
    def test_is_made_anew(self, ground: FakeOpenStack, context: Contexts, task: str | None) -> None:
        ground.lost_boots, ground.lost_in = 1, task
        identity, state = made(context(seconds=1800.0))
        assert list(ground.kind("servers")) == [identity]
        assert state["powerState"] == "active"

    def test_of_an_interrupted_run_is_made_anew_too(self, ground: FakeOpenStack, context: Contexts) -> None:
        ground.lost_boots = 1
        with pytest.raises(WaitedTooLong, match="scheduling"):
            made(context(seconds=30.0))
        (lost,) = ground.kind("servers")
        identity, _ = made(context(seconds=1800.0))
        assert list(ground.kind("servers")) == [identity] != [lost]

    def test_is_tried_as_long_as_there_is_time(self, ground: FakeOpenStack, context: Contexts) -> None:
        ground.lost_boots = 100
        with pytest.raises(WaitedTooLong, match="scheduling"):
            made(context(seconds=1800.0))
        assert len(ground.kind("servers")) == 1
        assert ground.lost_boots == 95  # after 60, 180, 420 and 900 seconds the next

    def test_is_left_to_the_host_that_has_it(self, ground: FakeOpenStack, context: Contexts) -> None:
        ground.lost_boots = 1
        with pytest.raises(WaitedTooLong):
            made(context(seconds=30.0))
        (server,) = ground.kind("servers").values()
        server["OS-EXT-STS:task_state"] = "spawning"
        with pytest.raises(WaitedTooLong, match="spawning"):
            made(context(seconds=1800.0))
        assert list(ground.kind("servers")) == [server["id"]]

    def test_has_its_time_anew_when_a_host_took_it(self, ground: FakeOpenStack, context: Contexts) -> None:
        ground.lost_boots = 1
        one, passed = context(seconds=1800.0), 0.0
        pause = one.deadline.pause

        def later(seconds: float) -> None:
            nonlocal passed
            passed += seconds
            (server,) = ground.kind("servers").values()
            if passed > 90:
                server.update({"status": "ACTIVE", "OS-EXT-STS:task_state": None})
            elif passed > 45:
                server["OS-EXT-STS:task_state"] = None
            pause(seconds)

        one.deadline.pause = later
        made(one)
        assert ground.called("POST", "^/servers$") == 1


def test_a_container_is_never_resized_as_that_would_lose_its_disk(
    ground: FakeOpenStack, context: Contexts
) -> None:
    ground.kind("flavors")["small"]["extra_specs"] = {"capabilities:hypervisor_type": "<or> LXC <or> lxc"}
    identity, state = made(context(), flavorId="small")
    before = dict(ground.kind("servers")[identity])
    with pytest.raises(WentWrong, match="make its disk anew"):
        KIND.update(context(), identity, state, checked(flavorId="big"), {"flavorId"})
    assert ground.kind("servers")[identity] == before

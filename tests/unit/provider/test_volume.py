"""Volumes, their types and QoS specs, and what they are attached to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud.errors import Conflict, NotFound, Refused, Unavailable, WaitedTooLong, WentWrong
from infra.provider.registry import resource
from infra.provider.resource import Context, ImportRefused, NotOurs, Resource
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
OTHER = "pulumi:" + "b" * 24
THIRD = "pulumi:" + "d" * 24


def kind(short: str) -> Resource:
    module, _, name = short.partition("/")
    return resource(f"openstack:{module}/{name[0].lower()}{name[1:]}:{name}")


VOLUME = kind("blockstorage/Volume")
TYPE = kind("blockstorage/VolumeTypeV3")
QOS = kind("blockstorage/QosV3")


def checked(**inputs: Any) -> dict[str, Any]:
    good, failures = VOLUME.check({"name": "records", "size": 1, **inputs})
    assert not failures
    return good


def differing(state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, bool]:
    return {item.name: item.replaces for item in VOLUME.differences(state, inputs)}


def a_server(fake: FakeOpenStack) -> str:
    fake.kind("images")["image"] = {"id": "image", "name": "image"}
    fake.kind("flavors")["flavor"] = {"id": "flavor", "name": "small"}
    values = {"name": "s", "imageRef": "image", "flavorRef": "flavor", "networks": "none", "tags": []}
    _, made = fake.handle("compute", "POST", "/servers", {}, {"server": values})
    return str(made["server"]["id"])


@pytest.mark.parametrize(
    ("inputs", "path", "why"),
    [
        ({"sourceReplica": "v"}, "sourceReplica", "replication_enabled"),
        ({"snapshotId": "s", "imageId": "i"}, "imageId", "snapshotId or imageId"),
        ({"size": 0}, "size", "from 1"),
        ({"description": "x" * 256}, "description", "255"),
        ({"volumeRetypePolicy": "always"}, "volumeRetypePolicy", "on-demand"),
        ({"schedulerHints": [{}, {}]}, "schedulerHints[1]", "one set"),
        ({"metadata": {"a": "x" * 256}}, "metadata", "255"),
    ],
)
def test_what_cannot_be_is_said_with_its_path(inputs: dict[str, Any], path: str, why: str) -> None:
    assert why in dict(VOLUME.check({"size": 1, **inputs})[1])[path]


class TestVolume:
    def test_it_grows_in_place_and_shrinks_by_a_replacement(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = VOLUME.create(context(), checked(size=2))
        assert differing(state, checked(size=3)) == {"size": False}
        assert differing(state, checked(size=1)) == {"size": True}
        assert VOLUME.update(context(), identity, state, checked(size=3), {"size"})["size"] == 3

    def test_an_attached_one_grows_only_where_the_program_says_so(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = VOLUME.create(context(), checked())
        kind("compute/VolumeAttach").create(context(), {"instanceId": a_server(fake), "volumeId": identity})
        with pytest.raises(Refused, match="enableOnlineResize"):
            VOLUME.update(context(), identity, state, checked(size=2), {"size"})
        wanted = checked(size=2, enableOnlineResize=True)
        assert VOLUME.update(context(), identity, state, wanted, {"size"})["size"] == 2

    def test_an_interrupted_create_is_taken_over_and_brought_up_to_date(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        first, _ = VOLUME.create(context(), checked())
        again, state = VOLUME.create(context(), checked(metadata={"a": "b"}))
        assert (again, state["metadata"]) == (first, {"a": "b"})
        assert VOLUME.create(context(), checked(metadata={"a": "b"}))[0] == first
        assert len(fake.kind("volumes")) == 1

    def test_one_that_ended_in_an_error_is_told_in_cinders_words_and_removed(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        made = fake._answer

        def fail(*call: Any) -> Any:
            status, answer = made(*call)
            if call[1:3] == ("POST", "/volumes"):
                fake.kind("volumes")[answer["volume"]["id"]]["status"] = "error"
            return status, answer

        fake._answer = fail  # type: ignore[assignment, method-assign]
        fake.kind("messages")["m"] = {"user_message": "Could not find any available weighted backend."}
        with pytest.raises(WentWrong, match="any available weighted backend"):
            VOLUME.create(context(), checked())
        assert not fake.kind("volumes")

    def test_what_cinder_writes_into_metadata_is_no_difference(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = VOLUME.create(context(), checked(metadata={"a": "b"}))
        fake.kind("volumes")[identity]["metadata"].update({"readonly": "False", "attached_mode": "rw"})
        assert differing(VOLUME.read(context(), identity, state) or {}, checked(metadata={"a": "b"})) == {}
        assert differing(VOLUME.read(context(), identity, state) or {}, checked()) == {}

    def test_a_source_that_is_gone_or_no_longer_named_is_no_difference(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        fake.kind("images")["image"] = {"id": "image", "name": "image"}
        identity, state = VOLUME.create(context(), checked(imageId="image"))
        del fake.kind("images")["image"]
        for known in (state, {}):
            after = VOLUME.read(context(), identity, known) or {}
            assert differing(after, checked(imageId="image")) == {}
            assert differing(after, checked()) == {}
            assert differing(after, checked(imageId="other")) == {"imageId": True}

    def test_its_type_changes_in_place_by_name_or_id(self, context: Contexts, fake: FakeOpenStack) -> None:
        fast, _ = TYPE.create(context(), {"name": "fast", "isPublic": True})
        identity, state = VOLUME.create(context(), checked())
        wanted = checked(volumeType=fast, volumeRetypePolicy="On-Demand")
        assert differing(state, wanted) == {"volumeType": False, "volumeRetypePolicy": False}
        after = VOLUME.update(context(), identity, state, wanted, {"volumeType"})
        assert fake.kind("volumes")[identity]["volume_type"] == "fast"
        assert differing(VOLUME.read(context(), identity, after) or {}, wanted) == {}
        with pytest.raises(NotFound, match="no volume type slow"):
            VOLUME.update(context(), identity, after, checked(volumeType="slow"), {"volumeType"})

    def test_a_retype_that_cinder_gave_up_is_told(self, context: Contexts, fake: FakeOpenStack) -> None:
        TYPE.create(context(), {"name": "fast", "isPublic": True})
        identity, state = VOLUME.create(context(), checked())
        fake.kind("volumes")[identity]["status"] = "available"
        act = fake._answer

        def keep(*call: Any) -> Any:
            if call[2].endswith("/action"):
                return 202, None
            return act(*call)

        fake._answer = keep  # type: ignore[assignment, method-assign]
        with pytest.raises(WentWrong, match=r"kept its type __DEFAULT__.*on-demand"):
            VOLUME.update(context(), identity, state, checked(volumeType="fast"), {"volumeType"})
        with pytest.raises(WentWrong, match="kept its 1 GB"):
            VOLUME.update(context(), identity, state, checked(size=2), {"size"})

    def test_it_comes_off_its_server_before_it_goes(self, context: Contexts, fake: FakeOpenStack) -> None:
        identity, state = VOLUME.create(context(), checked())
        attach = {"instanceId": a_server(fake), "volumeId": identity}
        kind("compute/VolumeAttach").create(context(), attach)
        VOLUME.delete(context(), identity, state)
        assert not fake.kind("volumes")
        VOLUME.delete(context(), identity, state)

    def test_one_that_cinder_does_not_delete_says_why(self, context: Contexts, fake: FakeOpenStack) -> None:
        identity, state = VOLUME.create(context(), checked())
        fake.fail("DELETE", f"/volumes/{identity}", 400, "Volume still has 1 dependent snapshots.")
        with pytest.raises(
            Refused, match=r"is available and cinder does not delete it .* 1 dependent snapshots"
        ):
            VOLUME.delete(context(), identity, state)

    def test_a_wait_that_is_over_says_what_it_waited_for(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, _ = VOLUME.create(context(), checked())
        fake.kind("volumes")[identity]["status"] = "creating"
        with pytest.raises(
            WaitedTooLong, match=r"waited 5 s for volume .* to become available; it is creating"
        ):
            VOLUME.create(context(), checked())

    def test_a_state_of_the_official_provider_goes_on_without_a_change(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        inputs = checked(description="d", metadata={"a": "b"}, schedulerHints=[{"query": "q"}])
        identity, _ = VOLUME.create(context(), inputs)
        official = {
            "name": "records", "description": "d", "size": 1, "metadata": {"a": "b"},
            "availabilityZone": "nova", "volumeType": "__DEFAULT__", "volumeRetypePolicy": "never",
            "snapshotId": "", "sourceVolId": "", "backupId": "", "attachments": [],
        }  # fmt: skip
        assert differing(official, inputs) == {}
        assert differing(VOLUME.read(context(), identity, official) or {}, inputs) == {}


class TestTypes:
    def test_one_is_private_unless_the_program_says_otherwise(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = TYPE.create(context(), {"name": "fast", "description": "d"})
        assert (state["isPublic"], state["description"]) == (False, "d")
        assert "[pulumi:" in fake.kind("types")[identity]["description"]
        with pytest.raises(NotOurs, match="a volume type named fast exists already"):
            TYPE.create(context(OTHER), {"name": "fast"})

    def test_access_is_given_once_and_taken_back(self, context: Contexts, fake: FakeOpenStack) -> None:
        access = kind("blockstorage/VolumeTypeAccessV3")
        fast, _ = TYPE.create(context(), {"name": "fast"})
        inputs = {"volumeTypeId": fast, "projectId": "p"}
        identity, state = access.create(context(), inputs)
        assert identity == f"{fast}/p"
        assert access.create(context(), inputs)[0] == identity
        assert access.read(context(), identity, {}) == state
        access.delete(context(), identity, state)
        access.delete(context(), identity, state)
        assert access.read(context(), identity, state) is None
        with pytest.raises(ImportRefused, match="volumeTypeID/projectID"):
            access.read(context(), fast, {})
        TYPE.update(context(), fast, {}, {"name": "fast", "isPublic": True}, {"isPublic"})
        with pytest.raises(Conflict, match="not applicable to public"):
            access.create(context(), inputs)


class TestQos:
    def test_an_unfinished_one_of_ours_is_taken_over_and_nobody_elses(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        inputs = {"name": "gold", "consumer": "front-end", "specs": {"total_iops_sec": "500"}}
        identity, _ = QOS.create(context(), inputs)
        assert QOS.create(context(), inputs)[0] == identity
        with pytest.raises(NotOurs, match="QoS specs named gold exist already"):
            QOS.create(context(), {**inputs, "specs": {}})
        fast, _ = TYPE.create(context(), {"name": "fast"})
        kind("blockstorage/QosAssociationV3").create(context(), {"qosId": identity, "volumeTypeId": fast})
        with pytest.raises(NotOurs):
            QOS.create(context(), inputs)
        QOS.delete(context(), identity, {})
        assert fake.kind("types")[fast]["qos_specs_id"] is None

    def test_a_type_that_has_other_specs_is_left_alone(self, context: Contexts, fake: FakeOpenStack) -> None:
        on = kind("blockstorage/QosAssociationV3")
        gold, _ = QOS.create(context(), {"name": "gold"})
        iron, _ = QOS.create(context(), {"name": "iron"})
        fast, _ = TYPE.create(context(), {"name": "fast"})
        identity, state = on.create(context(), {"qosId": gold, "volumeTypeId": fast})
        with pytest.raises(Conflict, match="has QoS specs already"):
            on.create(context(), {"qosId": iron, "volumeTypeId": fast})
        on.delete(context(), f"{iron}/{fast}", {})
        assert on.read(context(), identity, {}) == state
        with pytest.raises(ImportRefused, match="qosID/volumeTypeID"):
            on.read(context(), gold, {})

    def test_a_read_after_an_association_sees_it(self, context: Contexts, fake: FakeOpenStack) -> None:
        on = kind("blockstorage/QosAssociationV3")
        gold, _ = QOS.create(context(), {"name": "gold"})
        types = [TYPE.create(context(f"pulumi:{n:024x}"), {"name": f"t{n}"})[0] for n in range(4)]
        for one in types:
            assert on.read(context(), f"{gold}/{one}", {}) is None
        identity, state = on.create(context(), {"qosId": gold, "volumeTypeId": types[3]})
        assert on.read(context(), identity, {}) == state


class TestAttachments:
    def test_a_volume_is_on_a_server_once(self, context: Contexts, fake: FakeOpenStack) -> None:
        attach = kind("compute/VolumeAttach")
        volume, _ = VOLUME.create(context(), checked())
        inputs = {"instanceId": a_server(fake), "volumeId": volume, "tag": "data", "device": "/dev/vdz"}
        identity, state = attach.create(context(), inputs)
        assert identity == f"{inputs['instanceId']}/{volume}"
        assert attach.create(context(), inputs)[0] == identity
        assert state["device"] == "/dev/vdb"
        assert attach.differences(state, inputs) == []
        imported = attach.read(context(), identity, {}) or {}
        assert imported["tag"] == "data"
        with pytest.raises(ImportRefused, match="instanceID/volumeID"):
            attach.read(context(), volume, {})
        with pytest.raises(Refused, match="not available"):
            attach.create(context(OTHER), {"instanceId": a_server(fake), "volumeId": volume})
        attach.delete(context(), identity, state)
        attach.delete(context(), identity, state)
        assert attach.read(context(), identity, state) is None

    def test_a_volume_that_came_off_again_is_told(self, context: Contexts, fake: FakeOpenStack) -> None:
        attach = kind("compute/VolumeAttach")
        volume, _ = VOLUME.create(context(), checked())
        server = a_server(fake)
        answer = fake._answer

        def lose(*call: Any) -> Any:
            if call[1] == "POST" and call[2].endswith("os-volume_attachments"):
                return 200, {"volumeAttachment": {"volumeId": volume}}
            return answer(*call)

        fake._answer = lose  # type: ignore[assignment, method-assign]
        with pytest.raises(WentWrong, match="could not be attached to server"):
            attach.create(context(), {"instanceId": server, "volumeId": volume})

    def test_a_guest_that_does_not_let_go_is_asked_again(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        attach = kind("compute/VolumeAttach")
        volume, _ = VOLUME.create(context(), checked())
        identity, state = attach.create(context(), {"instanceId": a_server(fake), "volumeId": volume})
        fake.fail("DELETE", "os-volume_attachments", 409, "the server is busy")
        attach.delete(context(), identity, state)
        assert fake.called("DELETE", "os-volume_attachments") == 2

    def test_a_host_is_told_how_to_reach_its_volume_in_secret(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        attach = kind("blockstorage/VolumeAttach")
        volume, _ = VOLUME.create(context(), checked())
        inputs = {"volumeId": volume, "hostName": "backup-1", "wwnn": "w", "wwpns": ["p"]}
        identity, state = attach.create(context(), inputs)
        assert attach.create(context(), inputs)[0] == identity
        assert "data" in attach.secrets
        assert (state["data"]["target_lun"], state["mountPointBase"]) == ("1", "/mnt")
        assert attach.read(context(), identity, state) == state
        imported = attach.read(context(), identity, {}) or {}
        assert attach.differences(imported, {**inputs, "attachMode": "ro"}) == []
        with pytest.raises(ImportRefused, match="volumeID/attachmentID"):
            attach.read(context(), volume, {})
        attach.delete(context(), identity, state)
        attach.delete(context(), identity, state)
        assert attach.read(context(), identity, state) is None


class TestInterfaces:
    def test_exactly_one_of_port_and_network_is_given(self) -> None:
        attach = kind("compute/InterfaceAttach")
        both = {"instanceId": "s", "portId": "p", "networkId": "n", "fixedIp": "10.0.0.9"}
        assert {path for path, _ in attach.check(both)[1]} == {"portId", "fixedIp"}
        assert {path for path, _ in attach.check({"instanceId": "s"})[1]} == {"portId"}

    def test_a_port_of_somebody_elses_server_is_refused_and_a_busy_server_asked_again(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        attach = kind("compute/InterfaceAttach")
        _, network = fake.handle("network", "POST", "/networks", {}, {"network": {"name": "n"}})
        values = {"network_id": network["network"]["id"]}
        _, port = fake.handle("network", "POST", "/ports", {}, {"port": values})
        inputs = {"instanceId": a_server(fake), "portId": port["port"]["id"]}
        identity, state = attach.create(context(), inputs)
        assert attach.create(context(), inputs)[0] == identity
        with pytest.raises(Refused, match="still in use"):
            attach.create(context(OTHER), {**inputs, "instanceId": a_server(fake)})
        fake.fail("DELETE", "os-interface", 409, "the server is busy")
        attach.delete(context(), identity, state)
        assert attach.read(context(), identity, state) is None
        with pytest.raises(ImportRefused, match="instanceID/portID"):
            attach.read(context(), "s", {})

    def test_a_hypervisor_without_device_tags_gets_none(self, context: Contexts, fake: FakeOpenStack) -> None:
        attach = kind("compute/InterfaceAttach")
        _, network = fake.handle("network", "POST", "/networks", {}, {"network": {"name": "n"}})
        fake.fail("POST", "os-interface", 400, "Attaching tagged network interfaces is not supported")
        inputs = {"instanceId": a_server(fake), "networkId": network["network"]["id"]}
        assert attach.create(context(), inputs)[0]

    def test_a_lost_answer_doubles_no_port(self, context: Contexts, fake: FakeOpenStack) -> None:
        attach = kind("compute/InterfaceAttach")
        _, network = fake.handle("network", "POST", "/networks", {}, {"network": {"name": "n"}})
        answer = fake._answer

        def lose(*call: Any) -> Any:
            status, told = answer(*call)
            if call[1] == "POST" and call[2].endswith("os-interface"):
                raise Unavailable("the answer was cut off")
            return status, told

        fake._answer = lose  # type: ignore[assignment, method-assign]
        attach.create(context(THIRD), {"instanceId": a_server(fake), "networkId": network["network"]["id"]})
        assert len(fake.kind("ports")) == 1

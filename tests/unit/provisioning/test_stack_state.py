"""What a state says is there, without its secrets."""

from __future__ import annotations

from typing import Any

import pytest

from infra.provisioning.stack_state import HIDDEN, resources_of, revealed

MARK = "4dabf18193072939515e22adb298388d"
SECRET = {MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "hunter2"}
FILE = {MARK: "c44067f5952c0a294b673a41bacd8c17", "hash": "abc"}
VOLUME = {
    "urn": "urn:pulumi:lab::zone::openstack:blockstorage/volume:Volume::data",
    "type": "openstack:blockstorage/volume:Volume", "id": "v-1", "custom": True,
    "inputs": {"size": 1, "key": SECRET}, "outputs": {"size": 1, "list": [SECRET]},
}  # fmt: skip


def resource(**change: Any) -> Any:
    return resources_of({"resources": [{**VOLUME, **change}]})[0]


def test_a_resource_is_read_with_its_name_and_values() -> None:
    one = resource(provider="urn::id", parent="urn:parent")
    assert (one.name, one.id, one.provider, one.parent) == ("data", "v-1", "urn::id", "urn:parent")
    assert one.inputs == {"size": 1, "key": HIDDEN}
    assert (one.imported, one.protected, one.external) == (False, False, False)


@pytest.mark.parametrize(
    ("told", "attribute"), [("importID", "imported"), ("protect", "protected"), ("external", "external")]
)
def test_what_a_state_marks_is_marked(told: str, attribute: str) -> None:
    assert getattr(resource(**{told: "v-1"}), attribute) is True


def test_a_secret_is_never_revealed() -> None:
    assert "hunter2" not in repr(resource())
    assert revealed([SECRET, {"a": {"b": SECRET}}]) == [HIDDEN, {"a": {"b": HIDDEN}}]
    assert repr(HIDDEN) == "[secret]"
    assert revealed("hidden") != HIDDEN


def test_a_file_is_known_by_its_hash() -> None:
    assert revealed({"source": FILE}) == {"source": {"hash": "abc"}}


@pytest.mark.parametrize(
    ("change", "managed"),
    [({}, True), ({"id": ""}, False), ({"external": True}, False), ({"type": "pulumi:pulumi:Stack"}, False)],
)
def test_only_what_the_stack_made_is_its_own(change: dict[str, Any], managed: bool) -> None:
    assert resource(**change).managed is managed


def test_what_is_left_over_of_a_replacement_is_told_on_request() -> None:
    deployment = {"resources": [VOLUME, {**VOLUME, "id": "v-0", "delete": True}]}
    assert [one.id for one in resources_of(deployment)] == ["v-1"]
    assert [one.id for one in resources_of(deployment, left_over=True)] == ["v-1", "v-0"]


@pytest.mark.parametrize("deployment", [{}, {"resources": None}, {"resources": []}])
def test_a_state_of_nothing_has_no_resources(deployment: dict[str, Any]) -> None:
    assert resources_of(deployment) == ()

"""adopted.yaml: each thing once, for an agency that there is, with values that a program can be given."""

from __future__ import annotations

import pytest

from .conftest import Folder

FILE = "adopted.yaml"
NETWORK = "openstack:networking/network:Network"


def resource(
    name: str = "net", identity: str = "n-1", inputs: str = "{mtu: 1400}", kind: str = NETWORK
) -> str:
    return f"{{type: '{kind}', name: '{name}', id: '{identity}', inputs: {inputs}}}"


def adopted(*resources: str, code: str = "sotc", properties: str = "[]") -> str:
    return f"  {code}:\n    resources: [{', '.join(resources)}]\n    properties: {properties}\n"


def test_without_the_file_nobody_adopted_anything(lab: Folder) -> None:
    assert not any(agency.adopted for agency in lab.load().agencies)


def test_an_agency_has_what_it_adopted_and_no_other(lab: Folder) -> None:
    given = f"[{{type: '{NETWORK}', name: network, values: {{mtu: 1300, tags: null}}}}]"
    lab.write(FILE, "agencies:\n" + adopted(resource(), resource("b", "", "{}"), properties=given))
    agencies = {one.code: one.adopted for one in lab.load().agencies}
    assert [(one.name, one.id, one.inputs) for one in agencies["sotc"].resources] == [
        ("net", "n-1", {"mtu": 1400}), ("b", "", {}),
    ]  # fmt: skip
    assert agencies["sotc"].properties[0].values == {"mtu": 1300, "tags": None}
    assert not agencies["sonv"]


@pytest.mark.parametrize(
    ("text", "key", "why", "way_out"),
    [
        ("agencies: []", "agencies", "must be a mapping", "key: value"),
        ("agency: {}", "agency", "is not a known key", "agencies"),
        ("agencies:\n" + adopted(code="sotcc"), "agencies.sotcc", "not the code of an agency", "sotc"),
        (
            "agencies:\n" + adopted(resource(kind="Network")),
            "agencies.sotc.resources[0].type", "is not a resource type", "openstack:networking/",
        ),
        (
            "agencies:\n" + adopted(resource(kind="aws:ec2/instance:Instance")),
            "agencies.sotc.resources[0].type", "is not a resource type", "openstack:networking/",
        ),
        (
            "agencies:\n" + adopted(resource(name="")),
            "agencies.sotc.resources[0].name", "is empty", "one plain line",
        ),
        (
            "agencies:\n" + adopted(resource(identity="x" * 601)),
            "agencies.sotc.resources[0].id", "600", "",
        ),
        (
            "agencies:\n" + adopted(resource(inputs="[]")),
            "agencies.sotc.resources[0].inputs", "must be a mapping", "key: value",
        ),
        (
            "agencies:\n" + adopted(resource(inputs="{expiresAt: 2026-01-01}")),
            "agencies.sotc.resources[0].inputs", "2026-01-01 at expiresAt", "in quotes",
        ),
        (
            "agencies:\n" + adopted(resource(inputs="{deep: [{at: 2026-01-01 10:00:00}]}")),
            "agencies.sotc.resources[0].inputs", "at deep", "in quotes",
        ),
        (
            "agencies:\n" + adopted(resource(inputs="{size: .nan}")),
            "agencies.sotc.resources[0].inputs", "nan at size", "a number",
        ),
        (
            "agencies:\n" + adopted(properties=f"[{{type: '{NETWORK}', name: network, values: {{}}}}]"),
            "agencies.sotc.properties[0].values", "at least 1", "add",
        ),
        (
            "agencies:\n" + adopted(resource(), resource(identity="n-2")),
            "agencies.sotc.resources[1].name", "stands twice", "keep one of the two, or rename it",
        ),
        (
            "agencies:\n" + adopted(resource(), resource("other")),
            "agencies.sotc.resources[1].id", "already adopted as agencies.sotc.resources[0]", "keep one",
        ),
        (
            "agencies:\n" + adopted(resource()) + adopted(resource(), code="sonv"),
            "agencies.sonv.resources[0].id", "already adopted as agencies.sotc.resources[0]", "keep one",
        ),
    ],
)  # fmt: skip
def test_a_wrong_file_says_where_what_and_the_way_out(
    lab: Folder, text: str, key: str, why: str, way_out: str
) -> None:
    lab.write(FILE, text + "\n")
    found = [one for one in lab.problems() if one.key == key]
    assert len(found) == 1
    assert found[0].file.endswith(FILE)
    assert why in found[0].why
    assert way_out in found[0].way_out


def test_things_that_are_made_anew_have_no_id_to_share(lab: Folder) -> None:
    lab.write(FILE, "agencies:\n" + adopted(resource("a", ""), resource("b", "")))
    assert len(next(one for one in lab.load().agencies if one.code == "sotc").adopted.resources) == 2


def test_one_name_may_be_of_two_types_and_of_a_resource_and_a_value(lab: Folder) -> None:
    router = resource(identity="r-1", kind="openstack:networking/router:Router")
    given = f"[{{type: '{NETWORK}', name: net, values: {{mtu: 1300}}}}]"
    lab.write(FILE, "agencies:\n" + adopted(resource(), router, properties=given))
    lab.load()


def test_everything_wrong_in_all_files_is_told_at_once(lab: Folder) -> None:
    lab.write(FILE, "agencies:\n" + adopted(resource(kind="Network"), resource(name="")))
    lab.write("operators.yaml", "operators: an\n")
    lab.write("policies.yaml", "closed_ports: [0]\n")
    assert {one.key for one in lab.problems()} == {
        "agencies.sotc.resources[0].type", "agencies.sotc.resources[1].name", "operators", "closed_ports[0]",
    }  # fmt: skip

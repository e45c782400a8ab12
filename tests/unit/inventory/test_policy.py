"""policies.yaml: what is left out holds by default, and what is wrong is told with its place."""

from __future__ import annotations

import datetime as dt

import pytest

from infra.domain.opening import OpeningPolicy
from infra.domain.policy import RULES, Exemption, MetadataRule, NameRule, Policies

from .conftest import Folder

FILE = "policies.yaml"
TYPE = "openstack:compute/instance:Instance"
EXEMPT = "policy: names, agency: sotc, resource: web, reason: a trial, who: an, until: 2026-12-31"


def exempt(old: str, new: str) -> str:
    assert old in EXEMPT
    return f"exemptions: [{{{EXEMPT.replace(old, new)}}}]"


def test_without_the_file_the_defaults_hold(lab: Folder) -> None:
    policies = lab.load().policies
    assert policies == Policies()
    assert (policies.closed_ports, policies.encryption_from_level) == ((22,), 3)


def test_what_is_left_out_holds_by_default(lab: Folder) -> None:
    lab.write(FILE, "closed_ports: [22, 3389]\n")
    assert lab.load().policies == Policies(closed_ports=(22, 3389))


def test_everything_that_can_be_said_is_read(lab: Folder) -> None:
    lab.write(
        FILE,
        f"closed_ports: []\nencryption: {{from_level: 2, volume_types: [luks]}}\n"
        f"names: [{{type: '{TYPE}', pattern: '[a-z]+'}}]\n"
        f"required_metadata: [{{type: '{TYPE}', keys: [owner]}}]\nexemptions: [{{{EXEMPT}}}]\n",
    )
    assert lab.load().policies == Policies(
        (), 2, ("luks",), (NameRule(TYPE, "[a-z]+"),), (MetadataRule(TYPE, ("owner",)),),
        (Exemption("names", "sotc", "web", "a trial", "an", dt.date(2026, 12, 31)),),
    )  # fmt: skip


@pytest.mark.parametrize("policy", RULES)
@pytest.mark.parametrize("agency", ["'*'", "''", "sotc"])
def test_each_policy_can_be_exempted_for_one_for_all_or_for_the_platform(
    lab: Folder, policy: str, agency: str
) -> None:
    lab.write(FILE, exempt("policy: names, agency: sotc", f"policy: {policy}, agency: {agency}"))
    assert lab.load().policies.exemptions[0].policy == policy


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("closed_ports: [0]", "closed_ports[0]", "must be at least 1"),
        ("closed_ports: [65536]", "closed_ports[0]", "must be at most 65535"),
        ("closed_ports: ['22']", "closed_ports[0]", "must be a whole number"),
        ("closed_ports: 22", "closed_ports", "must be a list"),
        ("closed_port: [22]", "closed_port", "is not a known key"),
        ("encryption: {from_level: 6, volume_types: []}", "encryption.from_level", "must be at most 5"),
        ("encryption: {from_level: 3}", "encryption.volume_types", "is missing"),
        ("names: [{type: Instance, pattern: a}]", "names[0].type", "is not a resource type"),
        (f"names: [{{type: '{TYPE}', pattern: '['}}]", "names[0].pattern", "is not a regular expression"),
        (f"names: [{{type: '{TYPE}', pattern: '[[a]'}}]", "names[0].pattern", "is not a regular expression"),
        (
            f"names: [{{type: '{TYPE}', pattern: 'a{{99999999999}}'}}]",
            "names[0].pattern",
            "is not a regular expression",
        ),
        (
            f"names: [{{type: '{TYPE}', pattern: '{'(' * 5000}{')' * 5000}'}}]",
            "names[0].pattern",
            "longer than 200 characters",
        ),
        (f"required_metadata: [{{type: '{TYPE}', keys: []}}]", "required_metadata[0].keys", "at least 1"),
        (exempt("names", "nothing"), "exemptions[0].policy", "is not a known value"),
        (exempt("sotc", "'a b'"), "exemptions[0].agency", "is no agency"),
        (exempt("sotc", "'so*'"), "exemptions[0].agency", "is no agency"),
        (exempt("sotc", "sotcc"), "exemptions[0].agency", "is not the code of an agency"),
        (exempt(", reason: a trial", ""), "exemptions[0].reason", "is missing"),
        (exempt("a trial", "''"), "exemptions[0].reason", "is empty"),
        (exempt(", who: an", ""), "exemptions[0].who", "is missing"),
        (exempt(", until: 2026-12-31", ""), "exemptions[0].until", "is missing"),
        (exempt("2026-12-31", "'2026-12-31'"), "exemptions[0].until", "date"),
        (exempt("2026-12-31", "2026-12-31 10:00:00"), "exemptions[0].until", "date"),
        (exempt("2026-12-31", "2026-02-30"), "exemptions[0].until", "is none"),
        (exempt("2026-12-31", "never"), "exemptions[0].until", "date"),
    ],
)
def test_a_wrong_file_says_where_what_and_the_way_out(lab: Folder, text: str, key: str, why: str) -> None:
    lab.write(FILE, text + "\n")
    problem = lab.problem()
    assert problem.file.endswith(FILE)
    assert problem.key == key
    assert why in problem.why


def test_what_people_may_open_and_keep_is_data_and_what_is_left_out_holds_by_default(lab: Folder) -> None:
    lab.write(
        FILE, "openings: {closed_to_everybody: [22], most: 2}\nsnapshots: 5\nremote_console_to_level: 0\n"
    )
    found = lab.load().policies
    assert found.openings == OpeningPolicy((22,), OpeningPolicy().closed_to_city, 2)
    assert (found.snapshots, found.remote_console_to_level) == (5, 0)
    lab.write(FILE, "openings: {closed_to_city: [0], most: 99}\nsnapshots: -1\n")
    assert {one.key for one in lab.problems()} == {"openings.closed_to_city[0]", "openings.most", "snapshots"}


def test_everything_wrong_is_told_at_once(lab: Folder) -> None:
    lab.write(FILE, f"closed_ports: [0, 22, 70000]\n{exempt('names', 'nothing')}\nname: x\n")
    assert {one.key for one in lab.problems()} == {
        "closed_ports[0]", "closed_ports[2]", "exemptions[0].policy", "name",
    }  # fmt: skip

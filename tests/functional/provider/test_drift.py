"""Drift with the real engine and the real provider: found, adopted, reverted, against a cloud in memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.domain.drift import PLATFORM, DriftReport, Finding
from infra.inventory import load
from infra.provisioning.adopted_file import AdoptionFailed
from infra.provisioning.adoption import Adoption, CannotAdopt
from infra.provisioning.drift import changed_stacks
from infra.provisioning.drift_revert import Reversal
from infra.provisioning.drift_scan import Scan, scan
from infra.provisioning.stack import Stacks
from tests.fakes.openstack import FakeOpenStack
from tests.functional.provider.conftest import ROOT, Place


class Unconfirmed(Exception):
    """Nobody has confirmed it."""


def refuse_unconfirmed(findings: Sequence[Finding]) -> None:
    raise Unconfirmed(", ".join(one.name for one in findings))


pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@dataclass
class Zone:
    """One agency that is up, and hands that change it behind the code's back."""

    place: Place
    stacks: Stacks
    agency: str
    folder: Path

    @property
    def fake(self) -> FakeOpenStack:
        return self.place.server.fake

    @property
    def cloud(self) -> Cloud:
        return connect(Credentials.from_environment(self.place.server.environment()))

    def states(self) -> dict[str, Any]:
        found = {code or PLATFORM: self.stacks.state(code) for code in ("", *self.stacks.zones())}
        return {code: state for code, state in found.items() if state}

    def scan(self) -> Scan:
        return scan(self.cloud, load(self.folder), self.states(), [self.agency])

    def report(self) -> DriftReport:
        return self.scan().report

    def project(self) -> str:
        return next(
            one["id"]
            for one in self.fake.kind("projects").values()
            if one["name"] == self.agency and not one.get("is_domain")
        )

    def group(self) -> str:
        held = self.fake.kind("security-groups").values()
        return next(str(one["id"]) for one in held if one["project_id"] == self.project())

    def hand_made(self, path: str, singular: str, values: dict[str, Any]) -> str:
        given = {singular: {"project_id": self.project(), **values}}
        status, body = self.fake.handle("network", "POST", path, {}, given)
        assert status == 201, body
        return str(body[singular]["id"])

    def open_rule(self) -> str:
        return self.hand_made(
            "/security-group-rules", "security_group_rule",
            {"security_group_id": self.group(), "direction": "ingress", "ethertype": "IPv4",
             "protocol": "tcp", "port_range_min": 3389, "port_range_max": 3389,
             "remote_ip_prefix": "203.0.113.0/24"},
        )  # fmt: skip

    def adopt(self, choose: Callable[[Finding], bool] = lambda finding: True) -> None:
        seen, inventory = self.scan(), load(self.folder)
        adoption = Adoption(self.cloud, self.folder, inventory.agencies, seen.states, seen.readings)
        adoption.adopt([one for one in seen.report.findings if choose(one)])

    def revert(self, confirm: Callable[[Sequence[Finding]], None] = refuse_unconfirmed) -> None:
        seen = self.scan()
        Reversal(self.cloud, self.stacks, seen.readings, confirm).revert(seen.report.findings)

    def up(self) -> dict[str, int]:
        """A run with the inventory as it is in its folder now."""
        with replace(self.place, inventory=load(self.folder)).stacks() as stacks:
            (result,) = stacks.zone_up([self.agency])
        return {op: count for op, count in result.changes.items() if op != "same"}


@pytest.fixture
def zone(place: Place, tmp_path: Path) -> Any:
    folder = tmp_path / "inventory"
    shutil.copytree(ROOT / "inventories" / "lab", folder)
    agency = place.inventory.agencies[0].code
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([agency])
        yield Zone(place, stacks, agency, folder)


def kinds(report: DriftReport) -> set[tuple[str, str]]:
    return {(finding.kind, finding.type.rpartition(":")[2]) for finding in report.findings}


def test_what_was_just_made_has_no_drift_and_costs_no_call_for_each_resource(zone: Zone) -> None:
    before = len(zone.fake.calls)
    report = zone.report()
    assert report.clean, report
    assert len(zone.fake.calls) - before < 60  # listings, whatever the number of agencies
    assert changed_stacks(zone.cloud, zone.states()) == frozenset()


def test_what_was_made_by_hand_is_found_adopted_and_lives_on_in_the_state(zone: Zone) -> None:
    rule = zone.open_rule()
    address = zone.hand_made(
        "/floatingips", "floatingip",
        {"floating_network_id": next(one["id"] for one in zone.fake.kind("networks").values()
                                     if one.get("router:external"))},
    )  # fmt: skip
    group = next(one["id"] for one in zone.fake.kind("groups").values() if one["name"] == "members")
    zone.fake.handle(
        "identity", "PUT", f"/projects/{zone.project()}/groups/{group}/roles/role-reader", {}, None
    )
    found = zone.report()
    assert kinds(found) == {
        ("foreign", "SecGroupRule"), ("foreign", "FloatingIp"), ("foreign", "RoleAssignment")
    }  # fmt: skip
    assert {one.identity for one in found.findings} >= {rule, address}
    assert "3389 from 203.0.113.0/24" in " ".join(one.sentence for one in found.findings)
    assert changed_stacks(zone.cloud, zone.states()) == frozenset()  # nothing of the state's own differs

    zone.adopt()
    assert zone.report().clean  # the code has it now
    text = (zone.folder / "adopted.yaml").read_text()
    assert "id_of: openstack:networking/secGroup:SecGroup::baseline" in text
    assert zone.up() == {"import": 3}
    assert zone.report().clean
    assert zone.up() == {}
    assert rule in zone.fake.kind("security-group-rules")

    # A zone that is made again from nothing has it too: nothing is there to import any more.
    zone.stacks.zone_destroy([zone.agency])
    assert rule not in zone.fake.kind("security-group-rules")
    again = zone.up()
    assert set(again) == {"create"}
    assert any(one["protocol"] == "tcp" and one["port_range_min"] == 3389
               for one in zone.fake.kind("security-group-rules").values())  # fmt: skip
    assert zone.report().clean


def test_what_was_made_by_hand_is_reverted_and_nothing_else_is_touched(zone: Zone) -> None:
    network = zone.hand_made("/networks", "network", {"name": "by hand"})
    subnet = zone.hand_made(
        "/subnets",
        "subnet",
        {"name": "by hand", "network_id": network, "cidr": "10.99.0.0/24", "ip_version": 4},
    )
    port = zone.hand_made("/ports", "port", {"name": "by hand", "network_id": network})
    zone.open_rule()
    assert kinds(zone.report()) == {
        ("foreign", kind) for kind in ("Network", "Subnet", "Port", "SecGroupRule")
    }
    with pytest.raises(Unconfirmed, match="by hand"):
        zone.revert()
    assert subnet in zone.fake.kind("subnets")
    confirmed: list[Finding] = []
    zone.revert(confirmed.extend)
    assert {one.identity for one in confirmed} == {network, subnet, port}  # a rule closes without a second
    assert zone.report().clean
    assert changed_stacks(zone.cloud, zone.states()) == frozenset()


def test_a_quota_changed_by_hand_becomes_the_agencys_own_and_no_comment_is_lost(zone: Zone) -> None:
    zone.fake.quotas["compute", zone.project()]["cores"] = 11
    zone.fake.quotas["network", zone.project()]["router"] = 3
    report = zone.report()
    assert kinds(report) == {("changed", "QuotaSetV2"), ("changed", "QuotaV2")}
    assert {(change.name, change.cloud) for one in report.findings for change in one.changes} == {
        ("cores", 11), ("router", 3)
    }  # fmt: skip
    assert changed_stacks(zone.cloud, zone.states()) == {zone.agency}

    before = (zone.folder / "agencies.yaml").read_text().splitlines()
    zone.adopt()
    after = (zone.folder / "agencies.yaml").read_text().splitlines()
    (added,) = set(after) - set(before)
    assert added.strip() == "quota: {cores: 11, routers: 3}"
    assert [line for line in after if line != added] == before
    assert zone.report().clean
    assert not (zone.folder / "adopted.yaml").exists()
    assert zone.up() == {"update": 2}
    assert zone.fake.quotas["compute", zone.project()]["cores"] == 11


def test_a_property_changed_by_hand_is_adopted_or_set_back(zone: Zone) -> None:
    network = next(one for one in zone.fake.kind("networks").values() if one["name"] == zone.agency)
    network["name"] = "renamed by hand"
    zone.revert()
    assert network["name"] == zone.agency
    assert zone.report().clean

    network["name"] = "renamed by hand"
    zone.adopt()
    assert "renamed by hand" in (zone.folder / "adopted.yaml").read_text()
    assert zone.report().clean
    assert zone.up() == {"update": 1}
    assert network["name"] == "renamed by hand"


def test_what_was_removed_by_hand_is_told_as_missing_and_put_back_by_itself(zone: Zone) -> None:
    rules = zone.fake.kind("security-group-rules")
    gone = [one["id"] for one in rules.values() if one["direction"] == "ingress"][:2]
    for identity in gone:
        del rules[identity]
    seen = zone.scan()
    assert kinds(seen.report) == {("missing", "SecGroupRule")}
    with pytest.raises(CannotAdopt, match="the program declares it"):
        zone.adopt()
    first, _ = seen.report.findings
    Reversal(zone.cloud, zone.stacks, seen.readings, refuse_unconfirmed).revert([first])
    (left,) = zone.report().findings
    assert left.name != first.name


def test_an_api_that_does_not_answer_leaves_the_stack_unread_and_never_clean(zone: Zone) -> None:
    for _ in range(12):
        zone.fake.fail("GET", "^/routers", 403, "not today")
    (stack,) = zone.report().stacks
    assert "not today" in stack.unread
    assert not stack.clean
    assert zone.agency in changed_stacks(zone.cloud, zone.states())


def test_what_would_make_the_inventory_invalid_is_not_adopted_and_the_files_stay(zone: Zone) -> None:
    zone.fake.quotas["compute", zone.project()]["cores"] = 10**6
    before = (zone.folder / "agencies.yaml").read_text()
    with pytest.raises(AdoptionFailed, match="cores"):
        zone.adopt()
    assert (zone.folder / "agencies.yaml").read_text() == before


def test_orphans_are_what_is_left_of_projects_and_servers_that_are_gone(zone: Zone) -> None:
    assert zone.report().orphans == ()
    zone.fake.kind("volumes")["v1"] = {
        "id": "v1", "name": "old data", "os-vol-tenant-attr:tenant_id": "long-gone",
        "created_at": "2026-01-02T03:04:05.000000", "attachments": [], "metadata": {},
    }  # fmt: skip
    zone.fake.kind("projects")["stray"] = {"id": "stray", "name": "stray", "is_domain": True, "enabled": True}
    zone.fake.kind("attachments")["a1"] = {"id": "a1", "instance": "no-server", "volume_id": "v1"}
    report = zone.report()
    assert not report.orphans_unread
    orphans = {orphan.kind: orphan for orphan in report.orphans}
    assert set(orphans) == {"volume", "domain", "volume attachment"}
    assert orphans["volume"].created_at == "2026-01-02T03:04:05+00:00"
    assert "its project long-gone is no longer in Keystone" in orphans["volume"].sentence

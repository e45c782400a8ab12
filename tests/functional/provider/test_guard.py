"""The guard around real runs: what loses data waits for a second person, what breaks a policy never runs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from infra.domain.agency import Agency
from infra.domain.policy import Exemption, MetadataRule, Policies
from infra.inventory import Inventory
from infra.provisioning.confirmation import ConfirmationRefused, Confirmations, PlanRefused
from infra.provisioning.signature import Signer
from infra.provisioning.stack import Stacks
from tests.functional.provider.conftest import Place
from tests.functional.provider.team import make_signer

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@dataclass(frozen=True)
class Team:
    """A place with two operators, whose first asks."""

    place: Place
    asks: Signer
    second: Signer

    @property
    def confirmations(self) -> Confirmations:
        site = self.place.inventory.site.site_name
        return Confirmations(self.place.site / "plans", site, self.place.inventory.operators, self.asks)

    def stacks(self, change: Callable[[Inventory], Inventory] = lambda same: same) -> Stacks:
        """As the first operator opens them, after an edit of the inventory."""
        return replace(self.place, inventory=change(self.place.inventory)).guarded(requester=self.asks)

    def confirm(self, refused: PlanRefused) -> None:
        self.confirmations.confirm(refused.digest, self.second)


@pytest.fixture
def team(place: Place, tmp_path: Path) -> Team:
    first, second = make_signer(tmp_path, "an"), make_signer(tmp_path, "binh")
    inventory = replace(place.inventory, operators=(first.operator, second.operator))
    return Team(replace(place, inventory=inventory), first, second)


def with_agency(code: str, change: Callable[[Agency], Agency]) -> Callable[[Inventory], Inventory]:
    def changed(inventory: Inventory) -> Inventory:
        agencies = tuple(change(one) if one.code == code else one for one in inventory.agencies)
        return replace(inventory, agencies=agencies)

    return changed


def without_servers(code: str) -> Callable[[Inventory], Inventory]:
    return with_agency(code, lambda agency: replace(agency, servers=()))


def rules(refused: PlanRefused) -> set[tuple[str, str, str]]:
    return {(one.operation, one.type.rpartition(":")[2], one.rule) for one in refused.findings}


def test_nothing_needs_a_second_person_from_nothing(team: Team, agency_with_servers: str) -> None:
    with team.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([agency_with_servers])
        assert stacks.zone_up([agency_with_servers], force=True)[0].changed == 0
    assert not (team.place.site / "plans").exists()


def test_what_loses_servers_runs_once_after_a_second_person_and_not_before(
    team: Team, agency_with_servers: str
) -> None:
    code, other = agency_with_servers, team.place.inventory.agencies[0].code
    fake = team.place.server.fake
    with team.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
    servers = [*fake.kind("servers")]

    with team.stacks(without_servers(code)) as stacks:
        (preview,) = stacks.zone_preview([code])
        with pytest.raises(PlanRefused, match=r"the server and what is on its own disk are lost") as refused:
            stacks.zone_up([code, other])
        assert ("delete", "Instance", "delete_loses") in rules(refused.value)
        assert ("delete", "FloatingIp", "delete_loses") in rules(refused.value)
        assert {one.urn for one in preview.findings} == {one.urn for one in refused.value.findings}
        assert [*fake.kind("servers")] == servers
        assert stacks.zones() == [code]  # the other agency's stack was not run either

        with pytest.raises(ConfirmationRefused, match="same person"):
            team.confirmations.confirm(refused.value.digest, team.asks)
        team.confirm(refused.value)
        stacks.zone_up([code, other])
        assert not fake.kind("servers")
        assert {code, other} == {*stacks.zones()}
    with team.stacks() as stacks:
        stacks.zone_up([code])
    with team.stacks(without_servers(code)) as stacks, pytest.raises(PlanRefused):
        stacks.zone_up([code, other])
    assert len(fake.kind("servers")) == len(servers)


def test_the_same_plan_has_the_same_digest_and_another_one_is_not_confirmed(
    team: Team, agency_with_servers: str
) -> None:
    code = agency_with_servers
    with team.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
    digests = []
    for change in (without_servers(code), without_servers(code)):
        with team.stacks(change) as stacks, pytest.raises(PlanRefused) as refused:
            stacks.zone_up([code])
        digests.append(refused.value.digest)
    assert digests[0] == digests[1]
    team.confirm(refused.value)

    def fewer(agency: Agency) -> Agency:
        return replace(agency, servers=(), quota=replace(agency.quota, volumes=agency.quota.volumes + 1))

    with team.stacks(with_agency(code, fewer)) as stacks, pytest.raises(PlanRefused) as changed:
        stacks.zone_up([code])
    assert changed.value.digest != digests[0]
    assert team.place.server.fake.kind("servers")


def test_what_somebody_put_into_the_project_since_is_another_plan(team: Team) -> None:
    code = team.place.inventory.agencies[0].code
    fake = team.place.server.fake
    with team.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
        with pytest.raises(PlanRefused) as before:
            stacks.zone_destroy([code])
        assert "project_not_empty" not in {one.rule for one in before.value.findings}
        team.confirm(before.value)

        projects = [one for one in fake.kind("projects").values() if one["name"] == code]
        project = next(one for one in projects if not one.get("is_domain"))
        fake.kind("floatingips")["hand-made"] = {
            "id": "hand-made", "project_id": project["id"], "floating_ip_address": "172.30.2.99",
        }  # fmt: skip
        with pytest.raises(PlanRefused, match=r"did not make: floating IP 172\.30\.2\.99") as after:
            stacks.zone_destroy([code])
        assert after.value.digest != before.value.digest
        del fake.kind("floatingips")["hand-made"]
        stacks.zone_destroy([code])
        assert stacks.zones() == []


def test_a_quota_below_what_is_used_is_told(team: Team, agency_with_servers: str) -> None:
    code = agency_with_servers
    with team.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])

    def poor(agency: Agency) -> Agency:
        return replace(agency, quota=replace(agency.quota, instances=1, gigabytes=agency.quota.gigabytes - 1))

    with team.stacks(with_agency(code, poor)) as stacks, pytest.raises(PlanRefused) as refused:
        stacks.zone_up([code])
    (found,) = refused.value.findings
    assert (found.rule, found.name) == ("quota_below_use", "compute")
    assert "limited to 1 while 2 are in use" in found.reason


def test_breaches_of_policies_are_told_at_once_with_the_dangers_and_nobody_confirms_them(
    team: Team, agency_with_servers: str
) -> None:
    code = agency_with_servers
    instance = "openstack:compute/instance:Instance"
    policies = Policies(required_metadata=(MetadataRule(instance, ("owner",)),))

    def strict(inventory: Inventory) -> Inventory:
        return replace(inventory, policies=policies)

    with replace(team.place, inventory=strict(team.place.inventory)).guarded(open_to=["0.0.0.0/0"]) as stacks:
        stacks.platform_up()
        with pytest.raises(PlanRefused, match="so nobody can confirm them") as refused:
            stacks.zone_up([code])
    assert {one.rule for one in refused.value.findings} == {"open_to_the_world", "required_metadata"}
    assert not any(one.confirmable for one in refused.value.findings)
    assert not refused.value.digest
    assert not team.place.server.fake.called("POST", "/servers")
    until = dt.date.today() + dt.timedelta(days=1)
    exempt = tuple(
        Exemption(policy, code, "*", "a trial", "an", until)
        for policy in ("open_to_the_world", "required_metadata")
    )
    inventory = replace(team.place.inventory, policies=replace(policies, exemptions=exempt))
    with replace(team.place, inventory=inventory).guarded(open_to=["0.0.0.0/0"]) as stacks:
        stacks.zone_up([code])


def test_a_site_without_operators_says_how_to_have_them_and_keeps_no_secret(place: Place) -> None:
    code = place.inventory.agencies[0].code
    with place.guarded() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
        with pytest.raises(PlanRefused, match=r"add operators\.yaml"):
            stacks.zone_destroy([code])
        assert stacks.zones() == [code]
    (file,) = (place.site / "plans").glob("*.json")
    kept = file.read_text(encoding="utf-8")
    assert "admin-password" not in kept
    assert json.loads(kept)["operation"] == "zone destroy"
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_an_imported_thing_is_not_deleted_by_the_first_up_after_its_import(team: Team) -> None:
    code = team.place.inventory.agencies[0].code
    fake = team.place.server.fake
    with team.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
        state = stacks._files.backend.checkpoint("landing_zone", f"lab-{code}")
        told = json.loads(state.read_text(encoding="utf-8"))
        group = next(
            one
            for one in told["checkpoint"]["latest"]["resources"]
            if one["urn"].endswith("SecGroup::baseline")
        )
        made = {**group, "urn": group["urn"].replace("baseline", "found"), "importID": group["id"]}
        told["checkpoint"]["latest"]["resources"].append(made)
        state.write_text(json.dumps(told), encoding="utf-8")
        with pytest.raises(PlanRefused, match="it was imported and no up has run since") as refused:
            stacks.zone_up([code])
        assert rules(refused.value) == {("delete", "SecGroup", "after_import")}
        assert fake.kind("security-groups")

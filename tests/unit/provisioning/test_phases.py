"""The stages of `up`: what they are, what they depend on, and what counts as a change."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import inventory as inventories
from infra.depot import BuildResult
from infra.errors import InventoryInvalid, Problem
from infra.provisioning import phases
from infra.provisioning.playbook_events import phase_names
from infra.provisioning.site import SiteContext, open_site
from infra.provisioning.stack_result import StackProgress
from infra.provisioning.tether import Tether
from infra.settings import Settings

LAB = Path(__file__).parents[3] / "inventories" / "lab"
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@dataclass
class Log:
    seen: list[str] = field(default_factory=list)

    def phase_started(self, phase: str) -> None:
        self.seen.append(f"{phase} started")

    def step(self, phase: str, text: str) -> None:
        self.seen.append(text)

    def phase_ended(self, phase: str, changed: int) -> None:
        self.seen.append(f"{phase} ended, {changed} changed")


@pytest.fixture
def site(tmp_path: Path) -> SiteContext:
    settings = Settings.from_environment({"CITYCLOUD_STATE": str(tmp_path / "state")})
    return open_site(settings, inventories.load(LAB), NOW)


@pytest.fixture
def tether() -> Tether:
    return Tether("r1")


def work(stage: phases.Stage) -> list[str]:
    log = Log()
    stage.work(list(stage.phases), log)
    return log.seen


def test_a_lab_goes_through_every_phase_in_order(site: SiteContext, tether: Tether) -> None:
    names = [name for stage in phases.stages(site, tether) for name in stage.phases]
    playbook = phase_names(phases.ansible_of(site).plays())
    assert names == [
        "inventory", "depot", "lab", "preflight", *playbook, "platform", "landing_zones", "maintenance",
        "verify",
    ]  # fmt: skip
    assert playbook == [
        "base", "journals", "database", "message_queue", "load_balancer", "network", "schemas", "identity",
        "services",
        "hypervisors", "watching", "monitoring", "keycloak", "portal",
    ]  # fmt: skip


def test_a_real_site_has_no_lab_phase(site: SiteContext, tether: Tether) -> None:
    real = replace(site, inventory=replace(site.inventory, lab=None))
    assert "lab" not in [name for stage in phases.stages(real, tether) for name in stage.phases]


def test_what_looks_behind_the_journals_back_is_a_gate(site: SiteContext, tether: Tether) -> None:
    gates = [stage.phases[0] for stage in phases.stages(site, tether) if stage.gate]
    assert gates == ["inventory", "depot", "lab", "preflight", "verify"]


def test_an_inventory_that_changed_since_the_run_began_is_refused(site: SiteContext) -> None:
    changed = replace(site, inventory=replace(site.inventory, content_digest="another"))
    assert work(phases.inventory_stage(site))[-1] == "inventory ended, 0 changed"
    with pytest.raises(InventoryInvalid, match="changed while the run began; run it again"):
        work(phases.inventory_stage(changed))


def test_a_labs_depot_is_built_and_counts_the_parts_that_were_made(
    site: SiteContext, tether: Tether, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*folders: Path, engine: Any, with_keycloak: bool) -> BuildResult:
        assert not with_keycloak
        folders[3]("apt", "done", 1.0)  # type: ignore[operator]
        return BuildResult({"apt": 1.0, "base": 2.0}, ("images",))

    monkeypatch.setattr(phases.depot, "build", build)
    assert work(phases.depot_stage(site, tether)) == ["depot started", "apt: done", "depot ended, 2 changed"]


def test_a_real_sites_depot_is_checked_and_never_built(
    site: SiteContext, tether: Tether, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phases.depot, "verify", lambda folder: 7)
    monkeypatch.setattr(phases.pulumi_engine, "ensure", lambda *_: Path("pulumi"))
    real = replace(site, inventory=replace(site.inventory, lab=None))
    assert "7 files are as their manifest says" in work(phases.depot_stage(real, tether))


@dataclass
class FakeLab:
    states: list[str]

    def status(self) -> Any:
        return SimpleNamespace(servers=[SimpleNamespace(name=s, state=s) for s in self.states])

    def create(self, tell: Callable[[str], None]) -> None:
        tell("made")


def lab_stage(site: SiteContext, monkeypatch: pytest.MonkeyPatch, *states: str) -> str:
    monkeypatch.setattr(phases.Lab, "of", lambda inventory, settings: FakeLab(list(states)))
    monkeypatch.setattr(phases.deploy_host, "examine", lambda inventory, settings: [])
    return work(phases.lab_stage(site))[-1]


def test_no_server_is_made_on_a_deploy_host_that_is_not_fit(
    site: SiteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    lab = FakeLab(["absent"])
    monkeypatch.setattr(lab, "create", made.append)
    monkeypatch.setattr(phases.Lab, "of", lambda inventory, settings: lab)
    problem = Problem("deploy host", "disk", "1 GiB free", "too small", "make room")
    monkeypatch.setattr(phases.deploy_host, "examine", lambda inventory, settings: [problem])
    with pytest.raises(phases.preflight.PreflightFailed, match="make room"):
        work(phases.lab_stage(site))
    assert made == []


def test_servers_that_did_not_run_are_changes(site: SiteContext, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab_stage(site, monkeypatch, "running", "stopped", "absent") == "lab ended, 2 changed"
    assert lab_stage(site, monkeypatch, "running", "running") == "lab ended, 0 changed"


def test_what_stacks_remember_goes_with_the_servers_disks_and_not_before(
    site: SiteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (site.paths.pulumi, site.paths.guests):
        folder.mkdir()
    lab_stage(site, monkeypatch, "stopped", "absent")
    assert site.paths.pulumi.exists()
    lab_stage(site, monkeypatch, "absent", "absent")
    assert not site.paths.pulumi.exists()
    assert not site.paths.guests.exists()


def test_preflight_lets_nobody_pass_with_a_problem(
    site: SiteContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem("hosts.yml", "hv1", "", "too small", "a larger one")
    report = phases.preflight.Report({}, (problem,))
    monkeypatch.setattr(phases.preflight, "examine", lambda inventory, settings: report)
    with pytest.raises(phases.preflight.PreflightFailed, match="too small"):
        work(phases.preflight_stage(site))


def test_the_playbooks_inputs_are_the_servers_with_their_keys_variables_and_secrets_and_not_the_agencies(
    site: SiteContext, tether: Tether, tmp_path: Path
) -> None:
    copy = tmp_path / "inventory"
    (copy / "group_vars").mkdir(parents=True)
    for name in ("hosts.yml", "agencies.yaml", "group_vars/all.yml"):
        (copy / name).write_bytes((LAB / name).read_bytes())
    site = replace(site, inventory=replace(site.inventory, path=copy))

    def digest() -> str:
        return phases.playbook_stage(site, tether).inputs("base")

    seen = [digest()]
    (copy / "agencies.yaml").write_text("changed")
    assert digest() == seen[0]
    for path in (copy / "hosts.yml", copy / "group_vars/all.yml", site.paths.secrets, site.paths.known_hosts):
        path.write_text("changed")
        seen.append(digest())
    assert len(set(seen)) == len(seen)


def test_the_depots_digest_is_of_its_files_and_not_of_their_dates(tmp_path: Path) -> None:
    def write(sha256: str, mtime: int) -> str:
        files = {"apt/a.deb": {"sha256": sha256, "size": 1, "mtime_ns": mtime, "part": "apt"}}
        (tmp_path / "manifest.json").write_text(json.dumps({"files": files, "parts": {}}))
        return phases.depot_digest(tmp_path)

    assert phases.depot_digest(tmp_path / "none") != write("aa", 1)
    assert write("aa", 1) == write("aa", 2)
    assert write("aa", 1) != write("bb", 1)


def test_progress_of_stacks_is_told_as_sentences() -> None:
    told: list[str] = []
    show = phases.shown_by(told.append)
    show(StackProgress("lab-soyt", "soyt", "finished", "21 create", 3, 35))
    assert told == ["3 of 35 stacks; lab-soyt: 21 create"]

"""How Ansible is run: isolated, with pinned keys, and without a secret where one could be read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.provisioning.playbook import LOGS_KEPT, Ansible, Playbook, PlaybookFailed
from infra.provisioning.secrets import Secrets, Vault
from infra.settings import SitePaths

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


class Listener:
    def phase_started(self, phase: str) -> None: ...

    def step(self, phase: str, text: str) -> None: ...

    def phase_ended(self, phase: str, changed: int) -> None: ...


@dataclass
class FakeRunner:
    """Stands for ansible_runner.run: feeds events, remembers its arguments and what it saw on disk."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rc: int | None = 0
    status: str = "successful"
    arguments: dict[str, Any] = field(default_factory=dict)
    kept: list[bool] = field(default_factory=list)

    def __call__(self, event_handler: Callable[[dict[str, Any]], bool], **arguments: Any) -> FakeRunner:
        self.arguments = arguments
        artifacts = Path(arguments["private_data_dir"]) / "artifacts"
        artifacts.mkdir()
        (artifacts / "event.json").write_text(json.dumps(self.events))
        self.kept = [event_handler(event) for event in self.events]
        return self


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "site.yml").write_text("- {name: 'Base: x', tags: [base], hosts: all}\n")
    password = tmp_path / "password"
    password.write_text("p\n")
    paths = SitePaths(tmp_path / "site")
    return Ansible(
        project_root=tmp_path,
        inventory=tmp_path / "inventory",
        paths=paths,
        vault=Vault(paths.secrets, password),
        variables={"site_dir": str(paths.directory)},
        search_path="/usr/bin",
    )


@pytest.fixture
def secrets(ansible: Ansible) -> Secrets:
    return ansible.vault.ensure("lab", ["nova"], ["ctl1"], NOW)


def run(ansible: Ansible, secrets: Secrets, runner: FakeRunner, phases: list[str] | None = None) -> int:
    return Playbook(ansible, secrets, runner).run(
        "r1", phases or ["base"], Listener(), {"CITYCLOUD_RUN": "r1"}
    )


def event(name: str, stdout: str = "", **data: Any) -> dict[str, Any]:
    return {"event": name, "stdout": stdout, "event_data": data}


def test_no_secret_is_in_arguments_or_environment(ansible: Ansible, secrets: Secrets) -> None:
    runner = FakeRunner()
    run(ansible, secrets, runner)
    text = repr(runner.arguments)
    assert secrets.redact(text) == text
    assert (
        f"-e @{ansible.vault.path} --vault-password-file {ansible.vault.password_file}"
        in runner.arguments["cmdline"]
    )


def test_the_log_is_redacted_and_private(ansible: Ansible, secrets: Secrets) -> None:
    run(ansible, secrets, FakeRunner([event("verbose", f"password is {secrets.admin_password}")]))
    log = ansible.paths.runner / "playbook-r1.log"
    assert log.read_text() == "password is [secret]\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_runner_keeps_no_events(ansible: Ansible, secrets: Secrets) -> None:
    runner = FakeRunner([event("verbose", "x")])
    run(ansible, secrets, runner)
    assert runner.kept == [False]
    assert not (ansible.paths.runner / "artifacts").exists()


def test_artifacts_of_a_run_that_failed_are_removed_too(ansible: Ansible, secrets: Secrets) -> None:
    with pytest.raises(PlaybookFailed):
        run(ansible, secrets, FakeRunner(rc=2))
    assert not (ansible.paths.runner / "artifacts").exists()


def test_a_failure_is_redacted_and_placed_within_the_project(ansible: Ansible, secrets: Secrets) -> None:
    failure = event(
        "runner_on_failed",
        host="ctl1",
        task="Start",
        task_path=f"{ansible.project_root}/playbooks/site.yml:7",
        res={"msg": f"bad password {secrets.admin_password}"},
    )
    with pytest.raises(
        PlaybookFailed, match=r"ctl1: Start \(playbooks/site.yml:7\): bad password \[secret\]"
    ) as e:
        run(ansible, secrets, FakeRunner([event("playbook_on_play_start", play="Base: x"), failure], rc=2))
    assert e.value.phase == "base"
    assert "full log: " in str(e.value)


def test_a_failure_before_any_task_shows_what_ansible_said(ansible: Ansible, secrets: Secrets) -> None:
    with pytest.raises(PlaybookFailed, match="ERROR! the role 'x' was not found"):
        run(ansible, secrets, FakeRunner([event("verbose", "ERROR! the role 'x' was not found")], rc=1))


def test_changes_are_returned(ansible: Ansible, secrets: Secrets) -> None:
    events = [
        event("playbook_on_play_start", play="Base: x"),
        event("playbook_on_stats", changed={"ctl1": 4}),
    ]
    assert run(ansible, secrets, FakeRunner(events)) == 4


def test_only_the_phases_asked_for_are_run(ansible: Ansible, secrets: Secrets) -> None:
    runner = FakeRunner()
    run(ansible, secrets, runner, ["base", "database"])
    assert runner.arguments["cmdline"].endswith("--tags base,database")


def test_children_are_marked_for_the_tether(ansible: Ansible, secrets: Secrets) -> None:
    runner = FakeRunner()
    run(ansible, secrets, runner)
    assert runner.arguments["envvars"]["CITYCLOUD_RUN"] == "r1"


def test_host_keys_are_pinned_and_settings_of_the_person_are_ignored(ansible: Ansible) -> None:
    environment = ansible.environment()
    ssh = environment["ANSIBLE_SSH_ARGS"]
    assert ssh.startswith("-F none ")
    assert "StrictHostKeyChecking=yes" in ssh
    assert f"UserKnownHostsFile={ansible.paths.known_hosts}" in ssh
    assert environment["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert environment["ANSIBLE_CONFIG"] == str(ansible.paths.runner / "ansible.cfg")
    assert environment["ANSIBLE_PRIVATE_KEY_FILE"] == str(ansible.paths.ssh_key)


def test_mitogen_is_the_strategy_and_can_be_left_out(ansible: Ansible) -> None:
    environment = ansible.environment()
    assert environment["ANSIBLE_STRATEGY"] == "mitogen_linear"
    assert (Path(environment["ANSIBLE_STRATEGY_PLUGINS"]) / "mitogen_linear.py").exists()
    plain = Ansible(**{**vars(ansible), "strategy": "linear"}).environment()
    assert "ANSIBLE_STRATEGY" not in plain
    assert "ControlPersist=60s" in plain["ANSIBLE_SSH_ARGS"]


def test_the_newest_logs_are_kept(ansible: Ansible, secrets: Secrets) -> None:
    ansible.paths.runner.mkdir(parents=True)
    for number in range(LOGS_KEPT + 5):
        (ansible.paths.runner / f"playbook-old{number}.log").write_text("")
    run(ansible, secrets, FakeRunner())
    assert len(list(ansible.paths.runner.glob("playbook-*.log"))) == LOGS_KEPT
    assert (ansible.paths.runner / "playbook-r1.log").exists()

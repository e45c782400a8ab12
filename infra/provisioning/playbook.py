"""Runs playbooks on a site's servers with ansible-runner.

Nothing of the deploy host's own Ansible or SSH settings reaches a run: no ansible.cfg, no ~/.ssh/config. Host
keys are pinned: a server whose key is not in the site's known_hosts is refused. Secrets go to Ansible as the
encrypted vault file; they are in no argument, environment or file of the runner. The one log that is kept is
redacted.

Strategy: mitogen_linear keeps one interpreter per server instead of starting a Python for every task.
Measured with ansible-core 2.19 on 2 cores, 46 tasks on 2 hosts: 7.1 s, where pipelining alone takes 19.3 s.
CITYCLOUD_ANSIBLE_STRATEGY=linear goes back to it.
"""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from infra.errors import InfraError
from infra.provisioning.playbook_events import EventReader, Failure, PhaseListener, Play, read_plays
from infra.provisioning.secrets import Secrets, Vault
from infra.settings import SitePaths

FORKS = 20  # servers worked on at once
CONNECT_SECONDS = 15
CANCEL_POLL_SECONDS = 1
LOGS_KEPT = 10
MITOGEN = "mitogen_linear"
EMPTY_CONFIG = "ansible.cfg"  # exists so that Ansible looks no further, at the user's or the machine's


class PlaybookFailed(InfraError):
    """A task failed on a server; mend the cause and run the same command again, it resumes there."""

    code = "playbook_failed"

    def __init__(
        self, phase: str | None, failures: list[Failure], log: Path, detail: str = "", changed: int = 0
    ) -> None:
        self.phase = phase
        self.failures = failures
        self.log = log
        self.changed = changed  # by this phase, before it failed
        lines = [str(failure) for failure in failures] or [detail or "Ansible ended without naming a task"]
        super().__init__("\n".join([*lines, f"full log: {log}"]))


class RunResult(Protocol):
    """What is used of ansible_runner.Runner."""

    @property
    def rc(self) -> int | None: ...

    @property
    def status(self) -> str: ...


Run = Callable[..., RunResult]


@dataclass(frozen=True)
class Ansible:
    """How Ansible is started for one site. `variables` are passed with -e and hold no secret."""

    project_root: Path
    inventory: Path
    paths: SitePaths
    vault: Vault
    variables: Mapping[str, str]
    search_path: str
    strategy: str = MITOGEN

    @property
    def playbook(self) -> Path:
        return self.project_root / "playbooks" / "site.yml"

    def plays(self) -> list[Play]:
        return read_plays(self.playbook)

    def environment(self) -> dict[str, str]:
        """Ansible's whole configuration."""
        runner = self.paths.runner
        values = {
            "PATH": f"{Path(sys.executable).parent}:{self.search_path}",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.paths.runner / EMPTY_CONFIG),
            "ANSIBLE_HOME": str(runner / "home"),
            "ANSIBLE_LOCAL_TEMP": str(runner / "tmp"),
            "ANSIBLE_ROLES_PATH": str(self.project_root / "playbooks" / "roles"),
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_NO_TARGET_SYSLOG": "True",  # modules' arguments do not belong in servers' logs
            "ANSIBLE_FORKS": str(FORKS),
            "ANSIBLE_TIMEOUT": str(CONNECT_SECONDS),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.paths.ssh_key),
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_SSH_ARGS": shlex.join(self._ssh_arguments()),
            # One server that fails must not be left behind by the phases that follow.
            "ANSIBLE_ANY_ERRORS_FATAL": "True",
        }
        if self.strategy == MITOGEN:
            values |= {"ANSIBLE_STRATEGY": MITOGEN, "ANSIBLE_STRATEGY_PLUGINS": str(mitogen_plugins())}
        return values

    def _ssh_arguments(self) -> list[str]:
        options = {
            "UserKnownHostsFile": str(self.paths.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "PasswordAuthentication": "no",
        }
        if self.strategy != MITOGEN:  # mitogen keeps its one connection open by itself
            options |= {
                "ControlMaster": "auto",
                "ControlPersist": "60s",
                "ControlPath": str(self.paths.runner / "%C"),
            }
        return ["-F", "none", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]


class Playbook:
    """One execution of site.yml."""

    def __init__(self, ansible: Ansible, secrets: Secrets, run: Run | None = None) -> None:
        self.ansible = ansible
        self._secrets = secrets
        self._run = run or _ansible_runner()

    def run(
        self,
        run_id: str,
        phases: list[str],
        listener: PhaseListener,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Run the plays of these phases; returns how many tasks changed something. Raises PlaybookFailed.

        `environment` is added to the child's, for the tether that ends it with the run.
        """
        runner_dir = self.ansible.paths.runner
        self._clean(runner_dir)
        log_path = runner_dir / f"playbook-{run_id}.log"
        reader = EventReader([play for play in self.ansible.plays() if play.phase in phases], listener)
        try:
            with log_path.open("w") as log:
                log_path.chmod(0o600)
                result = self._run(
                    **self._arguments(phases, environment or {}),
                    event_handler=lambda event: self._handle(event, reader, log),
                )
        finally:
            self._clean(runner_dir)
        if result.rc != 0:
            raise self._failed(reader, log_path, result)
        reader.finish()
        return reader.total_changed

    def _arguments(self, phases: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
        vault = self.ansible.vault
        command_line = ["-e", f"@{vault.path}", "--vault-password-file", str(vault.password_file)]
        command_line += ["--tags", ",".join(phases)]
        return {
            "private_data_dir": str(self.ansible.paths.runner),
            "project_dir": str(self.ansible.playbook.parent),
            "playbook": self.ansible.playbook.name,
            "inventory": str(self.ansible.inventory / "hosts.yml"),
            "extravars": dict(self.ansible.variables),
            "cmdline": shlex.join(command_line),
            "envvars": self.ansible.environment() | dict(environment),
            "settings": {
                "suppress_output_file": True,
                "fact_cache_type": "memory",
                "pexpect_timeout": CANCEL_POLL_SECONDS,
            },
            "suppress_env_files": True,
            "quiet": True,
            "cancel_callback": lambda: False,  # a signal raises in the run itself, see infra.cli
        }

    def _handle(self, event: Mapping[str, Any], reader: EventReader, log: TextIO) -> bool:
        """Returns False: the runner then keeps no copy of the event, whose results may hold secrets."""
        reader.read(event)
        text = event.get("stdout")
        if text:
            log.write(self._secrets.redact(str(text)) + "\n")
            log.flush()
        return False

    def _failed(self, reader: EventReader, log: Path, result: RunResult) -> PlaybookFailed:
        failures = [
            Failure(f.host, f.task, self._secrets.redact(f.message), f.task_path.removeprefix(self._root()))
            for f in reader.failures
        ]
        detail = "" if failures else _tail(log) or f"Ansible ended with status {result.status}"
        return PlaybookFailed(reader.phase, failures, log, detail, reader.changed)

    def _root(self) -> str:
        return f"{self.ansible.project_root}/"

    @staticmethod
    def _clean(runner_dir: Path) -> None:
        """Remove what the runner keeps of a run (events with results), and the oldest of our own logs."""
        runner_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("artifacts", "env", "tmp"):
            shutil.rmtree(runner_dir / name, ignore_errors=True)
        (runner_dir / EMPTY_CONFIG).write_text("[defaults]\n")
        logs = sorted(runner_dir.glob("playbook-*.log"), key=lambda path: path.stat().st_mtime)
        for path in logs[: -LOGS_KEPT or None]:
            path.unlink()


def mitogen_plugins() -> Path:
    """The folder of mitogen's strategies. Raises InfraError if mitogen is not installed."""
    spec = importlib.util.find_spec("ansible_mitogen")
    if spec is None or spec.origin is None:
        raise InfraError(
            "mitogen is not installed in this Python environment; run scripts/up, or set"
            " CITYCLOUD_ANSIBLE_STRATEGY=linear"
        )
    return Path(spec.origin).parent / "plugins" / "strategy"


def _ansible_runner() -> Run:
    from ansible_runner import run  # half a second of imports that a status does not need

    return run  # type: ignore[no-any-return]


def _tail(log: Path) -> str:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    return "\n".join(lines[-12:])

"""Sets up a server that the portal's worker made: reached over SSH, configured by its blueprint's playbook.

The worker logs in to an account of its own, which the server's first boot makes. The guest's host key is
pinned as `infra.provisioning.guest` says.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.cloud import server as nova
from infra.cloud.connection import Cloud
from infra.domain.blueprint import MANAGER, Wanted
from infra.errors import InfraError
from infra.provisioning.guest import Guest, GuestRoll, Pinned, alone
from infra.settings import SitePaths

REACH_SECONDS = 300.0
"""An emulated Debian on a busy machine of two cores took 65 s alone."""
PLAYBOOK_SECONDS = 1200
FIRST_INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS = 1.0, 10.0
PLAYBOOKS = Path("playbooks/blueprints")


class GuestNotReached(InfraError):
    """The server was made but does not answer SSH; look at its console and at the router of its agency."""

    code = "guest_not_reached"


class GuestNotSetUp(InfraError):
    """A task of the blueprint's playbook failed in the guest; the message names it."""

    code = "guest_not_set_up"


class _Console:
    """What a guest's roll asks of the cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def guests(self) -> list[Guest]:
        return []

    def console(self, server_id: str) -> str:
        answer = nova.servers(self._cloud).act(server_id, {"os-getConsoleOutput": {}})
        return str(answer.get("output") or "")


@dataclass
class GuestSetup:
    """`paths` has the worker's key and keeps guests' host keys; `variables` are what every playbook gets,
    such as where packages come from; none is a secret. `pinned` asks what workers of several servers share.
    """

    cloud: Cloud
    paths: SitePaths
    project_root: Path
    variables: Mapping[str, str]
    search_path: str
    pinned: Pinned = alone
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    _roll: GuestRoll = field(init=False)

    def __post_init__(self) -> None:
        self._roll = GuestRoll(self.paths, _Console(self.cloud), pinned=self.pinned)

    def set_up(self, agency: str, wanted: Wanted, outputs: Mapping[str, str], address: str) -> None:
        """Wait until the guest can be logged in to at `address`, and run the playbook. Raises
        GuestNotReached, GuestNotSetUp.
        """
        guest = Guest(
            agency, wanted.name, MANAGER, outputs["server_id"], "active", address,
            outputs.get("fixed_address", ""), created=self.clock(), boot=wanted.rebuilt,
        )  # fmt: skip
        self._reach(guest)
        playbook = self.project_root / PLAYBOOKS / f"{wanted.kind}.yml"
        if playbook.exists():
            self._play(playbook, guest, wanted)

    def _reach(self, guest: Guest) -> None:
        deadline, interval = self.clock() + REACH_SECONDS, FIRST_INTERVAL_SECONDS
        while self._roll.reach(guest, watched=True) is None:
            if self.clock() > deadline:
                raise GuestNotReached(f"no SSH to {guest.label} at {guest.address} in {REACH_SECONDS:.0f} s")
            self.pause(interval)
            interval = min(interval * 1.3, LONGEST_INTERVAL_SECONDS)

    def _play(self, playbook: Path, guest: Guest, wanted: Wanted) -> None:
        from ansible_runner import run  # half a second of imports

        failures: list[str] = []
        self.paths.runner.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix="guest-", dir=self.paths.runner))
        try:
            done = run(
                private_data_dir=str(folder), project_dir=str(playbook.parent), playbook=playbook.name,
                inventory=_inventory(guest), extravars=self._variables(guest, wanted),
                envvars=self._environment(folder, guest), quiet=True, suppress_env_files=True,
                timeout=PLAYBOOK_SECONDS, event_handler=lambda event: _noted(event, failures),
                settings={"suppress_output_file": True, "fact_cache_type": "memory", "pexpect_timeout": 1},
            )  # fmt: skip
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if done.rc != 0:
            raise GuestNotSetUp(f"{guest.label}: {'; '.join(failures) or f'Ansible ended {done.status}'}")

    def _variables(self, guest: Guest, wanted: Wanted) -> dict[str, Any]:
        own = {f"asked_{name}": value for name, value in wanted.values.items() if name != "ssh_key"}
        return {**self.variables, **own, "deployment_name": wanted.name, "agency": guest.agency}

    def _environment(self, folder: Path, guest: Guest) -> dict[str, str]:
        target = self._roll.target(guest)
        ssh = {
            "UserKnownHostsFile": target.known_hosts, "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes", "IdentitiesOnly": "yes", "PasswordAuthentication": "no",
            "ControlMaster": "auto", "ControlPersist": "60s", "ControlPath": folder / "%C",
        }  # fmt: skip
        (folder / "ansible.cfg").write_text("[defaults]\n")
        return {
            "PATH": f"{Path(sys.executable).parent}:{self.search_path}", "LC_ALL": "C.UTF-8",
            "HOME": str(folder), "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_NOCOLOR": "1", "ANSIBLE_NO_TARGET_SYSLOG": "True", "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3", "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.paths.ssh_key),
            "ANSIBLE_ROLES_PATH": str(self.project_root / PLAYBOOKS / "roles"),
            "ANSIBLE_SSH_ARGS": " ".join(
                ["-F none", *(f"-o {name}={value}" for name, value in ssh.items())]
            ),
        }  # fmt: skip


def _inventory(guest: Guest) -> dict[str, Any]:
    return {"all": {"hosts": {guest.name: {"ansible_host": guest.address, "ansible_user": guest.user}}}}


def _noted(event: Mapping[str, Any], failures: list[str]) -> bool:
    """Keeps why a task failed, and nothing else of an event."""
    if event.get("event") in ("runner_on_failed", "runner_on_unreachable"):
        data = event.get("event_data", {})
        if not data.get("ignore_errors"):
            result = data.get("res") or {}
            why = str(result.get("msg") or result.get("stderr") or json.dumps(result)[:300])
            failures.append(f"{data.get('task', 'a task')}: {' '.join(why.split())[:300]}")
    return False

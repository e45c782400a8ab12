"""Pulumi's own files of a site, and the processes that a run needs: engine, provider, locks.

<site>/pulumi/state/           file backend: one checkpoint per stack, locks
<site>/pulumi/home/            PULUMI_HOME
<site>/pulumi/engine/bin/      a link to the engine, where the Automation API looks for it
<site>/pulumi/projects/<name>/ Pulumi.yaml, and per stack the salt of its passphrase
<site>/pulumi/records/         what the last successful ups were made from
"""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation._stack import StackInitMode

from infra.cloud.credentials import Credentials
from infra.errors import InfraError
from infra.provisioning.stack_result import StackLocked

_LEAST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOCK_PATIENCE_SECONDS = 20.0


class ProviderDidNotStart(InfraError):
    """The provider pulumi-resource-openstack ended before it served; its last words are in the message."""

    code = "provider_did_not_start"


class ProviderProcess:
    """One provider for all engines of a run: started once, logged in once. Ends with us, whatever ends us.

    Only this process gets the cloud's credentials: they are in no program, no state, no engine's environment.
    """

    def __init__(self, credentials: Credentials, search_path: str = _LEAST_PATH) -> None:
        self._environment = {"PATH": search_path, "LANG": "C.UTF-8", **credentials.environment()}
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> ProviderProcess:
        command = [sys.executable, "-m", "infra.provider.server", "--until-stdin-closes"]
        self._process = subprocess.Popen(
            command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        assert self._process.stdout is not None  # PIPE above
        told = self._process.stdout.readline().strip()
        if not told.isdigit():
            self.__exit__()
            raise ProviderDidNotStart(
                f"the provider said {told!r} instead of its port; see its traceback above"
            )
        self.port = int(told)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process is None:
            return
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class QuietWorkspace(automation.LocalWorkspace):  # type: ignore[misc]  # pulumi is untyped to us
    """A workspace whose stacks need not be selected: every command names its stack. Saves a start of the
    engine.
    """

    def select_stack(self, stack_name: str) -> None:
        return


class QuietStack(automation.Stack):  # type: ignore[misc]
    """A stack that does not ask the engine for what its event stream told. Saves three starts of it."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        now = dt.datetime.now(dt.UTC)
        return automation.UpdateSummary(
            kind="update",
            start_time=now,
            message="",
            environment={},
            config={},
            result="succeeded",
            end_time=now,
        )


class PulumiFiles:
    """The layout above. `engine` is the engine's executable."""

    def __init__(self, site_dir: Path, engine: Path, passphrase: str) -> None:
        self._root = site_dir / "pulumi"
        self._passphrase = passphrase
        self.records = self._root / "records"
        for part in ("state", "home", "engine/bin", "projects", "records"):
            (self._root / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._link(engine)
        self._command = automation.PulumiCommand(root=str(self._root / "engine"))
        for project in ("platform", "landing_zone"):
            folder = self._root / "projects" / project
            folder.mkdir(exist_ok=True)
            # Not the stack folder's own Pulumi.yaml: that one asks for settings, which an inline program gets
            # as arguments.
            (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n", encoding="utf-8")

    def checkpoint(self, project: str, stack: str) -> Path:
        """The stack's state; it exists exactly when the stack does."""
        return self._root / "state" / ".pulumi" / "stacks" / project / f"{stack}.json"

    def stacks(self, project: str) -> list[str]:
        """The names of all stacks of a project."""
        return sorted(file.stem for file in self.checkpoint(project, "any").parent.glob("*.json"))

    def open(
        self, project: str, stack: str, program: Callable[[], None] | None, environment: Mapping[str, str]
    ) -> automation.Stack:
        """The stack, made if it is new."""
        self.break_stale_locks(project, stack)
        workspace = QuietWorkspace(
            work_dir=str(self._root / "projects" / project),
            pulumi_home=str(self._root / "home"),
            program=program,
            env_vars={**self._environment(), **environment},
            pulumi_command=self._command,
            secrets_provider="passphrase",
        )
        known = self.checkpoint(project, stack).exists()
        mode = StackInitMode.SELECT if known else StackInitMode.CREATE
        return QuietStack(stack, workspace, mode)

    def forget_pending_operations(self, project: str, stack: str, opened: automation.Stack) -> int:
        """Drop what an interrupted run had begun, and say how much. The provider finds by its mark what a
        create had made, and repeats an update or delete without harm, so nothing is lost and the engine need
        not warn.
        """
        file = self.checkpoint(project, stack)
        if not file.exists() or b'"pending_operations"' not in file.read_bytes():
            return 0
        state = opened.export_stack()
        pending = (state.deployment or {}).pop("pending_operations", None) or []
        if pending:
            opened.import_stack(state)
        return len(pending)

    def break_stale_locks(self, project: str, stack: str) -> None:
        """Remove the locks of engines that are dead; raise StackLocked for one that goes on living.

        An engine whose deploy run was killed ends by itself within seconds, as soon as it misses its program
        or its provider: that is waited for.
        """
        ends = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                return self._break_locks_of_the_dead(project, stack)
            except StackLocked:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.25)

    def _break_locks_of_the_dead(self, project: str, stack: str) -> None:
        folder = self._root / "state" / ".pulumi" / "locks" / "organization" / project / stack
        for file in folder.glob("*.json"):
            try:
                lock = json.loads(file.read_text(encoding="utf-8"))
            except FileNotFoundError:
                continue
            except ValueError:
                lock = {}
            if _holder_is_dead(lock):
                file.unlink(missing_ok=True)
                continue
            raise StackLocked(
                f"stack {stack} is locked by process {lock.get('pid')} on {lock.get('hostname')} since "
                f"{lock.get('timestamp')}; wait for it to end"
            )

    def _environment(self) -> dict[str, str]:
        return {
            "PULUMI_BACKEND_URL": f"file://{self._root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": self._passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_GZIP": "false",
            "PULUMI_DIY_BACKEND_RETAIN_CHECKPOINTS": "false",
        }

    def _link(self, engine: Path) -> None:
        link = self._root / "engine" / "bin" / "pulumi"
        if not link.is_symlink() or os.readlink(link) != str(engine):
            fresh = link.with_name(f"pulumi.{os.getpid()}")
            fresh.symlink_to(engine)
            os.replace(fresh, link)


def _holder_is_dead(lock: Mapping[str, Any]) -> bool:
    """A lock that cannot be read is one whose writer was cut off; one of another host is never judged."""
    pid = lock.get("pid")
    if not isinstance(pid, int):
        return True
    if lock.get("hostname") != socket.gethostname():
        return False
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return True
    return name != "pulumi"  # the number has gone to somebody else since

"""Pulumi's own files of a site, and the processes that a run needs: engine and provider.

<site>/pulumi/state/           states, where the inventory names no other backend (`state_backend`)
<site>/pulumi/home/            PULUMI_HOME
<site>/pulumi/engine/bin/      a link to the engine, where the Automation API looks for it
<site>/pulumi/projects/<name>/ Pulumi.yaml, and per stack the salt of its passphrase or its encrypted key
<site>/pulumi/records/         what the last successful ups were made from
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pulumi import automation
from pulumi.automation._stack import StackInitMode
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

from infra.cloud.credentials import Credentials
from infra.errors import InfraError
from infra.hosts.keys import write_whole
from infra.provisioning.state_backend import EngineBackend, FileBackend, StateBackend, asking, patiently

# Programs speak to their engines from our process, and gRPC keeps the connections of a process in one pool,
# by address. An engine that got the port of one that is gone met that one's dead connection, waiting for its
# next try: "Resource monitor has terminated". So each channel has a pool of its own.
_OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)
if _OWN_CONNECTION not in _GRPC_CHANNEL_OPTIONS:
    _GRPC_CHANNEL_OPTIONS.append(_OWN_CONNECTION)
_LEAST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


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
        self._turn = threading.Lock()
        self.port = 0

    def living_port(self) -> int:
        """The port, of a new process where something has ended the one before. For who lives longer than a
        run, from any thread. Raises ProviderDidNotStart.
        """
        with self._turn:
            if self._process is None or self._process.poll() is not None:
                self.__exit__()
                self.__enter__()
            return self.port

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
    """The layout above. `engine` is the engine's executable; `backend_url` "" keeps states in the layout
    itself.

    `secrets_provider` is `passphrase` or the URL of a key, as Pulumi has them; `environment` is added to the
    engine's: passwords and keys of the backend.
    """

    def __init__(
        self, site_dir: Path, engine: Path, passphrase: str, *, backend_url: str = "",
        secrets_provider: str = "passphrase", environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._root = site_dir / "pulumi"
        self._passphrase = passphrase
        self._secrets_provider = secrets_provider
        self._given = dict(environment or {})
        self.records = self._root / "records"
        for part in ("state", "home", "engine/bin", "projects", "records"):
            (self._root / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._link(engine)
        self._command = automation.PulumiCommand(root=str(self._root / "engine"))
        for project in ("platform", "landing_zone", "agency"):
            folder = self._root / "projects" / project
            folder.mkdir(exist_ok=True)
            # Not the stack folder's own Pulumi.yaml: that one asks for settings, which an inline program gets
            # as arguments.
            (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n", encoding="utf-8")
        self.backend = self._backend(backend_url)

    def open(
        self, project: str, stack: str, program: Callable[[], None] | None, environment: Mapping[str, str]
    ) -> automation.Stack:
        """The stack, made if it is new."""
        patiently(lambda: self.backend.mend(project, stack))
        workspace = QuietWorkspace(
            work_dir=str(self._root / "projects" / project),
            pulumi_home=str(self._root / "home"),
            program=program,
            env_vars={**self._environment(self.backend.url), **environment},
            pulumi_command=self._command,
            secrets_provider=self._secrets_provider,
        )
        if stack not in self.backend.stacks(project):
            self.backend.changed(project, stack)  # another worker may have made it since we asked
        if stack in self.backend.stacks(project):
            return QuietStack(stack, workspace, StackInitMode.SELECT)
        self.backend.changed(project, stack)
        mode = StackInitMode.SELECT if self._begin(project, stack) else StackInitMode.CREATE
        return QuietStack(stack, workspace, mode)

    def remove(self, project: str, opened: automation.Stack) -> None:
        """Remove a stack of which nothing was made."""
        opened.workspace.remove_stack(opened.name)
        self.backend.changed(project, opened.name)

    def forget_pending_operations(self, project: str, stack: str, opened: automation.Stack) -> int:
        """Drop what an interrupted run had begun, and say how much. The provider finds by its mark what a
        create had made, and repeats an update or delete without harm, so nothing is lost and the engine need
        not warn.
        """
        if not self.backend.has_pending(project, stack):
            return 0
        state = opened.export_stack()
        pending = (state.deployment or {}).pop("pending_operations", None) or []
        if pending:
            opened.import_stack(state)
        return len(pending)

    def _begin(self, project: str, stack: str) -> bool:
        """Make the stack without the engine, whose start for that takes as long as a small run: with the salt
        of a stack that is there, for all have one passphrase. False where the engine has to do it.
        """
        if not isinstance(self.backend, FileBackend):
            return False
        folder = self._root / "projects"
        for file in folder.glob("*/Pulumi.*.yaml"):
            there = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
            settings = file.read_bytes()
            if there in self.backend.stacks(file.parent.name) and settings.startswith(b"encryptionsalt:"):
                write_whole(folder / project / f"Pulumi.{stack}.yaml", settings, 0o600)
                self.backend.begin(project, stack)
                return True
        return False

    def _backend(self, url: str) -> StateBackend:
        parts = urlsplit(url)
        if parts.scheme in ("", "file"):
            return FileBackend(Path(parts.path) if parts.path else self._root / "state")
        environment = {**self._environment(url), "PULUMI_HOME": str(self._root / "home")}
        return EngineBackend(url, asking(self._command, self._root / "projects", environment))

    def _environment(self, url: str) -> dict[str, str]:
        # The engine has four connections to PostgreSQL and holds one for each stack that it looks at while it
        # asks for another: with four stacks and all at once, `stack ls` waits for ever.
        one_by_one = {"PULUMI_DIY_BACKEND_PARALLEL": "1"} if url.startswith("postgres:") else {}
        return {
            **self._given,
            **one_by_one,
            "PULUMI_BACKEND_URL": url,
            "PULUMI_CONFIG_PASSPHRASE": self._passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_GZIP": "false",
            "PULUMI_DIY_BACKEND_RETAIN_CHECKPOINTS": "false",
            "PULUMI_EXPERIMENTAL": "true",  # update plans, by which a run does what was looked at and no more
        }

    def _link(self, engine: Path) -> None:
        link = self._root / "engine" / "bin" / "pulumi"
        if not link.is_symlink() or os.readlink(link) != str(engine):
            fresh = link.with_name(f"pulumi.{os.getpid()}")
            fresh.symlink_to(engine)
            os.replace(fresh, link)

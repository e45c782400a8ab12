"""Where stacks' states are kept: files of this machine, read directly; or a database or object store, asked
through the engine.

A backend is named by a URL as Pulumi has it. A URL with a password is refused by the inventory: PostgreSQL's
comes from PGPASSWORD (or a ~/.pgpass), S3's keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of the
environment or of `pulumi_environment` in the site's secrets.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pulumi import automation

from infra.errors import InfraError
from infra.hosts.keys import write_whole
from infra.provisioning.stack_result import StackLocked

LOCK_PATIENCE_SECONDS = 20.0
Ask = Callable[[list[str], str], str]
"""Runs the engine with these arguments in the folder of this project, and gives its standard output."""
_LOCK = re.compile(r"created by (?P<user>.*?)@(?P<hostname>\S+) \(pid (?P<pid>\d+)\) at (?P<timestamp>\S+)")


class BackendUnreachable(InfraError):
    """The store of the stacks' states does not answer, or refuses us; check pulumi_backend_url, and the
    password or keys in the environment (PGPASSWORD, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
    """

    code = "backend_unreachable"


class StateCutOff(InfraError):
    """A stack's state cannot be read and no whole backup stands beside it; put a copy of the file back, or
    remove it and run the stack again: it adopts what it made by its marks.
    """

    code = "state_cut_off"


class StateBackend(Protocol):
    """`deployment` is a state as `pulumi stack export` has it, secrets encrypted."""

    url: str

    def stacks(self, project: str) -> list[str]:
        """The names of all stacks of a project, sorted."""

    def deployment(self, project: str, stack: str) -> Mapping[str, Any] | None:
        """The state, None when there is no such stack."""

    def digest(self, project: str, stack: str) -> str:
        """Of the state as it is kept; another whenever it was written anew."""

    def has_pending(self, project: str, stack: str) -> bool:
        """Whether an interrupted run left operations in the state."""

    def mend(self, project: str, stack: str) -> None:
        """Undo what a dead engine left: its lock, a file that was cut off. Raises StackLocked for a lock of
        the living, StateCutOff. Nothing to do where only the engine sees files.
        """

    def changed(self, project: str, stack: str) -> None:
        """Said after a stack was made, changed or removed."""


class FileBackend:
    """One checkpoint file per stack below `root`; it exists exactly when the stack does.

    The engine replaces a checkpoint by renaming, so kill -9 leaves the old one or the new one, whole. What
    it does not write so is `<file>.attrs`, which its file store keeps beside each file: cut off there, every
    later run fails with `failed to load checkpoint: EOF`. `metadata=skip` has none written; those of earlier
    runs are still read. Renaming without fsync leaves an empty checkpoint when the machine itself goes down;
    the one before it is in `<stack>.json.bak`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = f"file://{root}?metadata=skip"
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def checkpoint(self, project: str, stack: str) -> Path:
        return self.root / ".pulumi" / "stacks" / project / f"{stack}.json"

    def stacks(self, project: str) -> list[str]:
        return sorted(file.stem for file in self.checkpoint(project, "any").parent.glob("*.json"))

    def deployment(self, project: str, stack: str) -> Mapping[str, Any] | None:
        file = self.checkpoint(project, stack)
        if not file.exists():
            return None
        if not _is_checkpoint(file):
            self.mend(project, stack)
        return _parsed(file)["checkpoint"].get("latest") or {}

    def digest(self, project: str, stack: str) -> str:
        try:
            return hashlib.sha256(self.checkpoint(project, stack).read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""

    def has_pending(self, project: str, stack: str) -> bool:
        file = self.checkpoint(project, stack)
        return file.exists() and b'"pending_operations"' in file.read_bytes()

    def mend(self, project: str, stack: str) -> None:
        locks = self.root / ".pulumi" / "locks" / "organization" / project / stack
        self._break_locks(locks, stack)
        for folder in (self.root / ".pulumi", self.checkpoint(project, stack).parent, locks):
            for attributes in folder.glob("*.attrs"):
                if _parsed(attributes) is None:
                    attributes.unlink(missing_ok=True)
        self._restore(self.checkpoint(project, stack), stack)

    def _break_locks(self, folder: Path, stack: str) -> None:
        for file in folder.glob("*.json"):
            if not file.exists():
                continue
            lock = _parsed(file) or {}
            if not holder_is_dead(lock):
                raise StackLocked(_locked(stack, lock))
            file.unlink(missing_ok=True)

    def _restore(self, file: Path, stack: str) -> None:
        """Called when nobody holds the lock. What was made since the backup is found by its mark."""
        if not file.exists() or _is_checkpoint(file):
            return
        backup = file.with_name(f"{file.name}.bak")
        if not _is_checkpoint(backup):
            raise StateCutOff(
                f"the state of stack {stack} was cut off and has no whole backup: {file}. Put a copy of it "
                "back; without one, remove it and bring the stack up: it adopts what it made by its marks"
            )
        write_whole(file, backup.read_bytes(), 0o600)

    def begin(self, project: str, stack: str) -> None:
        """Make a stack with nothing in it."""
        empty = {"version": 3, "checkpoint": {"stack": f"organization/{project}/{stack}"}}
        write_whole(self.checkpoint(project, stack), json.dumps(empty).encode(), 0o600)

    def changed(self, project: str, stack: str) -> None:
        return


class EngineBackend:
    """Any other store: each question is a start of the engine (0.5 s), so the list of stacks is kept."""

    def __init__(self, url: str, ask: Ask) -> None:
        self.url = url
        self._ask = ask
        self._known: set[tuple[str, str]] | None = None

    def stacks(self, project: str) -> list[str]:
        if self._known is None:
            told = json.loads(self._ask(["stack", "ls", "--all", "--json"], "platform") or "[]")
            self._known = {_project_and_stack(one["name"]) for one in told}
        return sorted(stack for owner, stack in self._known if owner == project)

    def deployment(self, project: str, stack: str) -> Mapping[str, Any] | None:
        if stack not in self.stacks(project):
            return None
        told = json.loads(self._ask(["stack", "export", "--stack", stack], project))
        return told.get("deployment") or {}

    def digest(self, project: str, stack: str) -> str:
        told = self.deployment(project, stack)
        return "" if told is None else hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def has_pending(self, project: str, stack: str) -> bool:
        return bool((self.deployment(project, stack) or {}).get("pending_operations"))

    def mend(self, project: str, stack: str) -> None:
        return  # the engine says so when it is run: see `LockHolders`

    def changed(self, project: str, stack: str) -> None:
        self._known = None


@dataclass(frozen=True)
class LockHolders:
    """Whom the engine names when a stack is locked."""

    locks: tuple[Mapping[str, Any], ...]

    @classmethod
    def named_in(cls, words: str) -> LockHolders:
        found = (match.groupdict() for match in _LOCK.finditer(words))
        return cls(tuple({**one, "pid": int(one["pid"])} for one in found))

    @property
    def all_dead(self) -> bool:
        """Whether every one is a process of this machine that is gone. Nobody named is nobody judged."""
        return bool(self.locks) and all(holder_is_dead(lock) for lock in self.locks)

    def sentence(self, stack: str) -> str:
        return _locked(stack, self.locks[0]) if self.locks else f"stack {stack} is locked; wait for it to end"


def patiently(act: Callable[[], None], patience: float | None = None) -> None:
    """Do it until nobody holds the lock; raises StackLocked after LOCK_PATIENCE_SECONDS.

    An engine whose deploy run was killed ends by itself within seconds, as soon as it misses its program or
    its provider: that is waited for.
    """
    ends = time.monotonic() + (LOCK_PATIENCE_SECONDS if patience is None else patience)
    while True:
        try:
            return act()
        except StackLocked:
            if time.monotonic() > ends:
                raise
            time.sleep(0.25)


def holder_is_dead(lock: Mapping[str, Any]) -> bool:
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


def asking(command: automation.PulumiCommand, folder: Path, environment: Mapping[str, str]) -> Ask:
    """How an EngineBackend asks; raises BackendUnreachable with the engine's last words."""

    def ask(arguments: list[str], project: str) -> str:
        try:
            return str(command.run([*arguments], str(folder / project), environment).stdout)
        except automation.CommandError as failed:
            raise BackendUnreachable(said(failed)) from failed

    return ask


def unreachable(failed: automation.CommandError) -> bool:
    """Whether the engine failed because it did not reach its backend."""
    words = str(failed)
    return any(
        sign in words for sign in ("unable to open bucket", "failed to ping PostgreSQL", "problem logging in")
    )


def said(failed: automation.CommandError) -> str:
    """The engine's reason, and where passwords and keys are looked for."""
    words = [line.strip() for line in str(failed).splitlines() if "error:" in line] or [
        "the engine gave no reason"
    ]
    return (
        f"{' '.join(words)}; check pulumi_backend_url, and the password or keys in the environment"
        f" (PGPASSWORD,"
        " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or in pulumi_environment of the site's secrets"
    )


def _parsed(file: Path) -> Any:
    """What the JSON file holds, None when it is not there or was cut off."""
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _is_checkpoint(file: Path) -> bool:
    told = _parsed(file)
    return isinstance(told, dict) and isinstance(told.get("checkpoint"), dict)


def _project_and_stack(name: str) -> tuple[str, str]:
    """The engine names a stack `organization/<project>/<stack>`, or shorter where the rest is its own
    folder's.
    """
    parts = name.split("/")
    return (parts[-2] if len(parts) > 1 else "platform", parts[-1])


def _locked(stack: str, lock: Mapping[str, Any]) -> str:
    return (
        f"stack {stack} is locked by process {lock.get('pid')} on {lock.get('hostname')} since"
        f" {lock.get('timestamp')}; wait for it to end"
    )

"""Reads the event stream of one Ansible run: which phase runs, what it does, what it changed, what failed.

Pure: it is fed event dictionaries and calls back, so that tests need neither Ansible nor a server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from infra.errors import InfraError

MESSAGE_LIMIT = 2000  # characters of a module's output that are worth showing
OUTPUT_LINES = 12  # of a failed command, from its end: where the reason stands
HIDDEN = "its output is hidden because it handles secrets; the server's own log has the reason"
_CHANGED = re.compile(r"^(\x1b\[[0-9;]*m)*changed: \[")


class PlaybookUnreadable(InfraError):
    """A playbook does not declare its phases: each play needs a name and its phase as the first tag."""

    code = "playbook_unreadable"


@dataclass(frozen=True)
class Play:
    """One play of site.yml; its first tag is its phase."""

    phase: str
    name: str


@dataclass(frozen=True)
class Failure:
    """One task that failed on one host. `task_path` is file:line, "" if Ansible did not say."""

    host: str
    task: str
    message: str
    task_path: str = ""

    def __str__(self) -> str:
        where = f" ({self.task_path})" if self.task_path else ""
        return f"{self.host}: {self.task}{where}: {self.message}"


class PhaseListener(Protocol):
    """Hears about the phases of a playbook as they pass."""

    def phase_started(self, phase: str) -> None: ...

    def step(self, phase: str, text: str) -> None: ...

    def phase_ended(self, phase: str, changed: int) -> None: ...


def read_plays(playbook: Path) -> list[Play]:
    """The plays of a playbook in order. Raises PlaybookUnreadable."""
    plays = []
    for entry in yaml.safe_load(playbook.read_text()):
        tags = entry.get("tags") or []
        tags = [tags] if isinstance(tags, str) else tags
        if not tags or not entry.get("name"):
            raise PlaybookUnreadable(
                f"{playbook}: the play `{entry.get('name')}` needs a name and a phase as tag"
            )
        plays.append(Play(tags[0], entry["name"]))
    return plays


def phase_names(plays: list[Play]) -> list[str]:
    return list(dict.fromkeys(play.phase for play in plays))


@dataclass
class EventReader:
    """Feed it every event with `read`; when the run ended well, call `finish`."""

    plays: list[Play]  # those that were asked for: Ansible announces a play even when its tag was not chosen
    listener: PhaseListener
    phase: str | None = None
    changed: int = 0
    total_changed: int = 0
    failures: list[Failure] = field(default_factory=list)
    _changed_loops: set[tuple[str, str]] = field(default_factory=set)

    def read(self, event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        match event.get("event"):
            case "playbook_on_play_start":
                self._play(str(data.get("play") or data.get("name") or ""))
            case "playbook_on_task_start" | "playbook_on_handler_task_start":
                self._step(str(data.get("task", "")))
            case "runner_item_on_ok":
                if _changed(event, data):
                    self._changed_loops.add(_task_on_host(data))
            case "runner_on_ok":
                if _changed(event, data) or _task_on_host(data) in self._changed_loops:
                    self._count(1)
            case "playbook_on_stats":
                # Ansible's own sum is the truth; what no event told is put down to the last phase
                self._count(sum((data.get("changed") or {}).values()) - self.total_changed)
            case "runner_on_failed" if not data.get("ignore_errors"):
                self.failures.append(_failure(data))
            case "runner_on_unreachable":
                self.failures.append(_failure(data))

    def finish(self) -> None:
        """End the phase that runs; only a run that succeeded may say so."""
        if self.phase is not None:
            self.listener.phase_ended(self.phase, self.changed)
            self.phase = None

    def _play(self, name: str) -> None:
        phase = next((play.phase for play in self.plays if play.name == name), None)
        if phase is None or phase == self.phase:
            return
        self.finish()
        self.phase, self.changed = phase, 0
        self.listener.phase_started(phase)

    def _step(self, task: str) -> None:
        if self.phase is not None:
            self.listener.step(self.phase, task)

    def _count(self, changed: int) -> None:
        self.changed += changed
        self.total_changed += changed


def _changed(event: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """The result of a no_log task is censored whole; what Ansible prints still says whether it changed
    something.
    """
    result = data.get("res") or {}
    return bool(result.get("changed")) or bool(
        "censored" in result and _CHANGED.match(event.get("stdout") or "")
    )


def _task_on_host(data: Mapping[str, Any]) -> tuple[str, str]:
    return str(data.get("task_uuid")), str(data.get("host"))


def _failure(data: Mapping[str, Any]) -> Failure:
    return Failure(
        host=str(data.get("host", "?")),
        task=str(data.get("task", "?")),
        message=_message(data.get("res") or {}),
        task_path=str(data.get("task_path") or ""),
    )


def _message(result: Mapping[str, Any]) -> str:
    if "censored" in result:
        return HIDDEN
    items = [item for item in result.get("results") or [] if isinstance(item, dict) and item.get("failed")]
    if items:
        label = items[0].get("_ansible_item_label", items[0].get("item", ""))
        return f"[{label}] {_message(items[0])}" if isinstance(label, str) and label else _message(items[0])
    parts = [str(result.get("msg") or "")]
    for stream in ("stderr", "stdout", "module_stderr", "module_stdout"):
        text = str(result.get(stream) or "").strip()
        if text and text not in parts[0]:
            parts.append("\n".join(text.splitlines()[-OUTPUT_LINES:]))
            break
    return "\n".join(part for part in parts if part)[:MESSAGE_LIMIT] or "failed without a message"

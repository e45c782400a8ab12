"""Daemon: a process of the lab that outlives the command that started it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.hosts import launch
from infra.hosts.command import PATH
from infra.hosts.control_group import ControlGroup


@dataclass(frozen=True)
class Daemon:
    """`group` decides whether it runs; `record` (its pid and start) and `log` are for people.

    `main_group`: the group that the process itself joins, if its children need groups beside it.
    """

    group: ControlGroup
    record: Path
    log: Path
    main_group: str | None = None

    def running(self) -> bool:
        return self.group.populated()

    @property
    def pid(self) -> int | None:
        """Number of the running process, None if it does not run."""
        return self._recorded("pid") if self.running() else None

    @property
    def root_device(self) -> int | None:
        """Number of the root file system that it got when it was started, None if it got none."""
        return self._recorded("root_device")

    def _recorded(self, name: str) -> int | None:
        try:
            record = json.loads(self.record.read_text())
            value = record[name] if record["boot_id"] == launch.BOOT_ID.read_text().strip() else None
        except (OSError, ValueError, KeyError):
            return None
        return value if isinstance(value, int) else None

    def start(
        self,
        argv: tuple[str, ...],
        *,
        environment: Mapping[str, str] | None = None,
        network_namespace: Path | None = None,
        overlay: launch.Overlay | None = None,
        directory: Path = Path("/"),
    ) -> None:
        """Starts `argv` unless it runs. Environment: PATH and `environment`, nothing of the caller's."""
        if self.running():
            return
        group = self.group.child(self.main_group) if self.main_group else self.group
        group.create()
        self.record.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        launch.start(
            launch.Launch(
                argv=argv,
                environment={"PATH": PATH, "LC_ALL": "C.UTF-8", **(environment or {})},
                record=str(self.record),
                log=str(self.log),
                control_groups=tuple(str(path) for path in group.directories),
                network_namespace=str(network_namespace) if network_namespace else None,
                overlay=overlay,
                directory=str(directory),
            )
        )

    def stop(
        self,
        deadline_seconds: float,
        *,
        number: int = signal.SIGTERM,
        receives: Callable[[int], bool] = lambda pid: True,
    ) -> bool:
        """Sends signal `number` to those of its processes that `receives` names, kills all at the deadline.

        Returns whether it ended when asked. One that does not run is fine.
        """
        graceful = True
        if self.running():
            self._ask(number, receives)
            graceful = self.group.wait_empty(deadline_seconds)
            self.group.kill()
        self.group.remove()
        self.record.unlink(missing_ok=True)
        return graceful

    def _ask(self, number: int, receives: Callable[[int], bool]) -> None:
        for pid in self.group.processes():
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                # the number is held now: if it is still one of ours, the signal cannot hit another
                if pid in self.group.processes() and receives(pid):
                    signal.pidfd_send_signal(descriptor, number)
            except ProcessLookupError:
                continue
            finally:
                os.close(descriptor)

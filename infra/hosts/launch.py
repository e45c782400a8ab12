"""Starts a process that outlives its starter, in its own control group, mounts and network namespace.

Run as `python -m infra.hosts.launch` with a Launch as JSON on standard input. It ends as soon as the new
program runs, or fails with the reason. The new process writes itself into `record` and holds a lock on that
file as long as it lives, so that a start which was cut off and is repeated cannot make a second one.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.hosts import command, kernel

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Overlay:
    """The root of a server: the shared `lower` folder, and what the server changed, in `upper`."""

    lower: str
    upper: str
    work: str
    target: str

    @property
    def options(self) -> str:
        """`volatile`: no flushing to disk. Only a power cut of the deploy host can damage the lab."""
        return f"lowerdir={self.lower},upperdir={self.upper},workdir={self.work},volatile"


@dataclass(frozen=True)
class Launch:
    """What to start. `control_groups` are the directories that the process joins, one per hierarchy."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    record: str
    log: str
    control_groups: tuple[str, ...]
    network_namespace: str | None = None
    overlay: Overlay | None = None
    directory: str = "/"


def start(launch: Launch) -> None:
    """Returns when the program runs; one that runs already is left alone. Raises CommandFailed."""
    command.run(
        (sys.executable, "-m", "infra.hosts.launch"),
        input_text=json.dumps(asdict(launch)),
        cwd=str(Path(__file__).resolve().parents[2]),
    )


def load(text: str) -> Launch:
    values = json.loads(text)
    overlay = values.pop("overlay")
    values["argv"], values["control_groups"] = tuple(values["argv"]), tuple(values["control_groups"])
    return Launch(**values, overlay=Overlay(**overlay) if overlay else None)


def main() -> None:
    launch = load(sys.stdin.read())
    record = os.open(launch.record, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # it runs
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        try:
            _become(launch, record)
        except OSError as error:
            os.write(writer, str(error).encode())
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        if reason := pipe.read():
            sys.exit(reason)


def _become(launch: Launch, record: int) -> None:
    os.setsid()
    for group in launch.control_groups:
        Path(group, "cgroup.procs").write_text("0")
    log = os.open(launch.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if launch.overlay is not None:
        kernel.leave_mounts()
        kernel.mount("overlay", launch.overlay.target, "overlay", launch.overlay.options)
    os.ftruncate(record, 0)
    os.pwrite(record, json.dumps(_identity(launch)).encode(), 0)
    os.set_inheritable(record, True)  # keeps the lock through exec
    if launch.network_namespace is not None:
        kernel.enter_network(Path(launch.network_namespace))
    os.chdir(launch.directory)
    os.execve(launch.argv[0], launch.argv, dict(launch.environment))  # noqa: S606


def _identity(launch: Launch) -> dict[str, object]:
    """What the record says; `root_device` is the number of the server's root file system."""
    root = os.stat(launch.overlay.target).st_dev if launch.overlay else None
    boot = BOOT_ID.read_text().strip()
    return {"pid": os.getpid(), "boot_id": boot, "root_device": root, "argv": list(launch.argv)}


if __name__ == "__main__":
    main()

"""A monitoring server of the checkout before a site's real APIs: both exporters, Prometheus, Alertmanager.

The cloud is reached through a lane of the fault proxy, node exporters and guests through wires, names through
a hosts file of the stand's own: a fault of the stand is nobody else's. `setting` builds one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.cloud.monitoring.wire import Wire
from tests.cloud.provider.fault_proxy import Call, Lane

NAME = "api.city.test"
"""What the stand's hosts file calls the fault proxy."""
PATIENCE_SECONDS = 90.0
JOBS = {
    "prometheus", "alertmanager", "capacity", "uptime", "controller", "load_balancer", "hypervisor",
    "workload",
}  # fmt: skip
"""What the stand's Prometheus scrapes, of the jobs of the role's configuration."""
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Program:
    """A program that can be ended and started again; `environment` holds what must not be in arguments."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    url: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command], env={**os.environ, **self.environment}, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def ready(self) -> None:
        def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"{self.log.name}: {self.log.read_text()[-3000:]}"
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url, timeout=2):
                return True
            return False

        until(answers, f"{self.log.stem} answers")

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None


@dataclass
class Stand:
    """What runs, and where the world can be made worse. `edits` change answers of the cloud, in order;
    `clock` is the file that shifts the exporters' clock."""

    lane: Lane
    folder: Path
    capacity: Program
    uptime: Program
    prometheus: Program
    alertmanager: Program
    node_wires: Mapping[str, Wire]
    guest_wires: Mapping[str, Mapping[str, Wire]]
    services: Mapping[str, str]
    edits: list[Callable[[Call, bytes], bytes]] = field(default_factory=list)

    @property
    def hosts(self) -> Path:
        return self.folder / "hosts"

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    @property
    def exporters(self) -> tuple[Program, Program]:
        return self.capacity, self.uptime

    def series(self, job: str) -> Series:
        """What an exporter says now, asked by ourselves; {} when it does not answer."""
        url = (self.capacity if job == "capacity" else self.uptime).url.replace("/-/healthy", "/metrics")
        try:
            with urllib.request.urlopen(url, timeout=15) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, job: str, name: str, **labels: str) -> float:
        """The sum of an exporter's samples of a name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (n, told), value in self.series(job).items() if n == name and wanted <= {*told})

    def query(self, expression: str) -> list[dict[str, Any]]:
        return list(self._prometheus("query", query=expression)["result"])

    def alerts(self) -> list[dict[str, Any]]:
        """Prometheus' own: pending and firing."""
        return list(self._prometheus("alerts")["alerts"])

    def told(self) -> list[dict[str, Any]]:
        """Alertmanager's alerts, inhibited ones too."""
        return list(_json(self.alertmanager.url.replace("/-/ready", "/api/v2/alerts")))

    def _prometheus(self, path: str, **query: str) -> Any:
        url = self.prometheus.url.replace("/-/ready", f"/api/v1/{path}?") + urllib.parse.urlencode(query)
        return _json(url)["data"]


def until(
    good: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS,
    why: Callable[[], object] = str,
) -> None:  # fmt: skip
    """Wait for it; an AssertionError says what never came, and `why`."""
    deadline = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < deadline, f"in vain: {what} {why()}".strip()
        time.sleep(0.25)


def calm(made: Stand) -> bool:
    return not unrest(made)


def unrest(made: Stand) -> list[str]:
    """What keeps the stand from being calm."""
    found = [f"{job} says nothing" for job in ("capacity", "uptime") if not made.series(job)]
    for job in ("capacity", "uptime"):
        found += [
            f"{job} {dict(labels)}" for (name, labels), value in made.series(job).items()
            if name == "city_exporter_collector_success" and not value
        ]  # fmt: skip
    up = {row["metric"]["job"]: row for row in made.query("up == 1") if "job" in row["metric"]}
    found += [f"no target of {job}" for job in JOBS - {"workload"} if job not in up]
    found += [f"{row['metric']} is down" for row in made.query("up == 0")]
    silent = made.query("city_workload_expected == 1 unless on (server_id) city_workload_up == 1")
    found += [f"{row['metric'].get('server')} is silent" for row in silent]
    if not made.query("city_workload_up"):
        found.append("no server is watched")
    return found + [
        str(alert["labels"]) for alert in made.alerts() if alert["state"] == "firing" and heard(alert)
    ]


def heard(alert: Mapping[str, Any]) -> bool:
    """Whether it is a word about the cloud: not the heartbeat, nor the switch that listens for it."""
    return alert["labels"]["alertname"] not in {"Watchdog", "DeadmanDown"}


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)

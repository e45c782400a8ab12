"""The processes of a benchmark: the model cloud, and the exporter with what it cost so far."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TICK = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60.0
_LAST = re.compile(
    rb'^city_exporter_collector_last_success_timestamp_seconds\{collector="([^"]+)"\} (\S+)$', re.M
)
_SUCCESS = re.compile(rb'^city_exporter_collector_success\{collector="([^"]+)"\} (\S+)$', re.M)


@contextlib.contextmanager
def model(hosts: int, projects: int, servers: int, delay: float) -> Iterator[str]:
    """A model cloud's address, while it runs."""
    words = [
        sys.executable,
        str(ROOT / "benchmarks/exporter/cloud.py"),
        *map(str, (hosts, projects, servers)),
    ]
    with subprocess.Popen([*words, str(delay)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def environment_of(address: str) -> dict[str, str]:
    """How to log in to the model."""
    return {
        "OS_AUTH_URL": f"{address}/identity/v3", "OS_USERNAME": "monitoring", "OS_PASSWORD": "model",
        "OS_PROJECT_NAME": "service", "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": "hai-phong", "OS_INTERFACE": "public",
    }  # fmt: skip


def counters(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/_/counters", timeout=30) as reply:
        return dict(json.load(reply))


def reset(address: str) -> None:
    urllib.request.urlopen(f"{address}/_/reset", timeout=30).close()


def quiet(address: str, seconds: float = 0.5) -> dict[str, Any]:
    """The counters once nobody has called for so long."""
    while True:
        found = counters(address)
        if found["quiet_seconds"] is None or found["quiet_seconds"] >= seconds:
            return found
        time.sleep(0.05)


@dataclass(frozen=True)
class Scrape:
    """What a scrape brought, and how long it took."""

    seconds: float
    body: bytes

    @property
    def failing(self) -> list[str]:
        """Collectors that have not read everything yet."""
        return [name.decode() for name, value in _SUCCESS.findall(self.body) if float(value) != 1]

    @property
    def missing(self) -> list[str]:
        """Collectors that have never read anything yet: this answer lacks their families."""
        return [name.decode() for name, value in _LAST.findall(self.body) if not float(value)]

    @property
    def series(self) -> int:
        return sum(1 for line in self.body.splitlines() if line and not line.startswith(b"#"))

    @property
    def calls(self) -> int:
        """Calls to the cloud since the exporter began, by its own count."""
        counted = re.findall(rb"^city_exporter_calls_total\{[^}]*\} (\S+)$", self.body, re.M)
        return int(sum(float(value) for value in counted))


class Exporter:
    """A capacity exporter that listens."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        began = time.monotonic()
        self._process = subprocess.Popen(
            [
                str(ROOT / ".venv/bin/citycloud-capacity-exporter"), "--listen", f"127.0.0.1:{self.port}",
                *arguments,
            ],
            env={"PATH": os.environ["PATH"], **environment}, cwd=ROOT,
        )  # fmt: skip
        while time.monotonic() - began < START_SECONDS:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                break
            if self._process.poll() is not None:
                raise SystemExit(f"the exporter did not start: exit {self._process.returncode}")
            time.sleep(0.01)
        self.start_seconds = time.monotonic() - began

    def __enter__(self) -> Exporter:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.terminate()
        self._process.wait()

    def scrape(self, timeout: float = 10.0, *, gives_up: float | None = None) -> Scrape:
        """As Prometheus asks; `gives_up` seconds later the client hangs up and raises TimeoutError."""
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout), "Accept": "text/plain;version=0.0.4"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers=headers)
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=gives_up or 120) as reply:
            body = reply.read()
        return Scrape(time.monotonic() - began, body)

    def complete(self, timeout: float = 10.0) -> Scrape:
        """Scrapes until every collector has read everything; `seconds` are those of the whole wait."""
        began = time.monotonic()
        while True:
            found = self.scrape(timeout)
            if not found.failing:
                return Scrape(time.monotonic() - began, found.body)
            if time.monotonic() - began > START_SECONDS * 2:
                raise SystemExit(f"these collectors never succeeded: {found.failing}")
            time.sleep(0.1)

    @property
    def peak_bytes(self) -> int:
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        (found,) = re.findall(r"^VmHWM:\s+(\d+) kB", text, re.M)
        return int(found) * 1024

    @property
    def cpu_seconds(self) -> float:
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / TICK

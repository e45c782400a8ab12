"""A real Prometheus and a real Alertmanager on loopback, fed by what a test says that the exporters say.

Alertmanager holds what the test posts and nothing else, so that what a view shows does not depend on time.

`python -m tests.monitoring.stand` keeps one running with the scene of a city, to look at the views by hand.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring/rules"
PATIENCE_SECONDS = 60
Exposition = Callable[[], str]


@dataclass(frozen=True)
class Target:
    """What Prometheus scrapes: a job, its further labels, and what it says (None: it is down)."""

    job: str
    exposition: Exposition | None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass
class Stand:
    """Where the two listen."""

    prometheus: str
    alertmanager: str

    def post_alert(self, labels: Mapping[str, str], annotations: Mapping[str, str], started: float) -> None:
        """Give Alertmanager an alert, as Prometheus would."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
        alert = {"labels": dict(labels), "annotations": dict(annotations), "startsAt": moment}
        request = urllib.request.Request(
            f"{self.alertmanager}/api/v2/alerts",
            data=json.dumps([alert]).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=60).close()

    def wait_for(self, expression: str) -> None:
        """Until an expression has a value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        url = f"{self.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        while not _json(url)["data"]["result"]:
            assert time.monotonic() < deadline, f"{expression} never came"
            time.sleep(0.2)


@contextlib.contextmanager
def stand(
    folder: Path, targets: Sequence[Target], history: str = "", rules: Sequence[Path] = ()
) -> Iterator[Stand]:
    """Start both; `history` is OpenMetrics text with times, read in as blocks before Prometheus starts."""
    data = folder / "prometheus"
    data.mkdir()
    if history:
        (folder / "history.om").write_text(history, encoding="utf-8")
        _read_in(folder / "history.om", data)
    served = _serve(targets)
    prometheus, alertmanager = _free_port(), _free_port()
    _configure(folder, targets, served.server_port, rules)
    try:
        with (
            _running(folder, "alertmanager", alertmanager, "/-/ready", [
                f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager",
                f"--web.listen-address=127.0.0.1:{alertmanager}", "--cluster.listen-address=",
            ]),
            _running(folder, "prometheus", prometheus, "/-/ready", [
                f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{prometheus}", "--storage.tsdb.retention.time=400d",
            ]),
        ):  # fmt: skip
            yield Stand(f"http://127.0.0.1:{prometheus}", f"http://127.0.0.1:{alertmanager}")
    finally:
        served.shutdown()
        served.server_close()


def _read_in(history: Path, data: Path) -> None:
    """One block for all: promtool reads the whole file once for each block."""
    _run(
        "promtool", "tsdb", "create-blocks-from", "--max-block-duration=1440h", "openmetrics",
        str(history), str(data),
    )  # fmt: skip


def _configure(folder: Path, targets: Sequence[Target], served: int, rules: Sequence[Path]) -> None:
    jobs: dict[str, dict[str, Any]] = {}
    for number, target in enumerate(targets):
        jobs[f"{target.job}-{number}"] = {
            "job_name": f"{target.job}-{number}",
            "metrics_path": f"/{number}",
            "static_configs": [{"targets": [f"127.0.0.1:{served}"], "labels": dict(target.labels)}],
            "relabel_configs": [{"target_label": "job", "replacement": target.job}],
        }
    configuration = {
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"site": "stand"},
        },
        "rule_files": [str(path) for path in rules],
        "scrape_configs": list(jobs.values()),
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    routes = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(routes), encoding="utf-8")


def _serve(targets: Sequence[Target]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            says = targets[int(self.path.strip("/"))].exposition
            self.send_response(503 if says is None else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            if says is not None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # Prometheus stops first
                    self.wfile.write(says().encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Scrapes are not news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@contextlib.contextmanager
def _running(folder: Path, name: str, port: int, ready: str, arguments: Sequence[str]) -> Iterator[None]:
    with (folder / f"{name}.log").open("w") as log:
        program = "prometheus-alertmanager" if name == "alertmanager" else name  # as Debian names them
        process = subprocess.Popen([program, *arguments],
                                   stdout=log, stderr=log)  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _answers(f"http://127.0.0.1:{port}{ready}"):
            assert process.poll() is None, (folder / f"{name}.log").read_text()[-3000:]
            assert time.monotonic() < deadline, f"{name} does not become ready"
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


if __name__ == "__main__":
    from tests.monitoring.scene import a_city

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that both are stopped
    with a_city(Path(sys.argv[1])) as made:
        print(made.prometheus, made.alertmanager, flush=True)
        signal.pause()

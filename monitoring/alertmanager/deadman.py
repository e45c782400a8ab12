"""The dead man's switch: hears the alert Watchdog from Alertmanager, and calls people when it stops coming.

It runs on another server than Prometheus and Alertmanager and shares nothing with them: its own mail, its own
webhook, no database. The last heartbeat is kept in a file, so that a server that restarts again and again
does not start waiting anew each time.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import click
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from monitoring.alertmanager.calling import CallFailed, MailWay, Notice, Way, WebhookWay
from monitoring.alertmanager.heartbeat import Call, Heartbeat

log = logging.getLogger("citycloud-deadman")
WATCHDOG = "Watchdog"
MAX_BODY = 1 << 20
EXIT_CONFIG = 2


class DeadmanConfig(BaseModel):
    """The file that the role `deadman` writes. Empty strings: that way is not there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    listen: Annotated[str, StringConstraints(pattern=r"^.+:\d+$")]
    limit_seconds: float = Field(gt=0)
    repeat_seconds: float = Field(gt=0)
    monitoring: list[str] = Field(default_factory=list)
    webhook_url: str = Field(default="", repr=False)
    smarthost: Annotated[str, StringConstraints(pattern=r"^(.+:\d+)?$")] = ""
    sender: str = ""
    recipients: list[str] = Field(default_factory=list)
    username: str = ""
    password: str = Field(default="", repr=False)

    def ways(self) -> dict[str, Way]:
        found: dict[str, Way] = {}
        if self.smarthost and self.recipients:
            found["email"] = MailWay(
                self.smarthost, self.sender, tuple(self.recipients), self.username, self.password
            )
        if self.webhook_url:
            found["webhook"] = WebhookWay(self.webhook_url)
        return found


class Deadman:
    """Heartbeats come in by any thread; `look` is called by one. `clock` never jumps, `wall` is the date."""

    def __init__(
        self,
        config: DeadmanConfig,
        ways: dict[str, Way],
        state_file: Path,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._config, self._ways, self._state_file = config, ways, state_file
        self._clock, self._wall = clock, wall
        self._lock = threading.Lock()
        self.last_heartbeat = _read(state_file)
        silent = max(0.0, wall() - self.last_heartbeat) if self.last_heartbeat else 0.0
        self._heartbeat = Heartbeat(config.limit_seconds, config.repeat_seconds, clock() - silent)
        self._calls = {(way, result): 0 for way in ways for result in ("ok", "failed")}

    def heard(self) -> None:
        with self._lock:
            self._heartbeat.heard(self._clock())
            self.last_heartbeat = self._wall()
            _write(self._state_file, self.last_heartbeat)

    def look(self) -> None:
        """Calls people if it is time. Whoever was not reached is tried again at the next look; one way that
        works is enough.
        """
        with self._lock:
            call = self._heartbeat.due(self._clock())
            silence = self._heartbeat.silence(self._clock())
        if call is None:
            return
        notice = self._notice(call, silence)
        log.warning("%s", notice.subject)
        reached = [name for name, way in self._ways.items() if self._try(name, way, notice)]
        if reached or not self._ways:
            with self._lock:
                self._heartbeat.told(call, self._clock())

    def _try(self, name: str, way: Way, notice: Notice) -> bool:
        try:
            way(notice)
        except CallFailed as failed:
            log.error("%s", failed)  # noqa: TRY400 - the sentence is enough
            self._calls[name, "failed"] += 1
            return False
        self._calls[name, "ok"] += 1
        return True

    def _notice(self, call: Call, silence: float) -> Notice:
        site, where = self._config.site, ", ".join(self._config.monitoring) or "the monitoring server"
        labels = {
            "alertname": "HeartbeatMissing",
            "severity": "page",
            "site": site,
            "owner": "cloud-operations",
        }
        if call == "heard":
            text = f"The alert {WATCHDOG} arrives again. Look at what was missed at Prometheus on {where}."
            return Notice(f"[resolved] {site}: monitoring can be heard again", text, False, labels)
        text = (
            f"For {silence / 60:.0f} minutes {site} has sent no heartbeat from Prometheus and Alertmanager.\n"
            f"Until this is mended nobody is told of any other fault. Look at {where}:\n"
            "  systemctl status prometheus prometheus-alertmanager\n"
            "  df -h /var/lib/prometheus\n"
            "What to do is in monitoring/runbooks/Watchdog.md of City Cloud's checkout on the deploy host.\n"
        )
        return Notice(
            f"[page] {site}: MONITORING IS SILENT, nobody would be told of a fault", text, True, labels
        )

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            alarm = self._heartbeat.called_at is not None
        yield GaugeMetricFamily(
            "city_deadman_last_heartbeat_timestamp_seconds",
            "When the last heartbeat came, 0 for never.",
            value=self.last_heartbeat,
        )
        yield GaugeMetricFamily(
            "city_deadman_silence_limit_seconds",
            "Silence after which it calls people.",
            value=self._config.limit_seconds,
        )
        yield GaugeMetricFamily(
            "city_deadman_alarm", "Whether it has called people and heard nothing since.", value=alarm
        )
        calls = CounterMetricFamily("city_deadman_calls", "Calls that it made.", labels=["way", "result"])
        for labels, count in self._calls.items():
            calls.add_metric(list(labels), count)
        yield calls


def is_heartbeat(body: bytes) -> bool:
    """Whether Alertmanager says that Watchdog fires. Anything else that is sent here counts as nothing."""
    try:
        alerts = json.loads(body)["alerts"]
        return any(one["status"] == "firing" and one["labels"].get("alertname") == WATCHDOG for one in alerts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def serve(deadman: Deadman, address: str, port: int) -> ThreadingHTTPServer:
    """POST /heartbeat and GET /metrics; the caller runs and closes it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(deadman)

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/heartbeat" or not length.isdigit() or int(length) > MAX_BODY:
                self._answer(404 if self.path != "/heartbeat" else 400, b"")
            elif is_heartbeat(self.rfile.read(int(length))):
                deadman.heard()
                self._answer(200, b"heard\n")
            else:
                self._answer(400, b"not a heartbeat\n")

        def do_GET(self) -> None:
            found = self.path == "/metrics"
            self._answer(
                200 if found else 404, generate_latest(registry) if found else b"", CONTENT_TYPE_LATEST
            )

        def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A line for each heartbeat would be the whole log."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    return server


@click.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path), required=True, help="JSON file.")
@click.option(
    "--state-file", type=click.Path(path_type=Path), required=True, help="Keeps the last heartbeat."
)
def main(config_file: Path, state_file: Path) -> None:
    """Call people when the alert Watchdog stops coming."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        config = DeadmanConfig.model_validate_json(config_file.read_bytes())
    except (OSError, ValidationError) as error:
        # Pydantic quotes the input, which may be the password.
        told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()] if isinstance(
            error, ValidationError
        ) else [str(error)]  # fmt: skip
        click.echo(f"citycloud-deadman: {config_file}: {'; '.join(told)}", err=True)
        sys.exit(EXIT_CONFIG)
    ways = config.ways()
    if not ways:
        log.warning("no way to call anybody is set: an alarm will stand in this journal only")
    deadman = Deadman(config, ways, state_file)
    address, _, port = config.listen.rpartition(":")
    server = serve(deadman, address.strip("[]"), int(port))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while not stop.wait(min(15.0, config.limit_seconds / 10)):
        deadman.look()
    server.shutdown()


def _read(state_file: Path) -> float:
    try:
        return float(state_file.read_text())
    except (OSError, ValueError):
        return 0.0


def _write(state_file: Path, moment: float) -> None:
    fresh = state_file.with_suffix(".new")
    fresh.write_text(f"{moment:.0f}\n")
    os.replace(fresh, state_file)


if __name__ == "__main__":
    main()

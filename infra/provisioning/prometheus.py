"""What a site's Prometheus and Alertmanager say, over their HTTP APIs on the management network."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, cast

from infra.errors import InfraError

CALL_SECONDS = 5.0
PROMETHEUS_PORT, ALERTMANAGER_PORT = 9090, 9093
PAGE, HEARTBEAT = "page", "heartbeat"  # severities: wakes somebody; fires always, to prove that alerts arrive


class MonitoringUnreachable(InfraError):
    """Prometheus or Alertmanager does not answer; see `systemctl status prometheus` on the monitoring
    server."""

    code = "monitoring_unreachable"


@dataclass(frozen=True)
class MonitoringTarget:
    """Something Prometheus scrapes. `error` is its last error, "" if it is up."""

    job: str
    instance: str
    up: bool
    error: str = ""


@dataclass(frozen=True)
class FiringAlert:
    """An alert as Alertmanager has it; `labels` without the alert's name and severity."""

    name: str
    severity: str
    summary: str
    since: str
    labels: dict[str, str]


def read_targets(address: str) -> list[MonitoringTarget]:
    """Every active target. Raises MonitoringUnreachable."""
    answer = _get(f"http://{address}:{PROMETHEUS_PORT}/api/v1/targets?state=active")
    return sorted(
        (
            MonitoringTarget(
                job=item["labels"].get("job", ""),
                instance=item["labels"].get("instance", ""),
                up=item["health"] == "up",
                error=item.get("lastError", ""),
            )
            for item in answer["data"]["activeTargets"]
        ),
        key=lambda target: (target.job, target.instance),
    )


def read_alerts(address: str) -> list[FiringAlert]:
    """Alerts that fire and are not silenced or inhibited. Raises MonitoringUnreachable."""
    url = f"http://{address}:{ALERTMANAGER_PORT}/api/v2/alerts?active=true&silenced=false&inhibited=false"
    return sorted((_alert(item) for item in _get(url)), key=lambda alert: (alert.severity, alert.name))


def read_workload_up(address: str, server_id: str) -> bool | None:
    """Whether all probes of a server are good, None while monitoring does not know the server. Raises
    MonitoringUnreachable.
    """
    query = urllib.parse.urlencode({"query": f'city_workload_up{{server_id="{server_id}"}}'})
    found = _get(f"http://{address}:{PROMETHEUS_PORT}/api/v1/query?{query}")["data"]["result"]
    return all(float(one["value"][1]) == 1.0 for one in found) if found else None


def _alert(item: dict[str, Any]) -> FiringAlert:
    labels = dict(item["labels"])
    return FiringAlert(
        name=labels.pop("alertname", ""),
        severity=labels.pop("severity", ""),
        summary=item["annotations"].get("summary", ""),
        since=item["startsAt"],
        labels=labels,
    )


def _get(url: str) -> Any:
    # no proxy: the address is on the management network, whatever the deploy host uses to reach the world
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=CALL_SECONDS) as answer:
            return cast(Any, json.load(answer))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise MonitoringUnreachable(f"{url.partition('?')[0]}: {error}") from error

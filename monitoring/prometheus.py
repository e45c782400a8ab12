"""A site's Prometheus and Alertmanager, asked over their HTTP APIs: now, over a time, and what fires.

Times are seconds since 1970. Staff's views (`citycloud top`, ops pages, dashboards' tests) read through here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from infra.errors import InfraError

CALL_SECONDS = 5.0
CONNECT_SECONDS = 2.0


class MonitoringUnreachable(InfraError):
    """Prometheus or Alertmanager does not answer; see `systemctl status prometheus prometheus-alertmanager`
    on the monitoring server."""

    code = "monitoring_unreachable"


class QueryRefused(InfraError):
    """Prometheus does not take a query: a defect of City Cloud, or a Prometheus that is too old."""

    code = "query_refused"


@dataclass(frozen=True)
class Sample:
    """A series' value at a moment; `labels` without the metric's name."""

    labels: Mapping[str, str]
    value: float

    def label(self, name: str) -> str:
        """The label's value, "" where there is none."""
        return self.labels.get(name, "")


@dataclass(frozen=True)
class Series:
    """A series over a time: (time, value), oldest first; steps without a sample are left out."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Alert:
    """What fires, by the words of its rule; `summary_vi` and `action_vi` are for an agency, "" where there
    are none. `silenced` and `inhibited` are Alertmanager's."""

    name: str
    severity: str
    summary: str
    description: str
    runbook_url: str
    owner: str
    started: float
    labels: Mapping[str, str] = field(default_factory=dict)
    silenced: bool = False
    inhibited: bool = False
    summary_vi: str = ""
    action_vi: str = ""


class Prometheus:
    """One Prometheus; connections are kept. Every call raises MonitoringUnreachable or QueryRefused.
    `transport` brings queries there in another way than over the network.
    """

    def __init__(
        self, url: str, seconds: float = CALL_SECONDS, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._http = _client(self.url, seconds, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def query(self, expression: str, at: float | None = None) -> tuple[Sample, ...]:
        """What an expression is now, or was `at`; a scalar is one sample without labels."""
        given = {"query": expression} if at is None else {"query": expression, "time": f"{at:.3f}"}
        data = self._read("/api/v1/query", given)
        if data["resultType"] == "scalar":
            return (Sample({}, float(data["result"][1])),)
        return tuple(Sample(_labels(item["metric"]), float(item["value"][1])) for item in data["result"])

    def query_range(self, expression: str, start: float, end: float, step: float) -> tuple[Series, ...]:
        """An expression from `start` to `end`, every `step` seconds."""
        given = {
            "query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}",
        }  # fmt: skip
        return tuple(
            Series(_labels(item["metric"]), tuple((float(at), float(value)) for at, value in item["values"]))
            for item in self._read("/api/v1/query_range", given)["result"]
        )

    def alerts(self) -> tuple[Alert, ...]:
        """What fires by Prometheus' own word: without silences, and also when Alertmanager is down."""
        found = self._read("/api/v1/alerts", {})["alerts"]
        return tuple(_alert(item, item["activeAt"]) for item in found if item["state"] == "firing")

    def _read(self, path: str, given: Mapping[str, str]) -> Any:
        answer = _get(self._http, path, given)
        if answer.get("status") != "success":
            raise QueryRefused(f"{self.url}{path}: {given.get('query', '')}: {answer.get('error', answer)}")
        return answer["data"]


class Alertmanager:
    """One Alertmanager; connections are kept. Every call raises MonitoringUnreachable."""

    def __init__(self, url: str, seconds: float = CALL_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._http = _client(self.url, seconds)

    def close(self) -> None:
        self._http.close()

    def alerts(self) -> tuple[Alert, ...]:
        """Every alert that it holds, the silenced and inhibited ones too."""
        found = _get(self._http, "/api/v2/alerts", {})
        return tuple(
            _alert(
                item, item["startsAt"],
                silenced=bool(item["status"]["silencedBy"]), inhibited=bool(item["status"]["inhibitedBy"]),
            )
            for item in found
        )  # fmt: skip


def latest(samples: Iterable[Sample], *labels: str) -> dict[tuple[str, ...], float]:
    """Samples by some of their labels."""
    return {tuple(sample.label(name) for name in labels): sample.value for sample in samples}


def _client(url: str, seconds: float, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    # trust_env: no proxy of the caller's environment stands between staff and the management network
    return httpx.Client(
        base_url=url, timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)), trust_env=False,
        transport=transport,
    )  # fmt: skip


def _get(http: httpx.Client, path: str, given: Mapping[str, str]) -> Any:
    """The answer's JSON; one that says why it is an error (400, 422) is an answer too."""
    try:
        answer = http.get(path, params=dict(given))
        if answer.status_code not in (200, 400, 422):
            raise MonitoringUnreachable(f"{_place(http, path)}: status {answer.status_code}")
        return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise MonitoringUnreachable(
            f"{_place(http, path)} does not answer: {str(error) or type(error).__name__}"
        ) from error


def _place(http: httpx.Client, path: str) -> str:
    return str(http.base_url).rstrip("/") + path


def _labels(metric: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in metric.items() if name != "__name__"}


def _alert(
    item: Mapping[str, Any], started: str, *, silenced: bool = False, inhibited: bool = False
) -> Alert:
    labels, texts = dict(item["labels"]), item["annotations"]
    return Alert(
        name=labels.pop("alertname", ""),
        severity=labels.pop("severity", ""),
        owner=labels.pop("owner", ""),
        summary=texts.get("summary", ""),
        description=texts.get("description", ""),
        runbook_url=texts.get("runbook_url", ""),
        started=moment(started),
        labels=labels,
        silenced=silenced,
        inhibited=inhibited,
        summary_vi=texts.get("summary_vi", ""),
        action_vi=texts.get("action_vi", ""),
    )


def moment(text: str) -> float:
    """A time as Prometheus and Alertmanager write it (RFC 3339, any number of decimals)."""
    return dt.datetime.fromisoformat(text).timestamp()

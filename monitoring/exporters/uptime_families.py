"""The families of the uptime exporter: what nova says of servers, what probes saw, what the catalog
promises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from infra.cloud.api_status import ApiStatus
from infra.cloud.server_status import ServerStatus
from infra.domain.catalog import Catalog
from infra.domain.probe import HttpProbe
from monitoring.exporters.snapshot import counter, gauge
from monitoring.exporters.workload_record import CONDITIONS, DOWN, UP, ProbeRecord, Record

SERVER = ("agency", "project", "server", "server_id")
_DAY = 86400


def status_families(
    statuses: Iterable[ServerStatus], records: Mapping[str, Record], catalog: Catalog
) -> Iterator[Metric]:
    """What nova says of each server."""
    state = gauge(
        "city_workload_state",
        "1 for the state that the agency's server is in (nova servers).",
        *SERVER, "state",
    )  # fmt: skip
    expected = gauge(
        "city_workload_expected",
        "Whether the server ought to answer: not stopped by its agency, has an address and probes.",
        *SERVER,
    )
    info = gauge(
        "city_workload_info",
        "1 for each server, with its address, hypervisor and catalog item (nova servers).",
        *SERVER, "address", "hypervisor", "item",
    )  # fmt: skip
    stopped = gauge(
        "city_workload_stopped",
        "1 for who stopped a server that does not run: agency, platform, nobody, unknown (nova actions).",
        *SERVER, "by",
    )  # fmt: skip
    for status in statuses:
        labels, item = server_labels(status), catalog.server_item(status.item)
        record = records.get(status.id)
        ought = record.expected if record is not None else status.expected and bool(item.probes)
        state.add_metric([*labels, status.state], 1)
        expected.add_metric(labels, ought)
        info.add_metric([*labels, status.address, status.hypervisor, item.name], 1)
        if status.stopped_by:
            stopped.add_metric([*labels, status.stopped_by], 1)
    yield from (state, expected, info, stopped)


def condition_families(statuses: Iterable[ServerStatus], records: Mapping[str, Record]) -> Iterator[Metric]:
    """What is held of each server. One that is not expected or of which nothing is known has no `up`: unknown
    is neither up nor down. One that the watch has not taken in yet has no seconds either: a counter that
    shows 0 before what it remembers would be a reset."""
    up = gauge(
        "city_workload_up",
        "Whether all probes of the server that could be made were good at their last look (own probes).",
        *SERVER,
    )
    since = gauge(
        "city_workload_since_timestamp_seconds",
        "When the server came to be in its condition, as far as probes can tell.",
        *SERVER, "condition",
    )  # fmt: skip
    seconds = counter(
        "city_workload_condition_seconds",
        "Seconds that the server was in the condition; time in which the exporter did not run is in none.",
        *SERVER, "condition",
    )  # fmt: skip
    for status in statuses:
        record = records.get(status.id)
        if record is None:
            continue
        labels = server_labels(status)
        for condition in CONDITIONS:
            seconds.add_metric([*labels, condition], record.seconds.get(condition, 0.0))
        if record.condition:
            since.add_metric([*labels, record.condition], record.since)
        if record.condition in (UP, DOWN):
            up.add_metric(labels, record.condition == UP)
    yield from (up, since, seconds)


class ProbeFamilies:
    """What each probe saw."""

    def __init__(self) -> None:
        labels = (*SERVER, "probe")
        self.up = gauge(
            "city_workload_probe_up", "Whether the probe was good at its last look (own probe).", *labels
        )
        self.duration = gauge(
            "city_workload_probe_duration_seconds", "Time that the probe last took (own probe).", *labels
        )
        self.phase = gauge(
            "city_workload_probe_phase_seconds", "Time that a phase of the probe last took (own probe).",
            *labels, "phase",
        )  # fmt: skip
        self.reason = gauge(
            "city_workload_down_reason", "1 for why the probe last failed; absent when it did not.",
            *labels, "reason",
        )  # fmt: skip
        self.certificate = gauge(
            "city_workload_certificate_expiry_timestamp_seconds",
            "When the certificate that the probe last saw expires (own probe).",
            *labels,
        )
        self.good = counter("city_workload_probes_good", "Probes of the server that were good.", *labels)
        self.total = counter(
            "city_workload_probes",
            "Probes of the server; none are made while it is not expected to answer.",
            *labels,
        )

    def add(self, status: ServerStatus, probe: str, record: ProbeRecord, condition: str) -> None:
        """One probe of one server. What it last saw is told only while the server is up or down."""
        labels = [*server_labels(status), probe]
        self.good.add_metric(labels, record.good)
        self.total.add_metric(labels, record.total)
        last = record.last
        if last is None or condition not in (UP, DOWN) or status.lost:
            return
        self.up.add_metric(labels, last.good)
        self.duration.add_metric(labels, last.seconds)
        for phase, seconds in last.phases.items():
            self.phase.add_metric([*labels, phase], seconds)
        if last.reason:
            self.reason.add_metric([*labels, last.reason], 1)
        if last.certificate_expiry:
            self.certificate.add_metric(labels, last.certificate_expiry)

    def lost(self, status: ServerStatus) -> None:
        """A server that somebody else than its agency stopped is down without a probe."""
        self.reason.add_metric([*server_labels(status), "", "stopped"], 1)

    def all(self) -> tuple[GaugeMetricFamily | CounterMetricFamily, ...]:
        return (self.up, self.duration, self.phase, self.reason, self.certificate, self.good, self.total)


def probe_families(
    statuses: Iterable[ServerStatus], records: Mapping[str, Record], catalog: Catalog
) -> Iterator[Metric]:
    """What the probes of each server's item saw; nothing of a server that the watch has not taken in yet."""
    families = ProbeFamilies()
    for status in statuses:
        record = records.get(status.id)
        if record is None:
            continue
        for probe in catalog.server_item(status.item).probes:
            seen = record.probes.get(probe.name, ProbeRecord())
            families.add(status, probe.name, seen, record.condition)
        if status.lost and record.condition == DOWN:
            families.lost(status)
    yield from families.all()


def fairness_families(lateness: Mapping[str, float], impossible: Mapping[str, int]) -> Iterator[Metric]:
    """Whether we keep up with what is to be probed."""
    late = gauge(
        "city_agency_probe_lateness_seconds",
        "Longest time that a probe of the agency waited for its turn, of the last minute.",
        "agency",
    )
    for agency, seconds in sorted(lateness.items()):
        late.add_metric([agency], seconds)
    failed = counter("city_exporter_probes_impossible", "Probes that could not be made, by reason.", "reason")
    for reason, count in sorted(impossible.items()):
        failed.add_metric([reason], count)
    yield from (late, failed)


def catalog_families(catalog: Catalog) -> Iterator[Metric]:
    """What the catalog declares and promises."""
    declared = gauge(
        "city_catalog_probe_info", "1 for each probe that a catalog item declares (catalog.yaml).",
        "item", "probe", "kind",
    )  # fmt: skip
    objective = gauge(
        "city_catalog_objective_ratio",
        "Share of expected time that the item promises to be up (catalog.yaml).",
        "item",
    )
    window = gauge(
        "city_catalog_objective_window_seconds",
        "Time over which the item promises it (catalog.yaml).",
        "item",
    )
    for item in catalog.items:
        for probe in item.probes:
            kind = "https" if isinstance(probe, HttpProbe) and probe.tls else probe.kind
            declared.add_metric([item.name, probe.name, kind], 1)
        if item.slo is not None:
            objective.add_metric([item.name], item.slo.ratio)
            window.add_metric([item.name], item.slo.window_days * _DAY)
    yield from (declared, objective, window)


def discovery_families(targets: int, read_at: float) -> Iterator[Metric]:
    """How full and how old the list of targets is."""
    count = gauge("city_discovery_targets", "Targets that the discovery of workloads lists.")
    count.add_metric([], targets)
    age = gauge(
        "city_discovery_last_success_timestamp_seconds",
        "When the list that the discovery serves was read; 0 before the first (nova servers).",
    )
    age.add_metric([], read_at)
    yield from (count, age)


def api_families(answers: Iterable[ApiStatus]) -> Iterator[Metric]:
    """Whether each API of the catalog answers."""
    up = gauge(
        "city_api_up",
        "Whether the API answers at its public address with a status under 500 (own probe).",
        "service",
    )
    duration = gauge(
        "city_api_probe_duration_seconds", "Time until the API answered or failed to.", "service"
    )
    for answer in answers:
        up.add_metric([answer.service], answer.up)
        duration.add_metric([answer.service], answer.seconds)
    yield from (up, duration)


def server_labels(status: ServerStatus) -> list[str]:
    """The values of SERVER."""
    return [status.project.agency, status.project.name, status.name, status.id]

"""The operations overview: what staff must know first, read from Prometheus and Alertmanager at one moment.

`citycloud top` and the ops pages show it. What is not known is None or absent, never zero: a hypervisor of
which nova says nothing is unknown, and an agency without an SLO has no budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitoring.prometheus import (
    Alert,
    Alertmanager,
    MonitoringUnreachable,
    Prometheus,
    QueryRefused,
    Sample,
    latest,
)

PAGE, NOTICE, HEARTBEAT = "page", "notice", "heartbeat"
GROUND = frozenset({"networks", "routers", "security_groups"})
"""Quotas that a landing zone itself takes most of: full is how they should be."""
# What the overview asks, by name. Every query aggregates: two monitoring servers, or a restarted exporter's
# old and new series, must not count twice.
QUERIES = {
    "apis": "max by (service) (city_api_up)",
    "ages": "max by (collector) (collector:city_exporter_snapshot_age:seconds)",
    "age_limits": "max by (collector) (clamp_min(5 * city_exporter_collector_interval_seconds, 60))",
    "service_up": "max by (hypervisor) (city_hypervisor_service_up)",
    "service_enabled": "max by (hypervisor) (city_hypervisor_service_enabled)",
    "reachable": 'max by (hypervisor) (up{job="hypervisor"})',
    "allocatable": """max by (hypervisor, resource_class) (city_hypervisor_allocatable_units)
        or max by (hypervisor, resource_class) (city_hypervisor_allocatable_bytes)""",
    "used": """max by (hypervisor, resource_class) (city_hypervisor_used_units)
        or max by (hypervisor, resource_class) (city_hypervisor_used_bytes)""",
    "servers": "count by (agency) (max by (agency, server_id) (city_workload_expected))",
    "expected": "sum by (agency) (max by (agency, server_id) (city_workload_expected))",
    "answering": """sum by (agency) (max by (agency, server_id) (city_workload_expected) == 1
        and on (server_id) city_workload_up == 1)""",
    "quota": f"""max by (agency, resource) (
        city_agency_usage_units{{agency!="",resource!~"{"|".join(sorted(GROUND))}"}}
        / (city_agency_quota_units > 0)
        or city_agency_usage_bytes{{agency!=""}} / (city_agency_quota_bytes > 0))""",
    "budget": 'min by (agency) (slo:city_budget_left:ratio{agency!=""})',
}


@dataclass(frozen=True)
class Use:
    """Of a resource class: what Placement hands out and what servers hold; bytes or a count."""

    allocatable: float
    used: float

    @property
    def free(self) -> float:
        return max(0.0, self.allocatable - self.used)

    @property
    def ratio(self) -> float:
        """Used of allocatable; 1 where there is nothing to hand out."""
        return self.used / self.allocatable if self.allocatable > 0 else 1.0


@dataclass(frozen=True)
class HypervisorState:
    """`state`: up, down (nova does not hear it), unreachable (its node exporter neither), disabled."""

    name: str
    state: str
    uses: Mapping[str, Use] = field(default_factory=dict)


@dataclass(frozen=True)
class AgencyState:
    """`down` are workloads that ought to answer and do not; `idle` those that nobody expects to."""

    code: str
    up: int
    down: int
    idle: int
    quota_resource: str = ""
    quota_ratio: float | None = None
    budget_left: float | None = None


@dataclass(frozen=True)
class Overview:
    """`taken` in seconds since 1970; `ages` in seconds by collector, `stale` those past their limit;
    `problems` says what could not be read."""

    taken: float
    apis: Mapping[str, bool]
    alerts: tuple[Alert, ...]
    ages: Mapping[str, float]
    stale: tuple[str, ...]
    hypervisors: tuple[HypervisorState, ...]
    agencies: tuple[AgencyState, ...]
    problems: tuple[str, ...] = ()

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Alerts for people: not the heartbeat, not what is silenced or follows from another."""
        return tuple(
            alert
            for alert in self.alerts
            if alert.severity != HEARTBEAT and not alert.silenced and not alert.inhibited
        )

    def count(self, severity: str) -> int:
        return sum(alert.severity == severity for alert in self.firing)

    @property
    def hushed(self) -> int:
        """Alerts that fire and that nobody is told of: silenced or inhibited."""
        return sum(alert.silenced or alert.inhibited for alert in self.alerts)

    @property
    def apis_down(self) -> tuple[str, ...]:
        return tuple(sorted(service for service, up in self.apis.items() if not up))

    @property
    def heartbeat(self) -> bool:
        """Whether the dead man's switch fires: alerts are evaluated at all."""
        return any(alert.severity == HEARTBEAT for alert in self.alerts)

    @property
    def oldest(self) -> tuple[str, float] | None:
        """The collector whose facts are oldest, with their age."""
        return max(self.ages.items(), key=lambda item: item[1]) if self.ages else None

    def use(self, resource_class: str) -> Use | None:
        """All hypervisors that can take a server together; None if none is known."""
        held = [h.uses[resource_class] for h in self.placeable if resource_class in h.uses]
        return Use(sum(u.allocatable for u in held), sum(u.used for u in held)) if held else None

    @property
    def placeable(self) -> tuple[HypervisorState, ...]:
        return tuple(hypervisor for hypervisor in self.hypervisors if hypervisor.state == "up")


def read_overview(prometheus: Prometheus, alertmanager: Alertmanager, now: float) -> Overview:
    """Ask both. Raises MonitoringUnreachable if Prometheus does not answer; when only Alertmanager does not,
    the alerts are Prometheus' own and a problem says so."""
    problems: list[str] = []

    def ask(name: str) -> tuple[Sample, ...]:
        try:
            return prometheus.query(QUERIES[name])
        except QueryRefused as error:
            problems.append(str(error))
            return ()

    apis = {key[0]: value == 1 for key, value in latest(ask("apis"), "service").items()}
    ages = {key[0]: value for key, value in latest(ask("ages"), "collector").items()}
    limits = {key[0]: value for key, value in latest(ask("age_limits"), "collector").items()}
    try:
        alerts = alertmanager.alerts()
    except MonitoringUnreachable as error:
        alerts = prometheus.alerts()
        problems.append(f"Alertmanager does not answer, silences are not known: {error}")
    if not apis:
        problems.append("nothing is known of the APIs")
    hypervisors = _hypervisors(ask)
    if not hypervisors:
        problems.append("nothing is known of hypervisors")
    return Overview(
        taken=now,
        apis=apis,
        alerts=tuple(sorted(alerts, key=_urgency)),
        ages=ages,
        stale=tuple(sorted(name for name, age in ages.items() if age > limits.get(name, 60.0))),
        hypervisors=hypervisors,
        agencies=_agencies(ask),
        problems=tuple(problems),
    )


def _urgency(alert: Alert) -> tuple[int, float, str]:
    """Pages before notices, the oldest first."""
    order = {PAGE: 0, NOTICE: 1}
    return (order.get(alert.severity, 2), alert.started, alert.name)


def _hypervisors(ask: Callable[[str], tuple[Sample, ...]]) -> tuple[HypervisorState, ...]:
    heard = latest(ask("service_up"), "hypervisor")
    enabled = latest(ask("service_enabled"), "hypervisor")
    reachable = latest(ask("reachable"), "hypervisor")
    allocatable = latest(ask("allocatable"), "hypervisor", "resource_class")
    used = latest(ask("used"), "hypervisor", "resource_class")
    names = sorted({*heard, *reachable, *((key[0],) for key in allocatable)})
    return tuple(
        HypervisorState(
            name=key[0],
            state=_state(heard.get(key), enabled.get(key), reachable.get(key)),
            uses={
                resource_class: Use(value, used.get((name, resource_class), 0.0))
                for (name, resource_class), value in sorted(allocatable.items())
                if name == key[0]
            },
        )
        for key in names
        if key[0]
    )


def _state(heard: float | None, enabled: float | None, reachable: float | None) -> str:
    if reachable == 0 and heard != 1:
        return "unreachable"
    if heard is None:
        return "unknown"
    if heard == 0:
        return "down"
    return "disabled" if enabled == 0 else "up"


def _agencies(ask: Callable[[str], tuple[Sample, ...]]) -> tuple[AgencyState, ...]:
    servers = latest(ask("servers"), "agency")
    expected = latest(ask("expected"), "agency")
    answering = latest(ask("answering"), "agency")
    budgets = latest(ask("budget"), "agency")
    quotas: dict[str, tuple[float, str]] = {}
    for (agency, resource), ratio in latest(ask("quota"), "agency", "resource").items():
        quotas[agency] = max(quotas.get(agency, (0.0, "")), (ratio, resource))
    codes = sorted({key[0] for key in (*servers, *budgets)} | set(quotas))
    return tuple(
        AgencyState(
            code=code,
            up=int(answering.get((code,), 0)),
            down=int(expected.get((code,), 0) - answering.get((code,), 0)),
            idle=int(servers.get((code,), 0) - expected.get((code,), 0)),
            quota_resource=quotas.get(code, (0.0, ""))[1],
            quota_ratio=quotas[code][0] if code in quotas else None,
            budget_left=budgets.get((code,)),
        )
        for code in codes
    )

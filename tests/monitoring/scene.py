"""A city at 3 a.m. in numbers: what its exporters say at any time of the last thirty days.

A plain function of time, so that history and the present are one. A hypervisor is down, one is disabled, an
agency's server does not answer, an API has failed: each view must show it.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.monitoring.stand import RULES, Stand, Target, stand

Fact = tuple[str, dict[str, str], float]
MIB, GIB, DAY = 1024**2, 1024**3, 86400
HYPERVISORS = {  # name: (heard, enabled, reachable, cores, MiB, used share now)
    "hv01": (1, 1, 1, 64, 262144, 0.88),
    "hv02": (1, 1, 1, 64, 262144, 0.71),
    "hv03": (0, 1, 0, 64, 262144, 0.64),
    "hv04": (1, 0, 1, 64, 262144, 0.0),
    "hv05": (1, 1, 1, 96, 524288, 0.93),
    "hv06": (1, 1, 1, 96, 524288, 0.42),
}
SERVERS = (  # agency, server, state, condition, used by the pages
    ("sotttt", "cong-dich-vu-cong", "active", "up"),
    ("sotttt", "lgsp-truc-tich-hop", "active", "up"),
    ("sotttt", "kho-du-lieu", "active", "down"),
    ("soyt", "ho-so-suc-khoe", "active", "up"),
    ("soyt", "dang-ky-kham", "active", "up"),
    ("sotc", "ngan-sach", "active", "up"),
    ("sotc", "thu-nghiem", "stopped", "idle"),
    ("sonnptnt", "quan-trac-man", "active", "up"),
    ("vpubnd", "van-ban", "active", "up"),
    ("q-hongbang", "mot-cua", "active", "up"),
)
APIS = {"compute": 0.18, "identity": 0.06, "image": 0.09, "network": 0.21, "placement": 0.05, "volume": 0.0}
QUOTAS = {  # agency: (resource, held, limit)
    "sotttt": (("cores", 61, 64), ("instances", 14, 20), ("memory", 190 * GIB, 256 * GIB)),
    "soyt": (("cores", 24, 64), ("instances", 6, 20), ("memory", 96 * GIB, 256 * GIB)),
    "sotc": (("cores", 8, 16), ("instances", 2, 8), ("memory", 16 * GIB, 64 * GIB)),
    "sonnptnt": (("cores", 4, 16), ("instances", 1, 8), ("memory", 8 * GIB, 64 * GIB)),
    "vpubnd": (("cores", 8, 32), ("instances", 2, 8), ("memory", 32 * GIB, 64 * GIB)),
    "q-hongbang": (("cores", 4, 16), ("instances", 1, 8), ("memory", 8 * GIB, 64 * GIB)),
}
IN_VIETNAMESE = {
    "AgencyWorkloadDown": {
        "summary_vi": "Máy chủ kho-du-lieu (dự án sotttt) không phản hồi",
        "action_vi": "Bộ phận vận hành đang xử lý. Quý cơ quan chưa cần làm gì.",
    },
}
BUDGETS = {"sotttt": 0.12, "soyt": 0.97, "sotc": 1.0, "sonnptnt": 0.71, "vpubnd": 0.88, "q-hongbang": -0.2}


def workload(agency: str, server: str) -> dict[str, str]:
    return {"agency": agency, "project": agency, "server": server, "server_id": f"id-{agency}-{server}"}


def cloud(at: float, now: float) -> Iterator[Fact]:
    """What the capacity exporter says."""
    grown = 1 - 0.25 * (now - at) / (30 * DAY) + 0.02 * math.sin(at / DAY * 2 * math.pi)
    for name, (heard, enabled, _, cores, mebibytes, share) in HYPERVISORS.items():
        held = {"hypervisor": name}
        yield "city_hypervisor_service_up", held, heard if now - at < 1200 else 1
        yield "city_hypervisor_service_enabled", held, enabled
        for resource_class, unit, allocatable in (
            ("VCPU", "units", cores * 4.0),
            ("MEMORY_MB", "bytes", (mebibytes - 16384.0) * MIB),
            ("DISK_GB", "bytes", 3600.0 * GIB),
        ):
            labels = {**held, "resource_class": resource_class}
            used = allocatable * share * grown * (0.6 if resource_class == "DISK_GB" else 1)
            yield f"city_hypervisor_allocatable_{unit}", labels, allocatable
            yield f"city_hypervisor_used_{unit}", labels, float(int(used))
    yield from totals(grown)
    for flavor, servers in {"m1.small": 412, "m1.medium": 198, "m1.large": 46, "m1.xlarge": 2}.items():
        yield "city_flavor_capacity_servers", {"flavor": flavor}, servers
    for agency, quotas in QUOTAS.items():
        for resource, used, limit in quotas:
            unit = "bytes" if resource == "memory" else "units"
            labels = {"agency": agency, "project": agency, "resource": resource}
            yield f"city_agency_usage_{unit}", labels, used
            yield f"city_agency_quota_{unit}", labels, limit
    yield from standing(at, ("services", "capacity", "quotas"), 30)


def totals(grown: float) -> Iterator[Fact]:
    """What the capacity exporter sums up and judges."""
    for resource_class, unit, schedulable in (
        ("VCPU", "units", 1280.0), ("MEMORY_MB", "bytes", 1472.0 * GIB), ("DISK_GB", "bytes", 14400.0 * GIB),
    ):  # fmt: skip
        labels = {"resource_class": resource_class}
        used = schedulable * 0.73 * grown
        yield f"city_cloud_schedulable_{unit}", labels, schedulable
        yield f"city_cloud_used_{unit}", labels, float(int(used))
        yield f"city_cloud_free_{unit}", labels, float(int(schedulable - used))
        yield f"city_cloud_committed_{unit}", labels, schedulable * 1.31
        yield f"city_cloud_free_without_largest_{unit}", labels, float(int(schedulable * 0.7 - used))
    for name in HYPERVISORS:
        labels = {"hypervisor": name, "resource_class": "MEMORY_MB"}
        yield "city_hypervisor_stranded_bytes", labels, (6.0 if name == "hv05" else 0.0) * GIB
        yield "city_placement_orphaned_allocations", {"hypervisor": name}, 0
    yield "city_largest_hypervisor_loss_absorbable", {}, 0
    yield "city_largest_hypervisor_info", {"hypervisor": "hv05"}, 1
    for zone, absorbable in (("nha-a", 1), ("nha-b", 0)):
        yield "city_zone_loss_absorbable", {"availability_zone": zone}, absorbable
    yield "city_largest_fitting_flavor_info", {"flavor": "m1.xlarge"}, 1
    yield "city_volume_pool_capacity_bytes", {"pool": "ssd", "backend": "lvm"}, 20_000.0 * GIB
    yield "city_volume_pool_free_bytes", {"pool": "ssd", "backend": "lvm"}, 7_300.0 * GIB
    yield "city_floating_ip_pool_addresses", {"network": "public", "network_id": "n1"}, 254
    yield "city_floating_ip_pool_used_addresses", {"network": "public", "network_id": "n1"}, 61


def servers(at: float, now: float) -> Iterator[Fact]:
    """What a controller's node exporter says, of which views ask."""
    for mode, share in (("idle", 0.7), ("user", 0.3)):
        yield "node_cpu_seconds_total", {"cpu": "0", "mode": mode}, (at - now + 40 * DAY) * share
    yield "node_memory_MemTotal_bytes", {}, 64.0 * GIB
    yield "node_memory_MemAvailable_bytes", {}, 23.0 * GIB
    yield "node_filesystem_size_bytes", {"mountpoint": "/"}, 400.0 * GIB
    yield "node_filesystem_avail_bytes", {"mountpoint": "/"}, 290.0 * GIB
    yield "city_database_members", {}, 3
    yield "city_database_members_expected", {}, 3
    yield "city_backup_last_success_timestamp_seconds", {"kind": "database"}, now - 7 * 3600
    yield "city_certificate_expiry_timestamp_seconds", {"name": "api"}, now + 58 * DAY


def workloads(at: float, now: float) -> Iterator[Fact]:
    """What the uptime exporter says."""
    for agency, server, state, condition in SERVERS:
        labels = workload(agency, server)
        down = condition == "down" and now - at < 2400
        yield "city_workload_state", {**labels, "state": state}, 1
        yield "city_workload_expected", labels, condition != "idle"
        yield (
            "city_workload_info",
            {**labels, "address": "203.0.113.20", "hypervisor": "hv03", "item": "web"},
            1,
        )
        total = (at - now + 40 * DAY) / 15
        if condition != "idle":
            yield "city_workload_up", labels, not down
            since = now - 2400 if condition == "down" else now - 12 * DAY
            word = "down" if down else "up"
            yield "city_workload_since_timestamp_seconds", {**labels, "condition": word}, since
            probe = {**labels, "probe": "https"}
            yield "city_workload_probe_up", probe, not down
            yield "city_workload_probes_total", probe, float(int(total))
            lost = (at - now + 2400) / 15 if down else 0
            yield "city_workload_probes_good_total", probe, float(int(total - max(0, lost)))
            yield "city_workload_probe_duration_seconds", probe, 0.02 + 0.01 * math.sin(at / 900)
            yield "city_workload_certificate_expiry_timestamp_seconds", probe, now + 47 * DAY
            if down:
                yield "city_workload_down_reason", {**probe, "reason": "timeout"}, 1
    for service, seconds in APIS.items():
        up = seconds > 0 or now - at > 900
        slow = 1 + 0.3 * math.sin(at / 1200 + seconds * 40)
        yield "city_api_up", {"service": service}, up
        yield "city_api_probe_duration_seconds", {"service": service}, (seconds or 0.12) * slow if up else 5.0
    yield from standing(at, ("servers", "apis", "probes"), 15)


def canary(at: float, now: float) -> Iterator[Fact]:
    """What the canary exporter says."""
    for number, (name, (heard, enabled, *_)) in enumerate(HYPERVISORS.items()):
        labels = {"hypervisor": name}
        if not enabled:
            yield "city_canary_skipped", {**labels, "reason": "disabled"}, 1
            continue
        good = heard == 1
        yield "city_canary_up", labels, good
        runs = float(int((at - now + 40 * DAY) / 600))
        yield "city_canary_runs_total", labels, runs
        yield "city_canary_runs_good_total", labels, runs if good else runs - 2
        yield "city_canary_last_run_timestamp_seconds", labels, at - 180 - 40 * number
        for step, seconds in (("address", 1.2), ("boot", 9.4), ("reach", 6.1), ("delete", 3.3)):
            if good or step == "address":
                wave = 1 + 0.2 * math.sin(at / 3000 + number)
                yield "city_canary_last_step_seconds", {**labels, "step": step}, seconds * wave


def standing(at: float, collectors: Iterable[str], interval: float) -> Iterator[Fact]:
    for collector in collectors:
        age = 22 if collector != "quotas" else 71
        labels = {"collector": collector}
        yield "city_exporter_collector_success", labels, 1
        yield "city_exporter_collector_last_success_timestamp_seconds", labels, at - age
        yield "city_exporter_collector_interval_seconds", labels, interval
        yield "city_exporter_collector_duration_seconds", labels, 0.4


def forecasts(at: float, now: float) -> Iterator[Fact]:
    """What the ledger's and the forecast's writers leave."""
    yield "city_ledger_last_day_timestamp_seconds", {}, now - 9 * 3600
    yield "city_ledger_intact", {}, 1
    yield "city_ledger_day_unknown_ratio", {}, 0.0004
    days = {"VCPU": (96, 64, 171), "MEMORY_MB": (41, 27, 66), "DISK_GB": (math.inf, 640, math.inf)}
    for resource_class, bounds in days.items():
        for scope, factor in (("all", 1.0), ("without_largest", 0.3)):
            for bound, value in zip(("likely", "earliest", "latest"), bounds, strict=True):
                labels = {"resource_class": resource_class, "scope": scope, "bound": bound}
                yield "city_forecast_days_left", labels, value * factor
        yield "city_forecast_history_days", {"resource_class": resource_class}, 214
        yield "city_forecast_error_ratio", {"resource_class": resource_class}, 0.013
        yield "city_forecast_coverage_ratio", {"resource_class": resource_class}, 0.91


def slos(at: float, now: float) -> Iterator[Fact]:
    """What the SLOs' rules record, for views that look back further than the rules have run."""
    past = (now - at) / (30 * DAY)
    for agency, server, _, condition in SERVERS:
        if condition != "idle":
            left = BUDGETS[agency] + (1 - BUDGETS[agency]) * past
            yield from slo({"slo": "workload-availability", **workload(agency, server)}, 0.995, left)
    for service, seconds in APIS.items():
        yield from slo(
            {"slo": "api-availability", "service": service},
            0.999,
            0.93 - 0.2 * (1 - past) if seconds else 0.31,
        )


def slo(labels: dict[str, str], objective: float, left: float) -> Iterator[Fact]:
    yield "slo:city_objective:ratio", labels, objective
    yield "slo:city_events:increase", {**labels, "window": "30d"}, 172800
    yield "slo:city_budget_left:ratio", labels, left
    for window, burn in (
        ("1h", 3.1 if left < 0.2 else 0.2),
        ("6h", 1.4 if left < 0.2 else 0.3),
        ("30d", 1 - left),
    ):
        yield "slo:city_burn_rate:ratio", {**labels, "window": window}, burn
        yield "slo:city_errors:ratio", {**labels, "window": window}, burn * (1 - objective)


def exposition(facts: Iterable[Fact], at: float | None = None) -> list[tuple[str, str]]:
    """(name, line) of each fact."""
    when = "" if at is None else f" {at:.0f}"
    return [(name, f"{name}{{{_labels(labels)}}} {_number(value)}{when}") for name, labels, value in facts]


def _number(value: float) -> str:
    return "+Inf" if value == math.inf else repr(float(value))


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def history(now: float) -> str:
    """Thirty days of what grows slowly, at the steps that charts ask for; a day of the rest."""
    lines: list[tuple[str, str]] = []
    slow = ("city_hypervisor_used", "city_cloud_schedulable", "city_cloud_free", "slo:city_budget")
    for at in _moments(now):
        recent = now - at < 25 * 3600
        facts = [("capacity", cloud(at, now)), ("slo", slos(at, now))]
        if recent:
            facts += [("uptime", workloads(at, now)), ("canary", canary(at, now))]
        for job, found in facts:
            lines += exposition(
                (
                    (name, {**labels, "job": job, "instance": "mon1"}, value)
                    for name, labels, value in found
                    if recent or name.startswith(slow)
                ),
                at,
            )
    by_name: dict[str, list[str]] = {}
    for name, line in lines:
        by_name.setdefault(name, []).append(line)
    return "\n".join(line for name in sorted(by_name) for line in by_name[name]) + "\n# EOF\n"


def _moments(now: float) -> list[float]:
    quarter = 6 * 3600
    far = [
        float(step * quarter) for step in range(int(now - 30 * DAY) // quarter + 1, int(now) // quarter + 1)
    ]
    near = [now - back for back in range(25 * 3600, 0, -240)]
    return sorted(far + near)


def text(facts: Iterable[Fact]) -> str:
    return "\n".join(line for _, line in exposition(facts)) + "\n"


def targets(now: float) -> list[Target]:
    """Every job of the real configuration that a view asks about."""
    mon = (("instance", "mon1"),)
    return [
        Target("capacity", lambda: text(cloud(time.time(), now)), mon),
        Target("uptime", lambda: text(workloads(time.time(), now)), mon),
        Target("canary", lambda: text(canary(time.time(), now)), mon),
        Target("drift", lambda: text(forecasts(time.time(), now)), mon),
        Target("slo", lambda: text(slos(time.time(), now)), mon),
        Target("controller", lambda: text(servers(time.time(), now)), (("instance", "ctl1"),)),
        *(
            Target(
                "hypervisor", (lambda: "") if known[2] else None, (("hypervisor", name), ("instance", name))
            )
            for name, known in HYPERVISORS.items()
        ),
    ]


@contextlib.contextmanager
def a_city(folder: Path) -> Iterator[Stand]:
    """A stand with the scene, its alerts in Alertmanager, ready to be asked."""
    now = time.time()
    rules = [path for path in sorted(RULES.glob("*.yaml")) if path.name != "slo.yaml"]
    with stand(folder, targets(now), history(now), rules) as made:
        link = "http://192.0.2.11:9090/consoles/{}.md"
        for name, labels, summary, age in (
            ("Watchdog", {"severity": "heartbeat"}, "Alerts are evaluated and delivered", 90 * DAY),
            ("HypervisorUnreachable", {"severity": "page", "hypervisor": "hv03"},
             "Hypervisor hv03 does not answer", 1140),
            ("ApiDown", {"severity": "page", "service": "volume"}, "The volume API does not answer", 840),
            ("AgencyWorkloadDown", {"severity": "page", "agency": "sotttt", "server": "kho-du-lieu"},
             "Server kho-du-lieu of agency sotttt does not answer", 2280),
            ("FlavorCapacityLow", {"severity": "notice", "flavor": "m1.xlarge"},
             "Fewer than 3 more servers of flavor m1.xlarge fit", 3 * DAY),
            ("AgencyQuotaNearLimit", {"severity": "notice", "agency": "sotttt", "resource": "cores"},
             "Agency sotttt has used 90 % of its cores", 5 * DAY),
        ):  # fmt: skip
            made.post_alert(
                {"alertname": name, "owner": "cloud-operations", **labels},
                {
                    "summary": summary,
                    "description": summary,
                    "runbook_url": link.format(name),
                    **IN_VIETNAMESE.get(name, {}),
                },
                now - age,
            )
        made.wait_for("collector:city_exporter_snapshot_age:seconds")
        made.wait_for("resource_class:city_allocatable_used:ratio")
        made.wait_for('up{job="hypervisor"} == 0')
        made.wait_for('up{job="controller"} == 1')
        made.wait_for("rate(node_cpu_seconds_total[5m])")
        made.wait_for("slo:city_events:increase")
        yield made

"""The uptime exporter's promised names and labels, and an exporter of one server that has seen everything."""

from __future__ import annotations

from typing import Any

from prometheus_client.core import Metric

from infra.cloud.api_status import ApiStatus
from infra.cloud.server_status import ServerStatus
from infra.cloud.usage import AgencyProject
from infra.domain.catalog import Catalog, CatalogItem, MetricsEndpoint, ServiceObjective
from infra.domain.probe import HttpProbe, Probe, SshProbe
from monitoring.exporters.probe_outcome import Outcome, Target
from monitoring.exporters.snapshot import Collector
from monitoring.exporters.uptime import Uptime
from monitoring.exporters.workload import WorkloadWatch
from tests.unit.monitoring.exporters.capacity_sample import STANDING

WORKLOAD = ("agency", "project", "server", "server_id")
CATALOG_FAMILIES = {
    "city_catalog_probe_info": ("item", "probe", "kind"),
    "city_catalog_objective_ratio": ("item",),
    "city_catalog_objective_window_seconds": ("item",),
}
BEFORE = {
    "city_agency_probe_lateness_seconds": ("agency",),
    "city_exporter_probes_impossible": ("reason",),
    "city_discovery_targets": (),
    "city_discovery_last_success_timestamp_seconds": (),
    **CATALOG_FAMILIES,
    **STANDING,
}
"""What is shown before the cloud was read."""
UPTIME = {
    "city_workload_state": (*WORKLOAD, "state"),
    "city_workload_expected": WORKLOAD,
    "city_workload_info": (*WORKLOAD, "address", "hypervisor", "item"),
    "city_workload_stopped": (*WORKLOAD, "by"),
    "city_workload_up": WORKLOAD,
    "city_workload_since_timestamp_seconds": (*WORKLOAD, "condition"),
    "city_workload_condition_seconds": (*WORKLOAD, "condition"),
    "city_workload_down_reason": (*WORKLOAD, "probe", "reason"),
    "city_workload_probe_up": (*WORKLOAD, "probe"),
    "city_workload_probe_duration_seconds": (*WORKLOAD, "probe"),
    "city_workload_probe_phase_seconds": (*WORKLOAD, "probe", "phase"),
    "city_workload_certificate_expiry_timestamp_seconds": (*WORKLOAD, "probe"),
    "city_workload_probes_good": (*WORKLOAD, "probe"),
    "city_workload_probes": (*WORKLOAD, "probe"),
    "city_api_up": ("service",),
    "city_api_probe_duration_seconds": ("service",),
    **BEFORE,
}
CATALOG = Catalog(
    (
        CatalogItem("plain-server", "server", "Máy chủ ảo", "Plain server", (SshProbe(name="ssh"),)),
        CatalogItem(
            "web-server", "server", "Máy chủ web", "Web server",
            (SshProbe(name="ssh"), HttpProbe(name="web", port=443, tls=True)),
            ServiceObjective(0.999, 30), (MetricsEndpoint("node", 9100),),
        ),
        CatalogItem("private-network", "network", "Mạng riêng", "Private network"),
    )
)  # fmt: skip


def make_status(
    name: str = "web", state: str = "active", address: str = "192.0.2.1", *, agency: str = "sxd",
    item: str = "plain-server", stopped_by: str = "",
) -> ServerStatus:  # fmt: skip
    project = AgencyProject(f"p-{agency}", "main", agency)
    return ServerStatus(f"id-{name}", name, project, state, address, "hv1", item, stopped_by)


async def nobody(probe: Probe, target: Target) -> Outcome:
    raise AssertionError("nobody probes here")


def make_collector(name: str, answer: Any, *, read: bool = True) -> Collector[Any]:
    collector: Collector[Any] = Collector(name, lambda: answer, 15.0)
    if read:
        collector.lap()
    return collector


def uptime_families(name: str = "web", *, read: bool = True) -> list[Metric]:
    """The families of an exporter of one server; without `read` it has not seen the cloud yet."""
    status = make_status(name, item="web-server")
    watch = WorkloadWatch(lambda: (status,), nobody, 15.0, catalog=CATALOG)
    servers = make_collector("servers", (status,), read=read)
    apis = make_collector("apis", (ApiStatus("compute", True, 0.1),), read=read)
    return [*Uptime(servers, apis, watch).families()]

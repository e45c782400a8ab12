"""Families of nova-computes and of the agents that do the cloud's work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from infra.cloud.capacity import ComputeService
from infra.cloud.capacity_agents import COMPUTE_AGENT, AgentRecord
from monitoring.exporters.snapshot import gauge


def service_families(services: Iterable[ComputeService]) -> Iterator[Metric]:
    """Nova's view of each nova-compute."""
    up = gauge(
        "city_hypervisor_service_up",
        "Whether nova hears the hypervisor's nova-compute (nova os-services).",
        "hypervisor",
    )
    enabled = gauge(
        "city_hypervisor_service_enabled",
        "Whether nova may place servers on the hypervisor (nova os-services).",
        "hypervisor",
    )
    reported = gauge(
        "city_hypervisor_service_report_timestamp_seconds",
        "When nova last heard of the nova-compute, 0 for never (nova os-services).",
        "hypervisor",
    )
    for service in sorted(services, key=lambda service: service.hypervisor):
        up.add_metric([service.hypervisor], service.up)
        enabled.add_metric([service.hypervisor], service.enabled)
        reported.add_metric([service.hypervisor], service.reported_at)
    yield from (up, enabled, reported)


def agent_families(agents: Iterable[AgentRecord]) -> Iterator[Metric]:
    """All other agents. One that is registered twice counts by its last report."""
    labels = ("service", "agent", "host")
    source = "(nova and cinder services, neutron agents)"
    up = gauge("city_agent_up", f"Whether the agent reports {source}; nova-compute is not here.", *labels)
    enabled = gauge("city_agent_enabled", f"Whether the agent may be given work {source}.", *labels)
    reported = gauge(
        "city_agent_report_timestamp_seconds",
        f"When the agent last reported, 0 for never {source}.",
        *labels,
    )
    newest: dict[tuple[str, str, str], AgentRecord] = {}
    for agent in sorted(agents, key=lambda agent: agent.reported_at):
        if agent.agent != COMPUTE_AGENT:
            newest[agent.service, agent.agent, agent.host] = agent
    for key, agent in sorted(newest.items()):
        up.add_metric(key, agent.up)
        enabled.add_metric(key, agent.enabled)
        reported.add_metric(key, agent.reported_at)
    yield from (up, enabled, reported)

"""The agents that do the cloud's work: nova's and cinder's services, neutron's agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.capacity import ComputeService, compute_service, epoch, hypervisor_names
from infra.cloud.reading import Reading

COMPUTE_AGENT = "nova-compute"


@dataclass(frozen=True)
class AgentRecord:
    """An agent of `service` (compute, network, volume). `agent` is its program, `host` where it runs (cinder:
    with the backend); `reported_at` is when it was last heard of (seconds of the epoch), 0.0 for never."""

    id: str
    service: str
    agent: str
    host: str
    up: bool
    enabled: bool
    reported_at: float
    zone: str = ""
    disabled_reason: str = ""


@dataclass(frozen=True)
class ComputeAgents:
    """Nova's services: each nova-compute under its hypervisor's name with the hypervisor's zone, and all of
    them as agents."""

    services: tuple[ComputeService, ...]
    zones: Mapping[str, str] = field(default_factory=dict)
    agents: tuple[AgentRecord, ...] = ()


def read_compute_agents(reading: Reading) -> ComputeAgents:
    """Nova's services, down ones too. Two calls: cheap enough to ask every few seconds."""
    names = hypervisor_names(reading)
    services = reading.get("compute", "/os-services")["services"]
    computes = [item for item in services if item["binary"] == COMPUTE_AGENT]
    return ComputeAgents(
        tuple(compute_service(item, names) for item in computes),
        {names[item["host"]]: item["zone"] for item in computes if item["host"] in names},
        tuple(_service("compute", item) for item in services),
    )


def read_volume_agents(reading: Reading) -> tuple[AgentRecord, ...]:
    """Cinder's services. One call."""
    return tuple(_service("volume", item) for item in reading.get("volume", "/os-services")["services"])


def read_network_agents(reading: Reading) -> tuple[AgentRecord, ...]:
    """Neutron's agents. One call, without their configurations, which are most of the answer."""
    fields = ["id", "binary", "host", "alive", "admin_state_up", "heartbeat_timestamp", "availability_zone"]
    return tuple(
        AgentRecord(
            id=item["id"], service="network", agent=item["binary"], host=item["host"],
            up=bool(item["alive"]), enabled=bool(item["admin_state_up"]),
            reported_at=epoch(item.get("heartbeat_timestamp")), zone=item.get("availability_zone") or "",
        )
        for item in reading.items("network", "/agents", "agents", {"fields": fields})
    )  # fmt: skip


def _service(service: str, item: Mapping[str, Any]) -> AgentRecord:
    return AgentRecord(
        id=str(item.get("id") or f"{item['binary']}@{item['host']}"), service=service, agent=item["binary"],
        host=item["host"], up=item["state"] == "up", enabled=item["status"] == "enabled",
        reported_at=epoch(item.get("updated_at")), zone=item.get("zone") or "",
        disabled_reason=item.get("disabled_reason") or "",
    )  # fmt: skip

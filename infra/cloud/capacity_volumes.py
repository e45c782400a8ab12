"""Volumes, snapshots and the pools that they lie in, as cinder counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.reading import PagedReading, Reading

_ALL = {"all_tenants": "true"}
_UNKNOWN = {"unknown", "infinite"}


@dataclass(frozen=True)
class Volumes:
    """Counts and sizes (GiB) by status, and by project: what cinder counts against the quota, snapshots being
    part of `gigabytes`."""

    counts: Mapping[str, int] = field(default_factory=dict)
    gigabytes: Mapping[str, int] = field(default_factory=dict)
    snapshot_counts: Mapping[str, int] = field(default_factory=dict)
    snapshot_gigabytes: Mapping[str, int] = field(default_factory=dict)
    project_volumes: Mapping[str, int] = field(default_factory=dict)
    project_gigabytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """A pool of a backend, all in GiB; None where its driver does not know, or says that it has no end."""

    name: str
    backend: str
    vendor: str
    total: float | None
    free: float | None
    allocated: float | None
    provisioned: float | None


def read_volumes(reading: PagedReading) -> Volumes:
    """All volumes and snapshots, counted as pages come. A call for each thousand of either."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    projects: Counter[str] = Counter()
    project_sizes: Counter[str] = Counter()
    for item in reading.pages("volume", "/volumes/detail", "volumes", _ALL):
        status, project = item["status"], item.get("os-vol-tenant-attr:tenant_id") or ""
        counts[status] += 1
        sizes[status] += int(item["size"])
        projects[project] += 1
        project_sizes[project] += int(item["size"])
    snapshot_counts: Counter[str] = Counter()
    snapshot_sizes: Counter[str] = Counter()
    for item in reading.pages("volume", "/snapshots/detail", "snapshots", _ALL):
        snapshot_counts[item["status"]] += 1
        snapshot_sizes[item["status"]] += int(item["size"])
        project_sizes[item.get("os-extended-snapshot-attributes:project_id") or ""] += int(item["size"])
    return Volumes(counts, sizes, snapshot_counts, snapshot_sizes, projects, project_sizes)


def read_pools(reading: Reading) -> tuple[Pool, ...]:
    """Every pool that cinder's scheduler knows. One call."""
    listed = reading.get("volume", "/scheduler-stats/get_pools", {"detail": "true"})["pools"]
    return tuple(_pool(item["name"], item["capabilities"]) for item in listed)


def _pool(name: str, told: Mapping[str, Any]) -> Pool:
    return Pool(
        name, told.get("volume_backend_name") or "", told.get("vendor_name") or "",
        _amount(told.get("total_capacity_gb")), _amount(told.get("free_capacity_gb")),
        _amount(told.get("allocated_capacity_gb")), _amount(told.get("provisioned_capacity_gb")),
    )  # fmt: skip


def _amount(told: Any) -> float | None:
    return None if told is None or str(told).lower() in _UNKNOWN else float(told)

"""Families of Placement against nova."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from infra.cloud.capacity_drift import Drift
from monitoring.exporters.capacity_measure import Measure
from monitoring.exporters.snapshot import gauge


def drift_families(drift: Drift) -> Iterator[Metric]:
    """Allocations that should not be, and servers that have none."""
    for name, text, counts in (
        ("orphaned_allocations", "Allocations on the hypervisor whose server nova does not know "
         "(Placement, checked twice).", drift.orphaned),
        ("misplaced_allocations", "Allocations on the hypervisor of servers that run elsewhere and are not "
         "being moved (Placement).", drift.misplaced),
        ("unallocated_servers", "Servers on the hypervisor that have no allocation there "
         "(Placement, checked twice).", drift.unallocated),
    ):  # fmt: skip
        family = gauge(f"city_placement_{name}", text, "hypervisor")
        for hypervisor, count in sorted(counts.items()):
            family.add_metric([hypervisor], count)
        yield family
    orphaned = Measure(
        "city_placement_orphaned",
        "What orphaned allocations keep from servers (Placement).",
        "resource_class",
    )
    for resource_class, amount in sorted(drift.orphaned_resources.items()):
        orphaned.add([], resource_class, amount)
    yield from orphaned.families()

"""Families of volumes, snapshots, pools and images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from infra.cloud.capacity_images import Images
from infra.cloud.capacity_volumes import Pool, Volumes
from monitoring.exporters.capacity_measure import GIB
from monitoring.exporters.snapshot import gauge

_POOL = {
    "capacity": "Capacity of the pool",
    "free": "Free in the pool",
    "allocated": "What cinder has allocated in the pool",
    "provisioned": "What volumes of the pool may grow to",
}


def volume_families(volumes: Volumes) -> Iterator[Metric]:
    """Volumes and snapshots by status."""
    yield _by_status("city_volumes", "Volumes by status (cinder).", volumes.counts, 1)
    yield _by_status("city_volumes_bytes", "Size of volumes by status (cinder).", volumes.gigabytes, GIB)
    yield _by_status(
        "city_volume_snapshots", "Snapshots of volumes by status (cinder).", volumes.snapshot_counts, 1
    )
    yield _by_status(
        "city_volume_snapshots_bytes",
        "Size of snapshots of volumes by status (cinder).",
        volumes.snapshot_gigabytes,
        GIB,
    )


def pool_families(pools: Iterable[Pool]) -> Iterator[Metric]:
    """What backends tell cinder's scheduler."""
    families = {
        name: gauge(
            f"city_volume_pool_{name}_bytes",
            f"{text}; absent where the driver does not know (cinder scheduler-stats).",
            "pool",
            "backend",
        )
        for name, text in _POOL.items()
    }
    for pool in sorted(pools, key=lambda pool: pool.name):
        told = {
            "capacity": pool.total,
            "free": pool.free,
            "allocated": pool.allocated,
            "provisioned": pool.provisioned,
        }
        for name, amount in told.items():
            if amount is not None:
                families[name].add_metric([pool.name, pool.backend], amount * GIB)
    yield from families.values()


def image_families(images: Images) -> Iterator[Metric]:
    """Images by status and visibility."""
    labels = ("status", "visibility")
    counts = gauge("city_images", "Images by status and visibility (glance).", *labels)
    sizes = gauge("city_images_bytes", "Size of images by status and visibility (glance).", *labels)
    for key, count in sorted(images.counts.items()):
        counts.add_metric(key, count)
        sizes.add_metric(key, images.sizes.get(key, 0))
    yield from (counts, sizes)


def _by_status(name: str, text: str, amounts: Mapping[str, int], factor: int) -> Metric:
    family = gauge(name, text, "status")
    for status, amount in sorted(amounts.items()):
        family.add_metric([status], amount * factor)
    return family

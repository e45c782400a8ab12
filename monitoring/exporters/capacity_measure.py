"""Measures: a family of counts and one of bytes, side by side, for amounts that the cloud gives in its own
units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from monitoring.exporters.snapshot import gauge

MIB = 1024**2
GIB = 1024**3
# Placement's and nova's own units -> bytes. Whatever is not here is counted.
BYTES = {"MEMORY_MB": MIB, "DISK_GB": GIB, "ram_mib": MIB, "gigabytes": GIB}
# Our resources without the unit that bytes replace.
_LABELS = {"ram_mib": "memory", "gigabytes": "volume_storage"}


class Measure:
    """`<stem>_units` and `<stem>_bytes`, whose last label is the resource or its class."""

    def __init__(self, stem: str, text: str, *labels: str) -> None:
        self._units = gauge(f"{stem}_units", text, *labels)
        self._bytes = gauge(f"{stem}_bytes", text, *labels)

    def add(self, labels: Sequence[str], resource: str, amount: float) -> None:
        """A sample; `amount` is in the cloud's unit of the resource."""
        factor = BYTES.get(resource)
        family = self._bytes if factor else self._units
        family.add_metric([*labels, _LABELS.get(resource, resource)], amount * (factor or 1))

    def families(self) -> Iterator[Metric]:
        yield from (self._units, self._bytes)

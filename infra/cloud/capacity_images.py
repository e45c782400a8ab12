"""Images by status and visibility, as glance lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from infra.cloud.reading import PAGE_SIZE, PagedReading


@dataclass(frozen=True)
class Images:
    """Counts and sizes (bytes) by (status, visibility)."""

    counts: Mapping[tuple[str, str], int]
    sizes: Mapping[tuple[str, str], int]


def read_images(reading: PagedReading) -> Images:
    """All images that we may see. A call for each thousand."""
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for item in reading.pages("image", "/images", "images", {"limit": PAGE_SIZE}):
        key = item["status"], item.get("visibility") or "private"
        counts[key] += 1
        sizes[key] += int(item.get("size") or 0)
    return Images(counts, sizes)

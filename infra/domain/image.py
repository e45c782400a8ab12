"""Image: a disk from which servers boot, as in Glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Image:
    """A disk image of the depot.

    `file` is a name inside the depot's `images/` folder, `disk_format` Glance's (qcow2, raw),
    `hypervisor_type` becomes the property by which Nova picks hypervisors (None: any), `min_disk_gib` the
    smallest flavor disk that holds it, `user` the account that takes the injected SSH key.
    """

    name: str
    file: str
    disk_format: str
    hypervisor_type: str | None
    min_disk_gib: int
    user: str = "debian"
    properties: Mapping[str, str] = field(default_factory=dict, hash=False)

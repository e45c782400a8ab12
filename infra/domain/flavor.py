"""Flavor: a size of server, as in Nova."""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.capacity import Capacity


@dataclass(frozen=True)
class Flavor:
    """A size of server. `hypervisor_type` None means that it may run on any hypervisor."""

    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    hypervisor_type: str | None = None

    @property
    def size(self) -> Capacity:
        """What one server of this flavor takes from a hypervisor."""
        return Capacity(self.vcpus, self.memory_mib, self.disk_gib)

"""Price: what an agency's resources cost the city in a month, so that a request shows it before it is signed.

The list is data of the site (`catalog.yaml`, `prices`); nobody is billed by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.quota import Quota
from infra.domain.words import Words


@dataclass(frozen=True)
class PriceList:
    """Whole VND for a month of 30 days: a CPU core, a GiB of memory, a GiB of volume, a public address."""

    core: int = 0
    memory_gib: int = 0
    volume_gib: int = 0
    address: int = 0

    def of(self, takes: Quota) -> tuple[tuple[Words, int], ...]:
        """What is taken and its VND a month, by resource; what costs nothing is left out. Memory is priced by
        the MiB and rounded to whole VND.
        """
        lines = (
            (Words("Lõi CPU", "CPU cores"), self.core * takes.cores),
            (Words("Bộ nhớ", "Memory"), round(self.memory_gib * takes.ram_mib / 1024)),
            (Words("Dung lượng ổ đĩa", "Volume space"), self.volume_gib * takes.gigabytes),
            (Words("Địa chỉ công khai", "Public addresses"), self.address * takes.floating_ips),
        )
        return tuple((label, vnd) for label, vnd in lines if vnd)


NO_PRICES = PriceList()

"""Flavor: a size of server, as in Nova."""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.capacity import Capacity
from infra.domain.words import Words

CONTAINER = "lxc"
"""The hypervisor type of system containers."""


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

    def becoming(self, other: Flavor) -> Words | None:
        """Why a server of this size can never be resized to the `other`; None where it can. A disk only
        grows, a container never becomes a virtual machine, and has no other size: Nova refuses the first,
        images of the one do not boot as the other, and Nova's resize makes a container's disk anew from its
        image (its libvirt driver carries over the disks of the guest's definition, where a container has a
        mounted folder).
        """
        if self.hypervisor_type != other.hypervisor_type:
            return _OTHER_KIND
        if self.hypervisor_type == CONTAINER and self.name != other.name:
            return _CONTAINER_DISK
        return _SMALLER_DISK if other.disk_gib < self.disk_gib else None


_OTHER_KIND = Words(
    "Máy chủ dạng này không đổi sang dạng kia được (container và máy ảo đầy đủ); hãy gửi yêu cầu máy mới.",
    "A container never becomes a full virtual machine, nor the other way round; ask for a new server.",
)
_CONTAINER_DISK = Words(
    "Đổi cỡ máy dạng container sẽ mất dữ liệu trên đĩa; hãy gửi yêu cầu máy mới rồi chuyển dữ liệu sang.",
    "A container that gets another size would lose its disk; ask for a new server and move the data there.",
)
_SMALLER_DISK = Words(
    "Cỡ này có đĩa hệ thống nhỏ hơn đĩa hiện nay; đĩa không thu nhỏ được.",
    "The system disk of this size is smaller than the one that stands; a disk does not shrink.",
)

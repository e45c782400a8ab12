"""Volume backend: where Cinder keeps volumes. `capacity_gib` is what it offers to agencies, in GiB;
`grows_attached` whether its driver grows a volume while a server has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class NfsBackend:
    """Volumes as files of an NFS `share` (server:/folder).

    `bind_mount` is for labs whose kernel has no NFS: the folder is already on every server and is
    bind-mounted.
    """

    capacity_gib: int
    share: str
    bind_mount: bool = False
    driver: str = "nfs"
    grows_attached: ClassVar[bool] = False


@dataclass(frozen=True)
class LvmBackend:
    """Volumes as logical volumes of `volume_group`, exported by iSCSI from the controllers' management
    addresses.
    """

    capacity_gib: int
    volume_group: str
    driver: str = "lvm"
    grows_attached: ClassVar[bool] = True


@dataclass(frozen=True)
class RbdBackend:
    """Volumes as RBD images of a Ceph `pool`; `user` is the Ceph client.

    The client's key is not here: the storage team leaves ceph.conf and the keyring in /etc/ceph, and
    `secret_uuid` is only the name under which libvirt keeps that key.
    """

    capacity_gib: int
    pool: str
    user: str
    secret_uuid: str
    driver: str = "rbd"
    grows_attached: ClassVar[bool] = True


VolumeBackend = NfsBackend | LvmBackend | RbdBackend

"""Lab: how to make the servers of a site that stands on one machine. Real sites have none."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface


@dataclass(frozen=True)
class LabBridge:
    """A bridge inside the lab's network namespace; `address` is the deploy host's on it (None: it has
    none).
    """

    name: str
    address: IPv4Interface | None


@dataclass(frozen=True)
class LabInterface:
    """An interface of a lab server: a veth into `bridge`. None: the playbooks give it an address, or it needs
    none.
    """

    name: str
    bridge: str
    address: IPv4Interface | None


@dataclass(frozen=True)
class LabServer:
    """A systemd-nspawn machine to make."""

    name: str
    interfaces: tuple[LabInterface, ...]


@dataclass(frozen=True)
class LabSpec:
    """Bridges and servers of a lab.

    `memory_mib` is the most that everything together may take on the deploy host. `shared_folder` is one
    folder of the deploy host's lab directory, bound to the same path in every server, for volumes.
    """

    memory_mib: int
    shared_folder: str
    bridges: tuple[LabBridge, ...]
    servers: tuple[LabServer, ...]

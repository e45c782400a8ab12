"""The `lab` variable: how servers that stand on one machine are made."""

from __future__ import annotations

from pydantic import Field

from infra.domain.lab import LabBridge, LabInterface, LabServer, LabSpec
from infra.inventory.schema import Strict
from infra.inventory.value import AbsolutePath, AddressWithPrefix, InterfaceName, Label, Positive


class LabBridgeModel(Strict):
    address: AddressWithPrefix | None


class LabInterfaceModel(Strict):
    bridge: InterfaceName
    address: AddressWithPrefix | None


class LabModel(Strict):
    memory_mib: Positive
    shared_folder: AbsolutePath
    bridges: dict[InterfaceName, LabBridgeModel] = Field(min_length=1, max_length=16)
    servers: dict[Label, dict[InterfaceName, LabInterfaceModel]] = Field(min_length=1, max_length=100)


def to_lab(model: LabModel) -> LabSpec:
    """The lab as the domain knows it."""
    return LabSpec(
        memory_mib=model.memory_mib,
        shared_folder=model.shared_folder,
        bridges=tuple(LabBridge(name, bridge.address) for name, bridge in model.bridges.items()),
        servers=tuple(
            LabServer(name, tuple(LabInterface(port, one.bridge, one.address) for port, one in ports.items()))
            for name, ports in model.servers.items()
        ),
    )

"""The list of ports must keep up with the playbooks."""

from __future__ import annotations

import pytest
import yaml

from infra.domain.host import CONTROLLERS
from infra.hosts.ports import BY_GROUP, needed
from infra.inventory import Inventory

from .conftest import ROOT

SERVICES = sorted((ROOT / "playbooks" / "services").glob("*.yml"))


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_every_port_of_a_service_is_known_with_its_unit(path: object) -> None:
    service = yaml.safe_load(path.read_text())["service"]  # type: ignore[attr-defined]
    units = [
        entry
        for value in service.values()
        if isinstance(value, list)
        for entry in value
        if isinstance(entry, dict)
    ]
    known = {port.number: port.units for port in BY_GROUP[CONTROLLERS]}
    served = [entry for entry in units if "port" in entry and "unit" in entry]
    assert served
    for entry in served:
        assert f"{entry['unit']}.service" in known[entry["port"]]


def test_a_host_needs_each_port_once(lab_inventory: Inventory) -> None:
    for host in lab_inventory.hosts:
        numbers = [port.number for port in needed(host)]
        assert len(numbers) == len(set(numbers))

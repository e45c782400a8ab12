"""Ports that lead into the lab."""

from __future__ import annotations

import pytest

from infra.cli.lab import usual_forwards
from infra.hosts.forward import Forward
from infra.inventory import Inventory


def test_a_forward_is_read_as_it_is_written() -> None:
    assert str(Forward.parse("9090:172.30.0.11:9090")) == "9090:172.30.0.11:9090"


@pytest.mark.parametrize("text", ["9090", "x:172.30.0.11:9090", "1:2:3:4", ""])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Forward.parse(text)


def test_dashboards_and_apis_are_forwarded_under_their_own_ports(lab_inventory: Inventory) -> None:
    found = {forward.local: forward for forward in usual_forwards(lab_inventory)}
    assert found[9090].address == "172.30.0.11"
    assert found[5000].address == "172.30.0.10"
    portal = found.pop(8443)
    assert (portal.address, portal.port) == ("172.30.0.10", 443)
    assert all(forward.local == forward.port for forward in found.values())

"""What projects hold of the network, and what of it does not work, from five lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.cloud.capacity_network import read_network_usage

PORT = {
    "project_id": "p1",
    "status": "ACTIVE",
    "device_owner": "compute:nova",
    "fixed_ips": [{"ip_address": "x"}],
}
LISTS: dict[str, list[dict[str, Any]]] = {
    "/networks": [{"id": "n1", "name": "external", "project_id": "p0", "router:external": True}],
    "/floatingips": [
        {"project_id": "p1", "floating_network_id": "n1", "port_id": port, "status": status}
        for port, status in (("a", "ACTIVE"), ("b", "ERROR"), (None, "DOWN"))
    ],
    "/routers": [{"id": n, "project_id": "p1", "status": n} for n in ("ACTIVE", "ERROR", "ALLOCATING")],
    "/security-groups": [{"id": "g1", "project_id": "p1"}],
    "/ports": [
        {**PORT, "id": "good"},
        {**PORT, "id": "bare", "fixed_ips": []},
        {**PORT, "id": "off", "fixed_ips": [], "status": "DOWN"},
        {**PORT, "id": "balancer", "device_owner": "neutron:LOADBALANCERV2", "status": "DOWN"},
    ],
}


class Lists:
    """A reading that answers only the fields that were asked for."""

    def pages(
        self, service: str, path: str, plural: str, params: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        for item in LISTS[path]:
            yield {key: item[key] for key in params["fields"] if key in item}


def test_what_does_not_work_is_counted_in_the_same_lists() -> None:
    found = read_network_usage(Lists())  # type: ignore[arg-type]
    assert found.troubled == {
        "floating_ips_associated_not_active": 1, "routers_not_active": 2, "ports_no_ips": 1,
        "ports_lb_not_active": 1,
    }  # fmt: skip
    assert found.held["ports"] == {"p1": 4}
    assert found.held["routers"] == {"p1": 3}
    (external,) = found.external
    assert (external.allocated, external.associated) == (3, 2)

"""Server status: which of the agencies' servers ought to answer."""

from __future__ import annotations

from typing import Any

import pytest

from infra.cloud.server_status import ServerStatus, read_server_statuses
from infra.cloud.usage import AgencyProject

PROJECT = AgencyProject("p1", "main", "sxd")


class Servers:
    """A reading of one agency and the given servers."""

    def __init__(self, *servers: dict[str, Any]) -> None:
        self.servers = list(servers)

    def items(self, service: str, path: str, plural: str, params: Any = None) -> list[dict[str, Any]]:
        return {
            "domains": [{"id": "d1", "name": "sxd"}],
            "servers": self.servers,
            "projects": [{"id": "p1", "name": "main", "domain_id": "d1"}],
        }[plural]


def make_server(project: str = "p1", **values: Any) -> dict[str, Any]:
    ports = [
        {"addr": "10.64.1.5", "OS-EXT-IPS:type": "fixed"},
        {"addr": "192.0.2.7", "OS-EXT-IPS:type": "floating"},
    ]
    return {
        "id": "s1",
        "name": "web",
        "tenant_id": project,
        "status": "ACTIVE",
        "addresses": {"net": ports},
        "OS-EXT-SRV-ATTR:hypervisor_hostname": None,
        **values,
    }


def test_a_server_has_its_agency_floating_address_and_state() -> None:
    (found,) = read_server_statuses(Servers(make_server()))  # type: ignore[arg-type]
    assert found == ServerStatus("s1", "web", found.project, "active", "192.0.2.7", "")
    assert (found.project.name, found.project.agency) == ("main", "sxd")


def test_servers_outside_the_agencies_are_nobodys_workload() -> None:
    assert read_server_statuses(Servers(make_server(project="admin"))) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("active", True),
        ("error", True),
        ("reboot", True),
        ("shutoff", False),
        ("build", False),
        ("suspended", False),
    ],
)
def test_a_server_ought_to_answer_unless_it_is_being_built_or_was_stopped(state: str, expected: bool) -> None:
    assert ServerStatus("s1", "web", PROJECT, state, "192.0.2.7").expected is expected


def test_a_server_without_floating_address_cannot_be_expected_to_answer() -> None:
    assert not ServerStatus("s1", "web", PROJECT, "active").expected

"""The agencies' servers as nova sees them: state, address, where they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.reading import Reading
from infra.cloud.usage import AgencyProject, read_agency_projects

# States in which a server's owner may expect it to answer. ERROR is among them: nova lost it, its owner did
# not stop it.
_RUNNING = frozenset(
    {
        "ACTIVE",
        "REBOOT",
        "HARD_REBOOT",
        "MIGRATING",
        "PASSWORD",
        "VERIFY_RESIZE",
        "REVERT_RESIZE",
        "ERROR",
        "UNKNOWN",
    }
)


@dataclass(frozen=True)
class ServerStatus:
    """A server of an agency. `state` is nova's status in lower case; `address` its first floating IP, "" for
    none; `hypervisor` "" while it has not been placed."""

    id: str
    name: str
    project: AgencyProject
    state: str
    address: str = ""
    hypervisor: str = ""

    @property
    def expected(self) -> bool:
        """Whether the server ought to answer: it is meant to run and there is an address to ask."""
        return bool(self.address) and self.state.upper() in _RUNNING


def read_server_statuses(reading: Reading) -> tuple[ServerStatus, ...]:
    """Every server of every agency's projects. Three calls and one more for each thousand servers."""
    projects = {project.id: project for project in read_agency_projects(reading)}
    servers = reading.items("compute", "/servers/detail", "servers", {"all_tenants": "true"})
    return tuple(
        _status(item, projects[item["tenant_id"]]) for item in servers if item["tenant_id"] in projects
    )


def _status(item: Mapping[str, Any], project: AgencyProject) -> ServerStatus:
    ports = [port for network in sorted(item["addresses"]) for port in item["addresses"][network]]
    floating = [port["addr"] for port in ports if port.get("OS-EXT-IPS:type") == "floating"]
    return ServerStatus(
        id=item["id"],
        name=item["name"],
        project=project,
        state=item["status"].lower(),
        address=floating[0] if floating else "",
        hypervisor=item.get("OS-EXT-SRV-ATTR:hypervisor_hostname") or "",
    )

"""The agencies' servers as nova sees them: state, address, where they run, and who stopped them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.errors import Unavailable
from infra.cloud.reading import Reading
from infra.cloud.stop import NOBODY, PLATFORM, STOPPING, Stopped, Stops
from infra.cloud.usage import AgencyProject, read_agency_projects
from infra.domain.catalog import DEFAULT_ITEM, ITEM_KEY

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
    none; `hypervisor` "" while it has not been placed; `item` what it says it is, which its agency can
    change; `stopped_by` is agency, platform, nobody or unknown for a server that does not run, else "".
    """

    id: str
    name: str
    project: AgencyProject
    state: str
    address: str = ""
    hypervisor: str = ""
    item: str = DEFAULT_ITEM
    stopped_by: str = ""

    @property
    def running(self) -> bool:
        """Whether nova means it to run."""
        return self.state.upper() in _RUNNING

    @property
    def lost(self) -> bool:
        """Whether it does not run though its agency did not stop it: down, whatever a probe would say."""
        return self.stopped_by in (PLATFORM, NOBODY)

    @property
    def undecided(self) -> bool:
        """Whether it does not run and nobody could be asked who stopped it."""
        return self.state in STOPPING and self.stopped_by in ("", "unknown")

    @property
    def expected(self) -> bool:
        """Whether the server ought to answer: its agency did not stop it and there is an address to ask."""
        return bool(self.address) and (self.running or self.lost)


def read_server_statuses(reading: Reading, stops: Stops | None = None) -> tuple[ServerStatus, ...]:
    """Every server of every agency's projects. Three calls and one more for each thousand servers, and with
    `stops` one for each server that was stopped since the last lap.

    Raises Unavailable when nova shows servers without their names, as it does while it does not reach their
    cell: half a list would make the others look deleted.
    """
    projects = {project.id: project for project in read_agency_projects(reading)}
    listed = reading.items("compute", "/servers/detail", "servers", {"all_tenants": "true"})
    items = [item for item in listed if item["tenant_id"] in projects]
    if hidden := [item["id"] for item in items if "name" not in item]:
        raise Unavailable(f"nova does not reach the cell of {len(hidden)} servers, such as {hidden[0]}")
    stopped = [_stopped(item, projects[item["tenant_id"]]) for item in items if _state(item) in STOPPING]
    stopped_by = stops.read(reading, stopped) if stops is not None else {}
    return tuple(_status(item, projects[item["tenant_id"]], stopped_by.get(item["id"], "")) for item in items)


def _state(item: Mapping[str, Any]) -> str:
    return str(item["status"]).lower()


def _stopped(item: Mapping[str, Any], project: AgencyProject) -> Stopped:
    return Stopped(item["id"], _state(item), project.id, project.agency, str(item.get("updated", "")))


def _status(item: Mapping[str, Any], project: AgencyProject, stopped_by: str) -> ServerStatus:
    ports = [port for network in sorted(item["addresses"]) for port in item["addresses"][network]]
    floating = [port["addr"] for port in ports if port.get("OS-EXT-IPS:type") == "floating"]
    return ServerStatus(
        id=item["id"],
        name=item["name"],
        project=project,
        state=_state(item),
        address=floating[0] if floating else "",
        hypervisor=item.get("OS-EXT-SRV-ATTR:hypervisor_hostname") or "",
        item=str((item.get("metadata") or {}).get(ITEM_KEY, DEFAULT_ITEM)),
        stopped_by=stopped_by,
    )

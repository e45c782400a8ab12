"""Projects, what they may hold and what they hold.

An agency is a Keystone domain and its code is the domain's name; the domain `default` is the platform's own,
and on a cloud that City Cloud did not deploy it may be the only one: its projects belong to no agency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.cloud import errors
from infra.cloud.capacity_network import NetworkUsage
from infra.cloud.capacity_servers import ServerRecord
from infra.cloud.capacity_volumes import Volumes
from infra.cloud.reading import PagedReading, Reading

_PLATFORM_DOMAIN = "default"

# The cloud's names -> ours (`infra.domain.quota.RESOURCES`), by the service that counts them.
COMPUTE = {"instances": "instances", "cores": "cores", "ram": "ram_mib"}
VOLUME = {"volumes": "volumes", "gigabytes": "gigabytes"}
NETWORK = {
    "floatingip": "floating_ips",
    "network": "networks",
    "router": "routers",
    "security_group": "security_groups",
    "port": "ports",
}


@dataclass(frozen=True)
class AgencyProject:
    """A project. `agency` is the agency's code, "" for a project of no agency; the rest is Keystone's."""

    id: str
    name: str
    agency: str
    domain_id: str = ""
    parent_id: str = ""
    enabled: bool = True
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProjectList:
    """`whole` says whether our credential sees all projects or those only in which it has a role."""

    projects: tuple[AgencyProject, ...]
    whole: bool = True


@dataclass(frozen=True)
class ProjectLimits:
    """What one project may hold, as each service answers: -1 is no limit."""

    project: AgencyProject
    compute: Mapping[str, int] = field(default_factory=dict)
    volume: Mapping[str, int] = field(default_factory=dict)
    network: Mapping[str, int] = field(default_factory=dict)

    @property
    def limits(self) -> dict[str, int | None]:
        """By our names of resources (`infra.domain.quota.Quota`, with its units); None means unlimited."""
        told = ((COMPUTE, self.compute), (VOLUME, self.volume), (NETWORK, self.network))
        return {
            ours: None if answer[theirs] < 0 else answer[theirs]
            for names, answer in told
            for theirs, ours in names.items()
            if theirs in answer
        }


@dataclass(frozen=True)
class Limits:
    """The limits of every project; `vanished` are projects that went while they were read."""

    projects: tuple[ProjectLimits, ...]
    vanished: int = 0


def read_agency_projects(reading: Reading) -> tuple[AgencyProject, ...]:
    """The projects of every agency. Two calls."""
    domains = reading.items("identity", "/domains", "domains")
    projects = reading.items("identity", "/projects", "projects")
    return tuple(found for found in _projects(projects, domains) if found.agency)


def read_projects(reading: PagedReading) -> ProjectList:
    """Every project, those of no agency too. Two calls; a credential that may not list them gets its own."""
    try:
        projects, whole = reading.items("identity", "/projects", "projects"), True
    except errors.Refused:
        projects, whole = reading.items("identity", "/auth/projects", "projects"), False
    try:
        domains = reading.items("identity", "/domains", "domains")
    except errors.Refused:
        domains = reading.items("identity", "/auth/domains", "domains")
    return ProjectList(_projects(projects, domains), whole)


def _projects(
    projects: Iterable[Mapping[str, Any]], domains: Iterable[Mapping[str, Any]]
) -> tuple[AgencyProject, ...]:
    """A domain whose name we may not read is known by its id."""
    names = {domain["id"]: domain["name"] for domain in domains} | {_PLATFORM_DOMAIN: ""}
    return tuple(
        AgencyProject(
            id=item["id"],
            name=item["name"],
            agency=names.get(item["domain_id"], item["domain_id"]),
            domain_id=item["domain_id"],
            parent_id=item.get("parent_id") or "",
            enabled=bool(item.get("enabled", True)),
            description=item.get("description") or "",
            tags=tuple(item.get("tags") or ()),
        )
        for item in projects
    )


def read_limits(reading: PagedReading, projects: Iterable[AgencyProject]) -> Limits:
    """Limits of these projects: neutron's in two calls, nova's and cinder's in one each for every project
    (they have no list of them), several at once. A project that vanished meanwhile is left out; the others
    must not suffer for it."""
    projects = tuple(projects)
    network = _network_limits(reading, projects)

    def read(project: AgencyProject) -> ProjectLimits | None:
        try:
            compute = reading.get("compute", f"/os-quota-sets/{project.id}")["quota_set"]
            volume = _volume_limits(reading, project)
        except (errors.NotFound, errors.Refused):
            if _is_gone(reading, project):
                return None
            raise
        return ProjectLimits(project, _numbers(compute), volume, network.get(project.id, {}))

    found = [limits for limits in reading.each(read, projects) if limits is not None]
    return Limits(tuple(found), len(projects) - len(found))


def _volume_limits(reading: Reading, project: AgencyProject) -> dict[str, int]:
    try:
        return _numbers(reading.get("volume", f"/os-quota-sets/{project.id}")["quota_set"])
    except errors.ServiceMissing:
        return {}


def _network_limits(reading: PagedReading, projects: Iterable[AgencyProject]) -> dict[str, dict[str, int]]:
    """Neutron lists the projects whose limits were set; all others have its defaults, whoever asks for them.
    A credential that may not list them asks for each of its own."""
    projects = tuple(projects)
    if not projects:
        return {}
    try:
        listed = reading.items("network", "/quotas", "quotas")
        defaults = _numbers(reading.get("network", f"/quotas/{reading.scope()[0]}/default")["quota"])
    except errors.Refused:
        answers = reading.each(lambda project: reading.get("network", f"/quotas/{project.id}"), projects)
        pairs = zip(projects, answers, strict=True)
        return {project.id: _numbers(answer["quota"]) for project, answer in pairs}
    own = {item.get("project_id") or item["tenant_id"]: _numbers(item) for item in listed}
    return {project.id: own.get(project.id, defaults) for project in projects}


def _numbers(answer: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in answer.items() if isinstance(value, int)}


def _is_gone(reading: Reading, project: AgencyProject) -> bool:
    """Whether Keystone has no such project; one that it does not let us ask for is there."""
    try:
        reading.get("identity", f"/projects/{project.id}")
    except errors.NotFound:
        return True
    except errors.Refused:
        return False
    return False


def server_usage(servers: Iterable[ServerRecord]) -> dict[str, Mapping[str, int]]:
    """What servers hold by resource and project, as nova counts it against the quota: shelved and stopped
    ones too."""
    instances: Counter[str] = Counter()
    cores: Counter[str] = Counter()
    memory: Counter[str] = Counter()
    for server in servers:
        instances[server.project_id] += 1
        cores[server.project_id] += server.cores
        memory[server.project_id] += server.ram_mib
    return {"instances": instances, "cores": cores, "ram_mib": memory}


def volume_usage(volumes: Volumes) -> dict[str, Mapping[str, int]]:
    """What volumes and snapshots hold by resource and project."""
    return {"volumes": volumes.project_volumes, "gigabytes": volumes.project_gigabytes}


def network_usage(network: NetworkUsage) -> dict[str, Mapping[str, int]]:
    """What projects hold of the network, by resource and project."""
    return dict(network.held)

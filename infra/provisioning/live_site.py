"""A running site, asked over its own APIs: OpenStack's by infra.cloud, monitoring's by HTTP."""

from __future__ import annotations

from functools import cached_property

from infra.cloud.api_status import ApiStatus, ApiWatch
from infra.cloud.capacity import Capacity, ComputeService, read_capacity, read_compute_services
from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.reading import CloudReading
from infra.cloud.server_status import ServerStatus, read_server_statuses
from infra.cloud.usage import read_agency_projects
from infra.provisioning.guest import CloudCompute, GuestRoll
from infra.provisioning.prometheus import (
    FiringAlert,
    MonitoringTarget,
    MonitoringUnreachable,
    read_alerts,
    read_targets,
)
from infra.provisioning.site import SiteContext

READING_SECONDS = 30.0


def admin_credentials(site: SiteContext) -> Credentials:
    """The cloud's administrator, over TLS that only the site's own CA vouches for."""
    return Credentials(
        auth_url=site.identity_url,
        username="admin",
        password=site.secrets.admin_password,
        project_name="admin",
        user_domain_name="Default",
        project_domain_name="Default",
        region_name=site.inventory.site.region_name,
        cacert=str(site.paths.ca_certificate),
    )


class LiveSite:
    """Nothing is asked before the first call; each call asks anew."""

    def __init__(self, site: SiteContext) -> None:
        self._site = site

    @cached_property
    def cloud(self) -> Cloud:
        return connect(admin_credentials(self._site))

    @cached_property
    def compute(self) -> CloudCompute:
        return CloudCompute(self.cloud, self._site.inventory)

    @cached_property
    def roll(self) -> GuestRoll:
        return GuestRoll(self._site.paths, self.compute)

    def apis(self) -> tuple[ApiStatus, ...]:
        return ApiWatch(self.cloud).read()

    def compute_services(self) -> tuple[ComputeService, ...]:
        return read_compute_services(self._reading())

    def servers(self) -> tuple[ServerStatus, ...]:
        return read_server_statuses(self._reading())

    def capacity(self) -> Capacity:
        return read_capacity(self._reading())

    def onboarded(self) -> set[str]:
        """Codes of the agencies that have a project with a network of its own: the last parts of a landing
        zone stand on it."""
        reading = self._reading()
        networks = reading.items("network", "/networks", "networks", {"fields": "project_id"})
        served = {network["project_id"] for network in networks}
        return {project.agency for project in read_agency_projects(reading) if project.id in served}

    def targets(self) -> list[MonitoringTarget]:
        return read_targets(self._monitoring_address())

    def alerts(self) -> list[FiringAlert]:
        return read_alerts(self._monitoring_address())

    def _reading(self) -> CloudReading:
        return CloudReading(self.cloud, READING_SECONDS)

    def _monitoring_address(self) -> str:
        hosts = self._site.inventory.monitoring()
        if not hosts:
            raise MonitoringUnreachable("the inventory has no server in group `monitoring`")
        return str(hosts[0].address)

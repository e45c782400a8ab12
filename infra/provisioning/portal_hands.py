"""The worker's reach into a real cloud: agencies' stacks, guests over SSH, and what monitoring says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.cloud.connection import Cloud
from infra.cloud.deployed import deployed_servers, reboot, reboots_done, remove_archives, set_locked
from infra.domain.blueprint import Wanted
from infra.errors import InfraError
from infra.provisioning import prometheus
from infra.provisioning.agency_stack import AgencyStacks, Outputs
from infra.provisioning.guest_setup import GuestSetup
from infra.provisioning.lent_address import lent
from infra.provisioning.prometheus import MonitoringUnreachable

GREEN_SECONDS = 300.0
"""Monitoring finds a new server within 60 s; its boot counts as its probes' first time."""
INTERVAL_SECONDS = 2.0


class NotGreen(InfraError):
    """The probes of a new server are not all good; see what its page in the monitoring says."""

    code = "not_green"


@dataclass
class CloudHands:
    """`monitoring` is the address of the site's Prometheus, "" where there is none: then what the playbook
    checked itself has to do.
    """

    cloud: Cloud
    stacks: AgencyStacks
    setup: GuestSetup
    monitoring: str
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def up(self, agency: str, wanted: Sequence[Wanted]) -> Outputs:
        """What the stack cannot say comes before and after it: a reboot, a lock. A reboot that was begun and
        not written down is done once more.
        """
        rebooted = {one.id: one.reboots for one in wanted if one.reboots}
        for id_, server in deployed_servers(self.cloud, rebooted).items():
            if rebooted[id_] > reboots_done(server):
                reboot(self.cloud, server)
        made = self.stacks.up(agency, wanted)
        locked = {one.id: one.locked for one in wanted}
        for id_, server in deployed_servers(self.cloud, locked).items():
            set_locked(self.cloud, server, locked=locked[id_])
        return made

    def forget(self, deployment: str) -> None:
        remove_archives(self.cloud, deployment)

    def set_up(self, agency: str, wanted: Wanted, outputs: dict[str, str]) -> None:
        if outputs.get("address"):
            self.setup.set_up(agency, wanted, outputs, outputs["address"])
            return
        with lent(self.cloud, outputs["server_id"]) as address:
            self.setup.set_up(agency, wanted, outputs, address)

    def await_green(self, wanted: Wanted, outputs: dict[str, str]) -> None:
        if not (self.monitoring and outputs.get("address")):
            return
        deadline = self.clock() + GREEN_SECONDS
        said = "monitoring does not know it yet"
        while self.clock() < deadline:
            try:
                up = prometheus.read_workload_up(self.monitoring, outputs["server_id"])
            except MonitoringUnreachable as error:
                said = str(error)
            else:
                if up:
                    return
                said = said if up is None else "a probe fails"
            self.pause(INTERVAL_SECONDS)
        raise NotGreen(f"{wanted.name} is not green after {GREEN_SECONDS:.0f} s: {said}")

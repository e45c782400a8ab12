"""The worker's reach into a real cloud: agencies' stacks, guests over SSH, and what monitoring says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.cloud import deployed, kept_image, volume_growth
from infra.cloud.connection import Cloud
from infra.cloud.deployed import deployed_servers, reboot, reboots_done, set_locked
from infra.cloud.errors import NotFound
from infra.cloud.image import list_images
from infra.cloud.server import must_not_be_in_error, servers
from infra.cloud.waiting import Deadline
from infra.domain.blueprint import Wanted
from infra.domain.snapshot import Snapshot
from infra.errors import InfraError
from infra.provisioning import prometheus
from infra.provisioning.agency_stack import AgencyStacks, DeploymentsNotMade, Outputs
from infra.provisioning.guest_setup import GuestSetup
from infra.provisioning.lent_address import lent
from infra.provisioning.prometheus import MonitoringUnreachable

GREEN_SECONDS = 300.0
"""Monitoring finds a new server within 60 s; its boot counts as its probes' first time."""
INTERVAL_SECONDS = 2.0
REBUILD_SECONDS = 900.0
"""An image of a few GiB comes from Glance to a busy hypervisor first."""
GROWTH_SECONDS = 600.0
"""A server shuts down, its volume grows, and it starts again."""


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
        if not self.stacks.volumes_grow_attached:
            self._grow(wanted)
        try:
            made = self.stacks.up(agency, wanted)
        except DeploymentsNotMade:
            self._lock(wanted)
            raise
        self._lock(wanted)
        return made

    def _lock(self, wanted: Sequence[Wanted]) -> None:
        locked = {one.id: one.locked for one in wanted}
        for id_, server in deployed_servers(self.cloud, locked).items():
            set_locked(self.cloud, server, locked=locked[id_])

    def _grow(self, wanted: Sequence[Wanted]) -> None:
        """Data volumes that have to be larger: the stack then finds them so. Raises DeploymentsNotMade with
        the one that could not be.
        """
        with_volume = {one.id: one for one in wanted if one.value("volume_gib")}
        for id_, server in deployed_servers(self.cloud, with_volume).items():
            one, deadline = with_volume[id_], Deadline(GROWTH_SECONDS, self.clock, self.pause)
            gib = 0 if "volume_gib" in one.stays else int(one.value("volume_gib"))
            try:
                volume_growth.grow(self.cloud, server, one.name, gib, on=one.on, deadline=deadline)
            except InfraError as error:
                raise DeploymentsNotMade({one.name: str(error)}) from error

    def forget(self, deployment: str) -> None:
        kept_image.remove_kept(self.cloud, deployment)

    def take_snapshot(self, snapshot: Snapshot) -> str:
        id_, deployment = snapshot.id, snapshot.deployment
        if snapshot.archive:
            return kept_image.archive_as_snapshot(self.cloud, id_, deployment)
        server = deployed_servers(self.cloud, [deployment]).get(deployment)
        return kept_image.snapshot(self.cloud, id_, deployment, snapshot.name, server)

    def snapshot_size(self, snapshot: Snapshot) -> int | None:
        return kept_image.image_size(self.cloud, snapshot.image, snapshot.deployment)

    def drop_snapshot(self, snapshot: Snapshot) -> None:
        kept_image.remove_snapshot(self.cloud, snapshot.id)

    def rebuild(self, wanted: Wanted, rebuild: str, image: str) -> None:
        server = deployed_servers(self.cloud, [wanted.id]).get(wanted.id)
        if server is None:
            raise NotFound(f"{wanted.name} has no server in the cloud whose disk could be made new")
        deployed.rebuild(self.cloud, server, rebuild, image or self._image(wanted))
        deadline = Deadline(REBUILD_SECONDS, self.clock, self.pause)
        deadline.wait(f"the rebuild of {wanted.name}", lambda: self._rebuilt(server["id"]))

    def _image(self, wanted: Wanted) -> str:
        """The id of the item's image."""
        name = self.stacks.image(wanted)
        found = [one for one in list_images(self.cloud, name=name) if one["status"] == "active"]
        if not found:
            raise NotFound(f"image {name} is not in the cloud; run `citycloud up`")
        return str(found[0]["id"])

    def _rebuilt(self, server_id: str) -> bool | None:
        """True when it is over. Raises WentWrong."""
        now = servers(self.cloud).get(server_id)
        must_not_be_in_error(now)
        busy = now["status"] == "REBUILD" or now.get("OS-EXT-STS:task_state")
        return None if busy else True

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

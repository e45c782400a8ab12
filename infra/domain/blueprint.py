"""Blueprint: what a stack is told of one deployment that it realises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.domain.deployment import Deployment, DeploymentState
from infra.domain.opening import Opening

DEPLOYMENT_KEY = "citycloud_deployment"
"""A server's metadata that names its deployment's id."""
REBOOTS_KEY = "citycloud_reboots"
"""A server's metadata that says how many of its owner's wishes to reboot it were met."""
REBUILT_KEY = "citycloud_rebuilt"
"""A server's metadata that names the last wish to make its disk new that was met."""
ARCHIVE_KEY = "citycloud_archive"
"""An image's property that names the deployment whose archive it is."""
SNAPSHOT_KEY = "citycloud_snapshot"
"""An image's property that names the snapshot that it is."""
SNAPSHOT_OF_KEY = "citycloud_snapshot_of"
"""An image's property that names the deployment of which it is a snapshot."""
MANAGER = "citycloud"
"""The account in a guest by which the city's worker sets it up; its owner's is the image's."""


@dataclass(frozen=True)
class Wanted:
    """`values` are those of the request, checked, as text; `on` whether its servers are to run, `locked`
    whether its agency may do nothing with them, `reboots` how often they were to be rebooted; `kind` is the
    blueprint's name without its version. `openings` are those beside what the blueprint gives; `rebuilt`
    names the last time that its disk was made new, "" for never. `stays` are parameters that stay as they are
    in the cloud while a change is taken back, because they cannot shrink.
    """

    id: str
    name: str
    item: str
    kind: str
    values: Mapping[str, str]
    on: bool
    locked: bool = False
    reboots: int = 0
    openings: tuple[Opening, ...] = ()
    rebuilt: str = ""
    stays: tuple[str, ...] = ()

    @classmethod
    def of(cls, deployment: Deployment, stays: tuple[str, ...] = ()) -> Wanted:
        locked = deployment.state == DeploymentState.SUSPENDED
        on = not locked and deployment.power == "on"
        kind, values = deployment.blueprint.partition("/")[0], dict(deployment.values)
        return cls(
            deployment.id, deployment.name, deployment.item, kind, values, on, locked, deployment.reboots,
            deployment.openings, deployment.rebuilt, stays,
        )  # fmt: skip

    def value(self, name: str, otherwise: str = "") -> str:
        return self.values.get(name) or otherwise

    def switched(self, name: str) -> bool:
        return self.values.get(name) == "true"

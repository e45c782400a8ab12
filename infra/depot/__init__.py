"""The depot: a folder that holds everything that servers install, so that they install from nowhere else.

`build` fills it, `verify` checks it, `serve` hands it out. Its layout:

    manifest.json                       hash and size of every file, inputs of every part
    apt/                                flat repository, signed; apt/depot.asc is the public key
    wheels/openstack-<release>/ wheels/citycloud/
    environments/openstack-<release>.tar.zst environments/citycloud-<version>.tar.zst
    base/debian-12.tar.zst              bare server
    images/debian-12.qcow2 images/debian-12-container.raw
    pulumi/pulumi
    keycloak/keycloak-<version>.tar.gz  for sites that run one
"""

from infra.depot.building import BuildResult, Progress
from infra.depot.checking import verify
from infra.depot.errors import DepotBroken, DepotBusy, DepotPartFailed
from infra.depot.parts import build
from infra.depot.server import DepotServer, serve

__all__ = [
    "BuildResult",
    "DepotBroken",
    "DepotBusy",
    "DepotPartFailed",
    "DepotServer",
    "Progress",
    "build",
    "serve",
    "verify",
]

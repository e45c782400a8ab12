"""Nova server groups: which servers shall share a hypervisor, and which shall not."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def server_groups(cloud: Cloud) -> Collection:
    """Every server group that we may see; Nova shows those of other projects to administrators only."""
    return Collection(
        cloud.service("compute"),
        "/os-server-groups",
        "server_group",
        "server_groups",
        everyone={"all_projects": "True"},
    )

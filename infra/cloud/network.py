"""Neutron networks."""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud


def networks(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/networks", "network", "networks")


def external_network_named(cloud: Cloud, name: str) -> Thing | None:
    """The external network of this name: what Terraform calls a pool of floating IPs."""
    return next(iter(networks(cloud).list(name=name, **{"router:external": "True"})), None)


def set_tags(cloud: Cloud, kind: str, identity: str, tags: list[str]) -> None:
    """Replace the tags of one thing; `kind` is its neutron collection (`networks`, `security-groups`)."""
    cloud.service("network").request("PUT", f"/{kind}/{identity}/tags", json={"tags": sorted(tags)})

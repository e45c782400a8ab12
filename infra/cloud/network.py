"""Neutron networks."""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud


def networks(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/networks", "network", "networks", bulk=True)


def external_network_named(cloud: Cloud, name: str) -> Thing | None:
    """The external network of this name: what Terraform calls a pool of floating IPs."""
    return next(iter(networks(cloud).list(name=name, **{"router:external": "True"})), None)


def set_tags(cloud: Cloud, kind: str, identity: str, tags: list[str]) -> None:
    """Replace the tags of one thing; `kind` is its neutron collection (`networks`, `qos/policies`), of whose
    path the tags' API knows the last part only."""
    path = f"/{kind.rpartition('/')[2]}/{identity}/tags"
    cloud.service("network").request("PUT", path, json={"tags": sorted(tags)})

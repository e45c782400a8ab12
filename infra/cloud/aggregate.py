"""Nova host aggregates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, NotFound


def aggregates(cloud: Cloud) -> Collection:
    return Collection(cloud.service("compute"), "/os-aggregates", "aggregate", "aggregates")


def set_hosts(cloud: Cloud, identity: str, wanted: Iterable[str], present: Iterable[str]) -> None:
    """Make the aggregate's hosts those of `wanted`, given those that are `present`."""
    for host in sorted(set(present) - set(wanted)):
        try:
            aggregates(cloud).act(identity, {"remove_host": {"host": host}})
        except NotFound:
            continue
    for host in sorted(set(wanted) - set(present)):
        try:
            aggregates(cloud).act(identity, {"add_host": {"host": host}})
        except Conflict as conflict:
            if "already" not in str(conflict):
                raise


def set_metadata(cloud: Cloud, identity: str, wanted: Mapping[str, str], present: Mapping[str, str]) -> None:
    """Make the aggregate's metadata that of `wanted`; its availability zone is kept apart and stays."""
    change: dict[str, str | None] = {
        key: None for key in present.keys() - wanted.keys() if key != "availability_zone"
    }
    change.update({key: value for key, value in wanted.items() if present.get(key) != value})
    if change:
        aggregates(cloud).act(identity, {"set_metadata": {"metadata": change}})

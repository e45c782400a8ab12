"""Neutron address groups and the addresses in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def address_groups(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/address-groups", "address_group", "address_groups")


def change_addresses(
    cloud: Cloud, group_id: str, verb: Literal["add", "remove"], addresses: Sequence[str]
) -> None:
    """Add addresses (CIDRs) to the group or remove them; both are safe to repeat for one that is there, or
    not."""
    cloud.service("network").request(
        "PUT",
        f"/address-groups/{group_id}/{verb}_addresses",
        json={"addresses": [*addresses]},
    )

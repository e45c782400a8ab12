"""Neutron address scopes."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def address_scopes(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/address-scopes", "address_scope", "address_scopes")

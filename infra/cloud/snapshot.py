"""Cinder snapshots of volumes."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def snapshots(cloud: Cloud) -> Collection:
    return Collection(
        cloud.service("volume"), "/snapshots", "snapshot", "snapshots", listing="/snapshots/detail"
    )

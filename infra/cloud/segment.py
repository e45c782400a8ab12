"""Neutron segments: the networks of the data center that one network is made of."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def segments(cloud: Cloud) -> Collection:
    return Collection(cloud.service("network"), "/segments", "segment", "segments")

"""Keystone's catalog: the services of the cloud, and the endpoints at which they answer."""

from __future__ import annotations

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud


def services(cloud: Cloud) -> Collection:
    return Collection(cloud.service("identity"), "/services", "service", "services", change="PATCH")


def endpoints(cloud: Cloud) -> Collection:
    return Collection(cloud.service("identity"), "/endpoints", "endpoint", "endpoints", change="PATCH")

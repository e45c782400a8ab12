"""The ground of a deployed site, and every case that stands on it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from tests.cloud import admin
from tests.cloud.provider.case import Case, Facts, Ground
from tests.cloud.provider.matrix import Bench, Making

_UNLIMITED = ("network", "subnet", "port", "router", "floatingip", "security_group", "security_group_rule")
"""The cases' things stand in the administrator's project, many at a time."""


def cases() -> tuple[Case, ...]:
    """Every case of every `*_cases.py` of this folder."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("*_cases.py"))
    found = [importlib.import_module(f"tests.cloud.provider.{module}").CASES for module in modules]
    return tuple(case for group in found for case in group)


def credentials_of(inventory: str) -> Credentials:
    """The administrator's of a site that was deployed from this machine."""
    site = admin.site_of(inventory)
    return Credentials(
        auth_url=site.identity_url,
        username="admin",
        password=site.secrets.admin_password,
        user_domain_name="Default",
        project_name="admin",
        project_domain_name="Default",
        region_name=site.inventory.site.region_name,
        cacert=str(site.paths.ca_certificate),
    )


@contextmanager
def live_ground(bench: Bench, credentials: Credentials) -> Iterator[Ground]:
    """A domain, a project and a user of the tests' own in a real cloud; removed at the end, with all that
    cases made for themselves."""
    cloud = connect(credentials)
    making = Making(lambda: bench.engine("ground"))
    beginnings = Ground(cloud, Facts("", "", "", {}, "", "", ""), making)
    try:
        ground = Ground(cloud, _facts(cloud, beginnings), making, run=beginnings.run)
        limits = f"/quotas/{cloud.project_id}"
        cloud.service("network").request("PUT", limits, json={"quota": dict.fromkeys(_UNLIMITED, -1)})
        try:
            yield ground
        finally:
            left = ground.clear(workers=8)
            cloud.service("network").request("DELETE", limits)
    finally:
        left_too = beginnings.clear(workers=8)
    assert not left + left_too, left + left_too


def _facts(cloud: Cloud, ground: Ground) -> Facts:
    identity = "openstack:identity/"
    domain = ground.make(identity + "project:Project", {"name": ground.name("domain"), "isDomain": True})[
        "id"
    ]
    project = {"name": ground.name("project"), "domainId": domain}
    user = {"name": ground.name("user"), "domainId": domain, "password": "a-password-of-a-test"}
    return Facts(
        ground.make(identity + "project:Project", project)["id"],
        domain,
        ground.make(identity + "user:User", user)["id"],
        _one(cloud, "network", "/networks?router:external=true", "networks"),
        _one(cloud, "image", "/images?name=debian-12", "images")["id"],
        _named(cloud, "compute", "/flavors", "flavors", "vm.small")["id"],
        _one(cloud, "compute", "/os-services?binary=nova-compute", "services")["host"],
    )


def _one(cloud: Cloud, service: str, path: str, plural: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = cloud.service(service).request("GET", path)[plural]
    assert found, f"the cloud has no {path}"
    return found[0]


def _named(cloud: Cloud, service: str, path: str, plural: str, name: str) -> dict[str, Any]:
    found = cloud.service(service).request("GET", path)[plural]
    return next(dict(one) for one in found if one["name"] == name)

"""Usage: the agencies' quotas, with one project that vanishes while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from infra.cloud import errors
from infra.cloud.usage import QuotaUsage, read_agency_projects, read_usages


class Agencies:
    """A reading of two agencies; `raising` says what a call to a project's nova quota raises."""

    def __init__(self, raising: Mapping[str, Exception] | None = None, existing: bool = True) -> None:
        self.raising = raising or {}
        self.existing = existing

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        project = next((name for name in ("p1", "p2") if name in path), "")
        if service == "identity":
            if self.existing:
                return {"project": {}}
            raise errors.NotFound(path)
        if service == "compute" and project in self.raising:
            raise self.raising[project]
        counts = {"limit": 10, "in_use": 2, "used": 2, "reserved": 1}
        names = {
            "compute": ("instances", "cores", "ram"),
            "volume": ("volumes", "gigabytes"),
            "network": ("floatingip", "network", "router", "security_group", "port"),
        }[service]
        quotas = dict.fromkeys(names, counts)
        if service == "volume":
            quotas["volumes"] = {**counts, "limit": -1}
        return {"quota" if service == "network" else "quota_set": quotas}

    def items(self, service: str, path: str, plural: str, params: Any = None) -> list[dict[str, Any]]:
        return {
            "domains": [
                {"id": "default", "name": "Default"},
                {"id": "d1", "name": "sxd"},
                {"id": "d2", "name": "stc"},
            ],
            "projects": [
                {"id": "p0", "name": "admin", "domain_id": "default"},
                {"id": "p1", "name": "main", "domain_id": "d1"},
                {"id": "p2", "name": "main", "domain_id": "d2"},
            ],
        }[plural]

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]


def test_an_agency_is_the_name_of_its_domain_and_the_platforms_domain_is_none() -> None:
    found = read_agency_projects(Agencies())
    assert [(project.id, project.agency, project.name) for project in found] == [
        ("p1", "sxd", "main"),
        ("p2", "stc", "main"),
    ]


def test_usage_includes_what_is_reserved_and_minus_one_means_unlimited() -> None:
    quotas = {quota.resource: quota for quota in read_usages(Agencies())[0].quotas}
    assert quotas["cores"] == QuotaUsage("cores", 10, 3)
    assert quotas["volumes"] == QuotaUsage("volumes", None, 3)
    assert quotas["floating_ips"] == QuotaUsage("floating_ips", 10, 3)
    assert set(quotas) == {
        "instances",
        "cores",
        "ram_mib",
        "volumes",
        "gigabytes",
        "floating_ips",
        "networks",
        "routers",
        "security_groups",
        "ports",
    }


def test_a_project_that_was_removed_meanwhile_does_not_take_the_others_with_it() -> None:
    usages = read_usages(Agencies({"p1": errors.Refused("no such project")}, existing=False))
    assert [usage.project.id for usage in usages] == ["p2"]


def test_a_refusal_for_a_project_that_exists_fails_the_lap() -> None:
    with pytest.raises(errors.Refused, match="policy"):
        read_usages(Agencies({"p1": errors.Refused("policy")}))

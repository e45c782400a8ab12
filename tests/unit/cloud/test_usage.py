"""Usage: projects, their limits and what they hold, with one project that vanishes while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from infra.cloud import errors
from infra.cloud.usage import AgencyProject, read_agency_projects, read_limits, read_projects

P1, P2 = AgencyProject("p1", "main", "sxd"), AgencyProject("p2", "main", "stc")


class Agencies:
    """A reading of two agencies; `raising` says what a call to a path that begins so raises."""

    def __init__(self, raising: Mapping[str, Exception] | None = None, existing: bool = True) -> None:
        self.raising = raising or {}
        self.existing = existing

    def _refuse(self, service: str, path: str) -> None:
        for begin, error in self.raising.items():
            if f"{service} {path}".startswith(begin):
                raise error

    def get(self, service: str, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self._refuse(service, path)
        if service == "identity":
            if self.existing:
                return {"project": {}}
            raise errors.NotFound(path)
        names = {
            "compute": ("instances", "cores", "ram"),
            "volume": ("volumes", "gigabytes"),
            "network": ("floatingip", "network", "router", "security_group", "port"),
        }[service]
        quotas = {**dict.fromkeys(names, 10), "id": "p1"}
        if service == "volume":
            quotas["volumes"] = -1
        return {"quota" if service == "network" else "quota_set": quotas}

    def items(self, service: str, path: str, plural: str, params: Any = None) -> list[dict[str, Any]]:
        self._refuse(service, path)
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
            "quotas": [{"project_id": "p2", "floatingip": 3, "network": -1}],
        }[plural]

    def pages(self, *how: Any) -> Iterator[dict[str, Any]]:
        return iter(self.items(*how))

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def scope(self) -> tuple[str, str]:
        return "p0", "user"


def test_an_agency_is_the_name_of_its_domain_and_the_platforms_domain_is_none() -> None:
    found = read_agency_projects(Agencies())
    assert [(project.id, project.agency, project.name) for project in found] == [
        ("p1", "sxd", "main"),
        ("p2", "stc", "main"),
    ]


def test_a_project_of_no_agency_is_listed_under_its_name() -> None:
    found = read_projects(Agencies())
    assert [(project.agency, project.name) for project in found.projects] == [
        ("", "admin"),
        ("sxd", "main"),
        ("stc", "main"),
    ]
    assert found.whole


def test_a_reader_that_may_not_list_projects_sees_its_own_and_says_so() -> None:
    refused = errors.Refused("policy")
    found = read_projects(Agencies({"identity /projects": refused, "identity /domains": refused}))
    assert not found.whole
    assert len(found.projects) == 3


def test_limits_are_the_services_own_and_minus_one_means_unlimited() -> None:
    first, second = read_limits(Agencies(), [P1, P2]).projects
    assert (first.limits["cores"], first.limits["volumes"], first.limits["ports"]) == (10, None, 10)
    assert set(first.limits) == {
        "instances", "cores", "ram_mib", "volumes", "gigabytes", "floating_ips", "networks", "routers",
        "security_groups", "ports",
    }  # fmt: skip
    # Neutron lists only limits that were set for a project.
    assert (second.limits["floating_ips"], second.limits["networks"]) == (3, None)


def test_a_project_that_was_removed_meanwhile_does_not_take_the_others_with_it() -> None:
    gone = Agencies({"compute /os-quota-sets/p1": errors.Refused("no such project")}, existing=False)
    found = read_limits(gone, [P1, P2])
    assert ([limits.project.id for limits in found.projects], found.vanished) == (["p2"], 1)


def test_a_refusal_for_a_project_that_exists_fails_the_lap() -> None:
    with pytest.raises(errors.Refused, match="policy"):
        read_limits(Agencies({"compute /os-quota-sets/p1": errors.Refused("policy")}), [P1, P2])


def test_a_cloud_without_cinder_has_limits_all_the_same() -> None:
    cloud = Agencies({"volume": errors.ServiceMissing("no block-storage")})
    assert "volumes" not in read_limits(cloud, [P1]).projects[0].limits

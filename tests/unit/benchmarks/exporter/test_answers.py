"""The benchmark's model cloud answers as the real APIs do: else it would measure something else."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from benchmarks.exporter.answers import Answer, Cloud
from benchmarks.exporter.world import World


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return Cloud(World(hosts=60, projects=7, servers=2300), "http://192.0.2.1")


def got(cloud: Cloud, target: str, version: str = "") -> Answer:
    parts = urlsplit(target)
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return cloud.answer("GET", parts.path, query, {"openstack-api-version": version} if version else {})


def body(cloud: Cloud, target: str, version: str = "") -> dict[str, Any]:
    answer = got(cloud, target, version)
    assert answer.status == 200, answer.body
    return dict(json.loads(answer.body))


def every(cloud: Cloud, target: str, plural: str, version: str = "") -> tuple[list[dict[str, Any]], int]:
    """All items by following `next`, and how many pages that took."""
    items, pages = [], 0
    while target:
        page = body(cloud, target, version)
        items += page[plural]
        pages += 1
        links = [link["href"] for link in page.get(f"{plural}_links", ())]
        target = links[0].removeprefix("http://192.0.2.1") if links else page.get("next", "")
        target = f"/image{target}" if target.startswith("/v2/images") else target
    return items, pages


@pytest.mark.parametrize(
    ("target", "plural", "count", "pages"),
    [
        ("/compute/v2.1/servers/detail?all_tenants=true", "servers", 2300, 3),
        ("/compute/v2.1/servers/detail?all_tenants=true&limit=5000", "servers", 2300, 3),
        ("/compute/v2.1/servers/detail?all_tenants=true&limit=500", "servers", 2300, 5),
        ("/volume/v3/volumes/detail?all_tenants=true", "volumes", 1150, 2),
        ("/image/v2/images", "images", 60, 3),
        ("/image/v2/images?limit=1000", "images", 60, 1),
        ("/network/v2.0/ports", "ports", 2321, 1),
        ("/network/v2.0/ports?limit=1000", "ports", 2321, 3),
    ],
)
def test_pages_hold_every_item_once(cloud: Cloud, target: str, plural: str, count: int, pages: int) -> None:
    items, asked = every(cloud, target, plural)
    assert len(items) == len({item["id"] for item in items}) == count
    assert asked == pages


def test_servers_of_other_projects_are_shown_only_when_asked_for(cloud: Cloud) -> None:
    assert body(cloud, "/compute/v2.1/servers/detail") == {"servers": []}


@pytest.mark.parametrize(("version", "shown"), [("compute 2.87", True), ("compute 2.88", False)])
def test_hypervisors_lose_their_usage_at_2_88(cloud: Cloud, version: str, shown: bool) -> None:
    (first, *_) = body(cloud, "/compute/v2.1/os-hypervisors/detail", version)["hypervisors"]
    assert ("vcpus_used" in first) is shown


@pytest.mark.parametrize(("version", "key"), [("compute 2.46", "id"), ("compute 2.47", "original_name")])
def test_flavors_are_inside_servers_from_2_47_on(cloud: Cloud, version: str, key: str) -> None:
    (first, *_) = body(cloud, "/compute/v2.1/servers/detail?all_tenants=1&limit=1", version)["servers"]
    assert key in first["flavor"]


def test_a_version_beyond_the_newest_is_not_acceptable(cloud: Cloud) -> None:
    assert got(cloud, "/compute/v2.1/os-services", "compute 2.999").status == 406
    assert got(cloud, "/compute/v2.1/os-services", "placement 1.39").status == 200


def test_what_is_not_there_is_404_and_a_wrong_marker_400(cloud: Cloud) -> None:
    assert (
        got(cloud, "/placement/resource_providers/00000000-0000-0000-0000-000000000000/usages").status == 404
    )
    assert got(cloud, "/compute/v2.1/servers/detail?all_tenants=1&marker=gone").status == 400


def test_only_the_fields_that_were_asked_for_are_answered(cloud: Cloud) -> None:
    (first, *_) = body(cloud, "/network/v2.0/ports?fields=id&fields=status")["ports"]
    assert set(first) == {"id", "status"}


def test_placements_usages_are_those_of_the_servers(cloud: Cloud) -> None:
    used = 0
    for provider in body(cloud, "/placement/resource_providers")["resource_providers"]:
        used += body(cloud, f"/placement/resource_providers/{provider['uuid']}/usages")["usages"]["VCPU"]
    servers, _ = every(cloud, "/compute/v2.1/servers/detail?all_tenants=1", "servers", "compute 2.87")
    assert used == sum(server["flavor"]["vcpus"] for server in servers)


def test_calls_are_counted_by_endpoint_without_ids(cloud: Cloud) -> None:
    (first, *_) = body(cloud, "/placement/resource_providers")["resource_providers"]
    answer = got(cloud, f"/placement/resource_providers/{first['uuid']}/usages")
    assert answer.endpoint == "placement /resource_providers/ID/usages"


def test_candidates_tell_the_usages_of_all_who_have_room(cloud: Cloud) -> None:
    summaries = body(cloud, "/placement/allocation_candidates?resources=VCPU:1", "placement 1.36")
    for provider, told in summaries["provider_summaries"].items():
        used = body(cloud, f"/placement/resource_providers/{provider}/usages")["usages"]
        assert {name: amount["used"] for name, amount in told["resources"].items()} == used
    assert len(summaries["provider_summaries"]) == 60
    none = body(cloud, "/placement/allocation_candidates?resources=VCPU:100000", "placement 1.36")
    assert none == {"allocation_requests": [], "provider_summaries": {}}

"""One agency's landing zone, from nothing to nothing."""

from __future__ import annotations

from tests.cloud.conftest import Site

AGENCY = "q-doson"  # has no servers: nobody waits for its guests


def resources(site: Site) -> dict[str, str]:
    """What the cloud holds under the agency's name, by API."""
    openstack = "/opt/openstack/current/bin/openstack"
    listing = site.shell(
        f"for kind in 'domain list' 'network list' 'router list' 'security group list' 'port list --long';"
        f" do {openstack} $kind -f value; done")
    return {line: line for line in listing.splitlines() if AGENCY in line}


def test_an_unchanged_landing_zone_has_an_empty_preview(site: Site) -> None:
    results = site.ok("zone", "preview", "--agency", AGENCY, "--output", "json").json
    assert [result["changed"] for result in results] == [0]


def test_a_refresh_finds_the_cloud_as_it_was_made(site: Site) -> None:
    results = site.ok("zone", "refresh", "--agency", AGENCY, "--output", "json").json
    assert [result["changed"] for result in results] == [0]


def test_a_destroyed_landing_zone_leaves_nothing_and_comes_back(site: Site) -> None:
    destroyed = site.ok("zone", "destroy", "--agency", AGENCY, "--yes", "--output", "json").json
    assert destroyed[0]["changed"] > 10
    assert site.ok("status", "--output", "json", "--allow-problems").json["onboarded"] == 34
    again = site.ok("zone", "up", "--agency", AGENCY, "--output", "json").json
    assert again[0]["changed"] == destroyed[0]["changed"]
    assert site.ok("zone", "preview", "--agency", AGENCY, "--output", "json").json[0]["changed"] == 0

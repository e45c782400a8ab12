"""One agency's landing zone, from nothing to nothing and back."""

from __future__ import annotations

from tests.cloud.conftest import Site

AGENCY = "q-doson"  # has no servers: nobody waits for its guests


def test_an_unchanged_landing_zone_has_an_empty_preview(site: Site) -> None:
    results = site.ok("zone", "preview", AGENCY, "--output", "json").json
    assert [result["changes"].keys() - {"same"} for result in results] == [set()]


def test_a_refresh_finds_the_cloud_as_it_was_made(site: Site) -> None:
    results = site.ok("zone", "refresh", AGENCY, "--output", "json").json
    assert [result["changes"].keys() - {"same"} for result in results] == [set()]


def test_a_destroyed_landing_zone_leaves_nothing_and_comes_back(site: Site) -> None:
    before = site.holdings(AGENCY)
    assert before["networks"] == before["routers"] == before["projects"] == 1
    refused = site.run("zone", "destroy", AGENCY, "--yes", "--output", "json")
    assert refused.code == 3
    assert refused.json["error"]["code"] == "plan_refused"
    assert site.holdings(AGENCY) == before
    site.confirmed("zone", "destroy", AGENCY, "--yes")
    left = site.holdings(AGENCY, before["project"])
    assert {kind: count for kind, count in left.items() if kind != "project" and count} == {}
    assert site.run("status", "--output", "json").json["onboarded"] == 34
    site.ok("zone", "up", AGENCY)
    again = site.holdings(AGENCY)
    assert {**again, "project": ""} == {**before, "project": ""}

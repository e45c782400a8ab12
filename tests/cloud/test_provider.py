"""The provider against the real APIs of the site: every type through life, faults and kills; every lookup."""

from __future__ import annotations

import json

from infra.provider.registry import served
from tests.cloud.conftest import ROOT, Site
from tests.cloud.provider.document import document

MOST_BESIDE_OTHERS = 3
"""Problems that a case had only beside the others: more would be no neighbour's doing."""


def test_every_type_lives_through_faults_and_kills_and_the_page_says_so(site: Site) -> None:
    told = json.loads(site.script("tests.cloud.provider.run", timeout=2400))
    assert told["problems"] == [], told["beside_others"]
    assert len(told["beside_others"]) <= MOST_BESIDE_OTHERS, told["beside_others"]
    assert told["table"].keys() == {*served()}
    page = document(told["table"])
    made = site.state / "provider.md"
    made.write_text(page, encoding="utf-8")
    assert (ROOT / "docs/provider.md").read_text(encoding="utf-8") == page, f"the page is now {made}"


def test_every_data_source_finds_what_is_there(site: Site) -> None:
    told = json.loads(site.script("tests.cloud.provider.lookups"))
    assert {one["function"]: one["problems"] for one in told if one["problems"]} == {}

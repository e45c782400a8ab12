"""Monitoring through faults, before the site's real APIs; see `docs/monitoring-faults.md`."""

from __future__ import annotations

import json

from tests.cloud.conftest import ROOT, Site
from tests.cloud.monitoring.document import document


def test_each_fault_is_told_as_it_is_and_the_page_says_so(site: Site) -> None:
    told = json.loads(site.script("tests.cloud.monitoring.run"))
    assert told["problems"] == []
    page = document(told)
    made = site.state / "monitoring-faults.md"
    made.write_text(page, encoding="utf-8")
    assert (ROOT / "docs/monitoring-faults.md").read_text(encoding="utf-8") == page, f"the page is now {made}"

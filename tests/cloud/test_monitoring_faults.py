"""What monitoring exports and tells when things around it fail, and that the page says the same."""

from __future__ import annotations

import json

from tests.cloud.conftest import ROOT, Site
from tests.cloud.monitoring.document import document


def test_every_fault_is_told_as_it_is_and_ends_with_its_cause(site: Site) -> None:
    told = json.loads(site.script("tests.cloud.monitoring.run", timeout=2400))
    assert told["problems"] == []
    page = document(told)
    made = site.state / "monitoring-faults.md"
    made.write_text(page, encoding="utf-8")
    assert (ROOT / "docs/monitoring-faults.md").read_text(encoding="utf-8") == page, f"it is now {made}"

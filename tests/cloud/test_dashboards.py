"""The dashboards on a live site: each panel's query is asked of its Prometheus and has data."""

from __future__ import annotations

import json
import time

from tests.cloud.conftest import Site

SETTLING_SECONDS = 900
"""A canary has run on each hypervisor, rates have two samples, recording rules have run."""


def test_every_panel_has_data_on_a_live_site(site: Site) -> None:
    deadline = time.monotonic() + SETTLING_SECONDS
    while empty := json.loads(site.script("tests.cloud.dashboard_queries")):
        assert time.monotonic() < deadline, empty
        time.sleep(10)

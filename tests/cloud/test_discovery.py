"""Discovery on a live site: a new server is watched soon, a retired one leaves without an alert."""

from __future__ import annotations

import json

from tests.cloud.conftest import Site

AGENCY = "sotttt"
PROMISED_SECONDS = 60
"""From ACTIVE until Prometheus watches the server; what the issue promises."""


def test_a_new_server_is_watched_within_a_minute_and_a_retired_one_raises_no_alert(site: Site) -> None:
    told = json.loads(site.script("tests.cloud.monitoring.discovery", AGENCY))
    assert told["seconds"] <= PROMISED_SECONDS
    labels = {name: told["target"][name] for name in ("agency", "project", "item", "endpoint")}
    assert labels == {"agency": AGENCY, "project": AGENCY, "item": "web-server", "endpoint": "node"}
    assert told["fired"] == []
    assert told["left"] == []

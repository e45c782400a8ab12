"""An alert that ops staff depend on, seen to fire and to end."""

from __future__ import annotations

import time
from typing import Any

from tests.cloud.conftest import Site

ALERT = "HypervisorComputeDown"


def firing(site: Site) -> list[dict[str, Any]]:
    return [
        alert for alert in site.run("status", "--output", "json").json["alerts"] if alert["name"] == ALERT
    ]


def wait_until(site: Site, fires: bool, seconds: float) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while bool(found := firing(site)) != fires:
        assert time.monotonic() < deadline, f"{ALERT} {'never fired' if fires else 'never resolved'}"
        time.sleep(2)
    return found


def test_a_stopped_compute_service_fires_an_alert_that_resolves_when_it_starts(site: Site) -> None:
    assert firing(site) == []
    site.on("hv1", "systemctl stop nova-compute")
    try:
        alert = wait_until(site, fires=True, seconds=240)[0]
        assert alert["labels"]["hypervisor"] == "hv1"
        assert alert["severity"] == "page"
    finally:
        site.on("hv1", "systemctl start nova-compute")
        wait_until(site, fires=False, seconds=240)

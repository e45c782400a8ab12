"""Which panels of the dashboards have no data in a site's own Prometheus, as JSON; run in the site's network.

`python -m tests.cloud.dashboard_queries INVENTORY` only reads.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from infra import inventory as inventories
from infra.provisioning.prometheus import PROMETHEUS_PORT
from monitoring.dashboards.catalogue import without_data
from monitoring.prometheus import Prometheus


def empty_panels(url: str) -> list[dict[str, str]]:
    """Panels without data, for the agency that has most servers. Raises QueryRefused for bad PromQL."""
    with Prometheus(url) as prometheus:
        busiest = prometheus.query("topk(1, count by (agency) (city_workload_expected))")
        agency = busiest[0].label("agency") if busiest else ""
        return [dataclasses.asdict(entry) for entry in without_data(prometheus, agency)]


if __name__ == "__main__":
    (host, *_) = inventories.load(Path(sys.argv[1])).monitoring()
    print(json.dumps(empty_panels(f"http://{host.address}:{PROMETHEUS_PORT}"), ensure_ascii=False, indent=2))

"""Discovery lists what runs, never empties because the cloud is silent, and lets the retired go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cloud.server_status import ServerStatus
from monitoring.exporters.discovery import handler, metrics_targets, probed_targets
from monitoring.exporters.listening import Request
from tests.unit.monitoring.exporters.uptime_sample import CATALOG, make_status

WEB = make_status("web", item="web-server")
PLAIN = make_status("plain", address="2001:db8::7", agency="stc")
LABELS = {
    "agency": "sxd", "project": "main", "server": "web", "server_id": "id-web", "item": "web-server",
    "hypervisor": "hv1",
}  # fmt: skip


def test_a_guest_is_scraped_where_its_item_declares_it() -> None:
    assert metrics_targets((WEB, PLAIN), CATALOG) == [
        {
            "targets": ["192.0.2.1:9100"],
            "labels": {**LABELS, "endpoint": "node", "__metrics_path__": "/metrics"},
        }
    ]


def test_every_probed_endpoint_is_listed_with_its_kind() -> None:
    found = [(group["targets"], group["labels"]["probe"], group["labels"]["kind"])
             for group in probed_targets((WEB, PLAIN), CATALOG)]  # fmt: skip
    assert found == [
        (["[2001:db8::7]:22"], "ssh", "ssh"),
        (["192.0.2.1:22"], "ssh", "ssh"),
        (["192.0.2.1:443"], "web", "https"),
    ]


@pytest.mark.parametrize(
    "server",
    [
        make_status(state="shutoff", item="web-server", stopped_by="agency"),
        make_status(state="shutoff", item="web-server", stopped_by="nobody"),
        make_status(state="build", item="web-server"),
        make_status(address="", item="web-server"),
    ],
)
def test_what_does_not_run_or_has_no_address_is_no_target(server: ServerStatus) -> None:
    assert metrics_targets((server,), CATALOG) == []
    assert probed_targets((server,), CATALOG) == []


def answered(servers: Any) -> tuple[int, Any]:
    response = handler(lambda: servers, metrics_targets, lambda: CATALOG)(Request("/sd/workloads"))
    return response.status, response.body


def test_before_the_first_reading_there_is_no_list_rather_than_an_empty_one() -> None:
    assert answered(None)[0] == 503


def test_the_list_is_what_prometheus_reads() -> None:
    status, body = answered((WEB,))
    assert status == 200
    assert json.loads(body)[0]["labels"]["agency"] == "sxd"


def test_a_label_that_an_agency_wrote_stays_a_label() -> None:
    odd = make_status('"}]\n', item="web-server")
    _, body = answered((odd,))
    assert json.loads(body)[0]["labels"]["server"] == '"}]\n'

"""What Prometheus and Alertmanager answer, as facts."""

from __future__ import annotations

from typing import Any

import pytest

from infra.provisioning import prometheus
from infra.provisioning.prometheus import FiringAlert, MonitoringTarget, read_alerts, read_targets


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answers by port; nothing is sent."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(prometheus, "_get", lambda url: given[url.split("/")[2]])
    return given


def test_targets_are_read_in_order_with_their_error(answers: dict[str, Any]) -> None:
    answers["172.30.0.11:9090"] = {
        "data": {
            "activeTargets": [
                {"labels": {"job": "uptime", "instance": "ctl1"}, "health": "down", "lastError": "refused"},
                {"labels": {"job": "capacity", "instance": "ctl1"}, "health": "up", "lastError": ""},
                {"labels": {"job": "hypervisor", "instance": "hv1"}, "health": "unknown"},
            ]
        }
    }
    assert read_targets("172.30.0.11") == [
        MonitoringTarget("capacity", "ctl1", True),
        MonitoringTarget("hypervisor", "hv1", False),
        MonitoringTarget("uptime", "ctl1", False, "refused"),
    ]


def test_alerts_are_read_with_name_severity_and_the_other_labels(answers: dict[str, Any]) -> None:
    answers["172.30.0.11:9093"] = [
        {
            "labels": {"alertname": "HypervisorComputeDown", "severity": "page", "hypervisor": "hv1"},
            "annotations": {"summary": "nova-compute of hypervisor hv1 is down"},
            "startsAt": "2026-11-23T17:00:00.000Z",
        }
    ]
    assert read_alerts("172.30.0.11") == [
        FiringAlert(
            "HypervisorComputeDown",
            "page",
            "nova-compute of hypervisor hv1 is down",
            "2026-11-23T17:00:00.000Z",
            {"hypervisor": "hv1"},
        )
    ]

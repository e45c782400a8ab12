"""What metrics there are: ours by the tables that their exporters' tests hold them to, others' by name."""

from __future__ import annotations

from typing import Any

import promql_parser

from tests.unit.monitoring.alertmanager.test_deadman import DEADMAN
from tests.unit.monitoring.exporters.test_canary import CANARY
from tests.unit.monitoring.exporters.test_families import CAPACITY, UPTIME
from tests.unit.monitoring.exporters.test_reloading import RELOAD
from tests.unit.monitoring.test_gathered_journals import LOGS
from tests.unit.monitoring.test_ledger_metrics import LEDGER
from tests.unit.monitoring.test_server_metrics import SERVER
from tests.unit.portal.test_metrics import PORTAL
from tests.unit.provisioning.drift_sample import DRIFT
from tests.unit.provisioning.test_deploy_report import DEPLOY

OURS = {*CAPACITY, *UPTIME, *DRIFT, *SERVER, *LOGS, *DEPLOY, *DEADMAN, *RELOAD, *LEDGER, *CANARY, *PORTAL}


def selected(expression: str) -> set[str]:
    """The metrics that a PromQL expression selects; ValueError if it is none."""
    return _selected(promql_parser.parse(expression))


def _selected(node: Any) -> set[str]:
    if isinstance(node, promql_parser.VectorSelector):
        return {node.name} if node.name else set()
    if isinstance(node, promql_parser.MatrixSelector):
        return _selected(node.vector_selector)
    found: set[str] = set()
    children = [
        *(getattr(node, name, None) for name in ("expr", "lhs", "rhs")),
        *(getattr(node, "args", None) or ()),
    ]
    for child in children:
        if child is not None:
            found |= _selected(child)
    return found


def family(name: str) -> str:
    """A metric's family as the tables have it: without what counters and histograms add."""
    for suffix in ("_total", "_bucket", "_count", "_sum"):
        if name.removesuffix(suffix) in OURS:
            return name.removesuffix(suffix)
    return name

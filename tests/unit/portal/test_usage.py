"""Usage: what is asked exists, and is asked of one server only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import promql_parser
import pytest

from infra.portal.usage_reading import read
from monitoring.prometheus import Prometheus
from tests.unit.monitoring.exported import OURS, family, selected

OF = {"agency": "hongbang", "server_id": "id-web"}
NODE = {
    "node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes",
    "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_network_receive_bytes_total",
    "node_network_transmit_bytes_total",
}  # fmt: skip


class Asked(httpx.BaseTransport):
    """A Prometheus that knows nothing and keeps what it is asked."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        query = httpx.QueryParams(request.read().decode()) if request.method == "POST" else request.url.params
        self.queries.append(query["query"])
        kind = "matrix" if request.url.path.endswith("range") else "vector"
        return httpx.Response(200, json={"status": "success", "data": {"resultType": kind, "result": []}})


@pytest.fixture(scope="module")
def queries() -> list[str]:
    transport = Asked()
    with Prometheus("http://192.0.2.5:9090", transport=transport) as prometheus:
        read(prometheus, OF["agency"], OF["server_id"], datetime(2026, 11, 27, tzinfo=UTC))
    return transport.queries


def selectors(node: Any) -> list[Any]:
    """Every selector of an expression."""
    if isinstance(node, promql_parser.VectorSelector):
        return [node]
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs")]
    children += list(getattr(node, "args", None) or ())
    return [found for child in children if child is not None for found in selectors(child)]


def test_every_series_that_is_asked_for_exists(queries: list[str]) -> None:
    asked = {name for query in queries for name in selected(query)}
    assert {family(name) for name in asked - NODE} <= OURS
    assert asked >= NODE


def test_every_selector_names_the_agency_and_the_server(queries: list[str]) -> None:
    found = [one for query in queries for one in selectors(promql_parser.parse(query))]
    assert len(found) >= 12
    for one in found:
        equal = {
            matcher.name: matcher.value for matcher in one.matchers.matchers
            if matcher.op == promql_parser.MatchOp.Equal
        }  # fmt: skip
        assert OF.items() <= equal.items()
        assert (equal.get("job") == "workload") == one.name.startswith("node_")

"""Dashboards: queries are PromQL over metrics that exist, panels can be read, Grafana gets valid files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from click.testing import CliRunner

from infra.cli.dashboards import dashboards
from monitoring.dashboards.catalogue import DASHBOARDS, filled, queries
from monitoring.dashboards.grafana import files
from monitoring.dashboards.panel import KINDS, Dashboard, Panel
from monitoring.overview import QUERIES

ROOT = Path(__file__).parents[4]
FOREIGN = {  # what Prometheus and the node exporter publish
    "up", "ALERTS", "node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes",
    "node_filesystem_avail_bytes", "node_filesystem_size_bytes",
}  # fmt: skip
PANELS = [(board, panel) for board in DASHBOARDS for panel in board.panels]
AGENCIES = {"sotttt": "Sở Thông tin và Truyền thông", "q-x": 'Quận A, B và "C"'}
UNITS = {"short", "s", "d", "bytes", "percentunit"}


def exported() -> set[str]:
    """What exporters promise (a test of theirs holds the table to them) and what rules record."""
    readme = (ROOT / "monitoring/README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^\| `([a-z_]+:?city_\w+(?::\w+)?|city_\w+)`", readme, re.M))
    for path in (ROOT / "monitoring/rules").glob("*.yaml"):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            names |= {rule["record"] for rule in group["rules"] if "record" in rule}
    return names | FOREIGN


def metrics(node: Any) -> set[str]:
    """The metrics that a parsed expression selects."""
    if isinstance(node, promql_parser.VectorSelector):
        return {node.name} if node.name else set()
    if isinstance(node, promql_parser.MatrixSelector):
        return metrics(node.vector_selector)
    children = [getattr(node, name, None) for name in ("expr", "lhs", "rhs")]
    found = set().union(*(metrics(child) for child in children if child is not None), set())
    return found.union(*(metrics(child) for child in getattr(node, "args", None) or ()))


def named(pair: tuple[Dashboard, Panel]) -> str:
    return f"{pair[0].uid}/{pair[1].title}"


@pytest.mark.parametrize("pair", PANELS, ids=named)
def test_a_panel_asks_for_metrics_that_exist(pair: tuple[Dashboard, Panel]) -> None:
    for expression in filled(pair[1], "sotttt", ".*"):
        used = metrics(promql_parser.parse(expression))
        assert used <= exported(), used - exported()
        assert used
        assert "$" not in expression


@pytest.mark.parametrize("name", QUERIES)
def test_the_overview_asks_for_metrics_that_exist(name: str) -> None:
    used = metrics(promql_parser.parse(QUERIES[name]))
    assert used
    assert used <= exported(), used - exported()


def test_the_walk_finds_every_selector() -> None:
    text = "sum by (a) (rate(x_total[5m])) / on (b) (-y > 0) or vector(0) unless max_over_time(z[1h:5m])"
    assert metrics(promql_parser.parse(text)) == {"x_total", "y", "z"}


@pytest.mark.parametrize("pair", PANELS, ids=named)
def test_a_panel_can_be_read(pair: tuple[Dashboard, Panel]) -> None:
    panel = pair[1]
    assert panel.kind in KINDS
    assert panel.unit in UNITS
    assert panel.english.endswith(".")
    assert panel.vietnamese.endswith(".")
    assert panel.steps[0][0] is None
    values = [value for value, _ in panel.steps[1:] if value is not None]
    assert values == sorted(values)


@pytest.mark.parametrize("pair", PANELS, ids=named)
def test_a_panel_links_to_runbooks_that_exist(pair: tuple[Dashboard, Panel]) -> None:
    for name in pair[1].runbooks:
        assert (ROOT / f"monitoring/runbooks/{name}.md").exists(), name


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_rows_of_panels_fill_the_width_and_titles_are_unique(board: Dashboard) -> None:
    assert len({panel.title for panel in board.panels}) == len(board.panels)
    for row in board.rows:
        used = 0
        for panel in row.panels:
            used = panel.width if used + panel.width > 24 else used + panel.width
        assert used == 24, row.title


def test_few_panels_may_be_empty_and_each_says_why() -> None:
    excused = {entry.panel: entry.may_be_empty for entry in queries("sotttt") if entry.may_be_empty}
    assert len(excused) <= 8
    assert all(len(reason.split()) > 5 for reason in excused.values())


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_grafana_gets_every_query_with_its_unit_thresholds_and_source(board: Dashboard) -> None:
    found = json.loads(files(AGENCIES, "http://192.0.2.1:9090")[f"dashboards/{board.uid}.json"])
    panels = {panel["title"]: panel for panel in found["panels"] if panel["type"] != "row"}
    assert set(panels) == {panel.title for panel in board.panels}
    assert len({panel["id"] for panel in found["panels"]}) == len(found["panels"])
    for panel in board.panels:
        made = panels[panel.title]
        assert made["type"] == panel.kind
        assert [target["expr"] for target in made["targets"]] == [q.expression for q in panel.queries]
        assert {target["datasource"]["uid"] for target in made["targets"]} == {"${datasource}"}
        defaults = made["fieldConfig"]["defaults"]
        assert defaults["unit"] == panel.unit
        assert [step["color"] for step in defaults["thresholds"]["steps"]] == [c for _, c in panel.steps]
        links = [link["url"] for link in made.get("links", [])]
        assert links == [f"http://192.0.2.1:9090/consoles/{name}.md" for name in panel.runbooks]


def test_no_panels_overlap_in_grafana() -> None:
    for path, text in files(AGENCIES, "http://192.0.2.1:9090").items():
        if path.startswith("dashboards/"):
            taken: set[tuple[int, int]] = set()
            for place in (panel["gridPos"] for panel in json.loads(text)["panels"]):
                cells = {
                    (x, y)
                    for x in range(place["x"], place["x"] + place["w"])
                    for y in range(place["y"], place["y"] + place["h"])
                }
                assert not cells & taken
                taken |= cells


def test_the_agency_is_chosen_by_its_vietnamese_name() -> None:
    found = json.loads(files(AGENCIES, "http://192.0.2.1:9090")["dashboards/citycloud-agency.json"])
    (variable,) = [v for v in found["templating"]["list"] if v["name"] == "agency"]
    assert "Sở Thông tin và Truyền thông : sotttt" in variable["query"]
    assert 'Quận A\\, B và "C" : q-x' in variable["query"]


def test_files_are_written_once_and_then_left_alone(tmp_path: Path) -> None:
    arguments = ["write", str(tmp_path), "--inventory", str(ROOT / "inventories/lab"), "--output", "json"]
    first = json.loads(CliRunner().invoke(dashboards, arguments, catch_exceptions=False).output)
    again = json.loads(CliRunner().invoke(dashboards, arguments, catch_exceptions=False).output)
    assert len(first["changed"]) == len(DASHBOARDS) + 2
    assert again["changed"] == []
    provider = yaml.safe_load((tmp_path / "provisioning/dashboards/citycloud.yaml").read_text())
    assert provider["providers"][0]["options"]["path"].startswith("/var/lib/grafana/")

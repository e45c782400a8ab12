"""Grafana's JSON of the dashboards, and the files by which a Grafana of the city's takes them in.

The city runs Grafana itself (Debian has none). It needs a data source of type prometheus; which one is a
variable of each dashboard. Panels link to the runbooks that the site's Prometheus serves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol, Self

import yaml
from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueTextMode, VizOrientation
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from monitoring.dashboards.catalogue import DASHBOARDS
from monitoring.dashboards.panel import BARS, STAT, STATES, TABLE, TIME, Dashboard, Panel, Query

_SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_PROVISIONING = "provisioning/dashboards/citycloud.yaml"
_DATA_SOURCE = "provisioning/datasources/citycloud.yaml"
GRAFANA_FOLDER = "/var/lib/grafana/dashboards/citycloud"


class _Builder(Protocol):
    """What the builders of all kinds of panels have in common."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: models.DataSourceRef) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def decimals(self, decimals: float) -> Self: ...
    def min(self, min_val: float) -> Self: ...
    def max(self, max_val: float) -> Self: ...
    def height(self, h: int) -> Self: ...
    def span(self, w: int) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def thresholds(self, thresholds: Any) -> Self: ...
    def mappings(self, mappings: list[Any]) -> Self: ...
    def links(self, links: list[Any]) -> Self: ...
    def with_target(self, target: Any) -> Self: ...
    def build(self) -> Any: ...


def files(agencies: Mapping[str, str], prometheus_url: str) -> dict[str, str]:
    """What goes into a folder, by path: dashboards and provisioning. `agencies`: name by code."""
    runbooks = f"{prometheus_url}/consoles"
    found = {f"dashboards/{d.uid}.json": document(d, agencies, runbooks) for d in DASHBOARDS}
    return {**found, _PROVISIONING: provisioning(), _DATA_SOURCE: data_source(prometheus_url)}


def document(board: Dashboard, agencies: Mapping[str, str], runbooks: str) -> str:
    """A dashboard's JSON; the same input gives the same bytes."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(f"{board.english}\n\n{board.vietnamese}")
        .tags(["citycloud"])
        .refresh(board.refresh)
        .time(f"now-{board.past}", "now")
        .timezone("browser")
        .readonly()
        .link(
            dashboard.DashboardLink("City Cloud")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["citycloud"])
            .as_dropdown(False)
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for name in board.variables:
        made.with_variable(_variable(name, agencies))
    for number, row in enumerate(board.rows):
        made.with_row(dashboard.Row(row.title).id(1000 + number))
        for panel in row.panels:
            made.with_panel(_panel(panel, runbooks).id(board.panels.index(panel) + 1))
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def provisioning() -> str:
    """Grafana's provider of dashboards, for its /etc/grafana/provisioning/dashboards."""
    provider = {
        "name": "City Cloud", "orgId": 1, "folder": "City Cloud", "type": "file", "disableDeletion": True,
        "allowUiUpdates": False, "options": {"path": GRAFANA_FOLDER},
    }  # fmt: skip
    return _yaml("Copy dashboards/*.json to the path below.", {"apiVersion": 1, "providers": [provider]})


def data_source(prometheus_url: str) -> str:
    """Grafana's data source, for its /etc/grafana/provisioning/datasources."""
    source = {
        "name": "City Cloud", "uid": "citycloud", "type": "prometheus", "access": "proxy",
        "url": prometheus_url, "isDefault": False,
        "jsonData": {"httpMethod": "POST", "prometheusType": "Prometheus"},
    }  # fmt: skip
    return _yaml("The site's Prometheus, as Grafana reaches it.", {"apiVersion": 1, "datasources": [source]})


def _yaml(comment: str, value: object) -> str:
    return f"# Written by City Cloud. {comment}\n" + yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True
    )


def _variable(name: str, agencies: Mapping[str, str]) -> Any:
    if name == "agency":
        options = ", ".join(f"{_escaped(title)} : {code}" for code, title in sorted(agencies.items()))
        first, title = next(iter(sorted(agencies.items())), ("", ""))
        chosen = models.VariableOption(selected=True, text=title, value=first)
        return dashboard.CustomVariable("agency").label("Cơ quan").values(options).current(chosen)
    return (
        dashboard.QueryVariable(name)
        .label(name.upper())
        .datasource(_SOURCE)
        .query(f"label_values(slo:city_objective:ratio, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _escaped(text: str) -> str:
    """A comma ends an option and ` : ` its text."""
    return text.replace(",", "\\,").replace(" : ", " ")


def _panel(panel: Panel, runbooks: str) -> Any:
    made = _kind(panel)
    made.title(panel.title).description(f"{panel.english}\n\n{panel.vietnamese}").datasource(_SOURCE)
    made.unit(panel.unit).height(panel.height).span(panel.width)
    made.no_value("nothing" if panel.may_be_empty else "unknown")
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if panel.unit == "percentunit" and panel.kind in (BARS, TIME):
        made.min(0)
    if panel.unit == "percentunit" and panel.kind == BARS:
        made.max(1)
    steps = [models.Threshold(value=value, color=colour) for value, colour in panel.steps]
    made.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.values:
        made.mappings([_words(panel)])
    if panel.runbooks:
        made.links([_link(f"Runbook {name}", f"{runbooks}/{name}.md") for name in panel.runbooks])
    for number, query in enumerate(panel.queries):
        made.with_target(_target(panel, query, chr(ord("A") + number)))
    if panel.kind == TABLE:
        _as_table(made, runbooks)
    return made


def _kind(panel: Panel) -> _Builder:
    reduced = common.ReduceDataOptions().calcs(["lastNotNull"])
    if panel.kind == STAT:
        mode = BigValueTextMode.AUTO if panel.queries[0].legend else BigValueTextMode.VALUE
        return stat.Panel().reduce_options(reduced).color_mode(BigValueColorMode.BACKGROUND).text_mode(mode)
    if panel.kind == TIME:
        return timeseries.Panel().line_width(2).fill_opacity(0)
    if panel.kind == BARS:
        return bargauge.Panel().reduce_options(reduced).orientation(VizOrientation.HORIZONTAL)
    if panel.kind == STATES:
        return statetimeline.Panel().fill_opacity(70)
    return table.Panel()


def _words(panel: Panel) -> models.ValueMap:
    """Words for values, with the colour that the thresholds give the value."""
    words = {}
    for number, (value, word) in enumerate(panel.values.items()):
        colour = [colour for step, colour in panel.steps if step is None or float(value) >= step][-1]
        words[value] = models.ValueMappingResult(text=word, color=colour, index=number)
    return models.ValueMap(words)


def _link(title: str, url: str) -> Any:
    made = dashboard.DashboardLink(title).type(models.DashboardLinkType.LINK)
    return made.url(url).target_blank(True)


def _target(panel: Panel, query: Query, name: str) -> Any:
    made = prometheus.Dataquery().expr(query.expression).ref_id(name).datasource(_SOURCE)
    if query.legend:
        made.legend_format(query.legend)
    if panel.kind == TABLE:
        return made.format(PromQueryFormat.TABLE).instant()
    return made.instant() if panel.kind in (STAT, BARS) else made.range()


def _as_table(made: Any, runbooks: str) -> None:
    """Labels as columns, without time and name; an alert's name leads to its runbook."""
    hidden = {"Time": True, "__name__": True, "alertstate": True}
    made.with_transformation(
        models.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden})
    )
    link = {"title": "Runbook", "url": f"{runbooks}/${{__value.raw}}.md", "targetBlank": True}
    made.override_by_name("alertname", [models.DynamicConfigValue(id_val="links", value=[link])])

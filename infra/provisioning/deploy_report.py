"""How runs of `up` and `deploy` ended, told to the monitoring servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from infra.provisioning.journal import Journal, RunRecord
from infra.provisioning.site import SiteContext
from infra.provisioning.textfile import deliver_text, exposition

METRICS_FILE = "city_deploy.prom"
COMMANDS = ("up", "deploy")


def families(runs: Iterable[RunRecord]) -> Iterator[Metric]:
    """`runs` oldest first. A run that is under way, or was cut, has not gone through."""
    last = {run.command: run for run in runs if run.command in COMMANDS and changed_something(run)}
    success = GaugeMetricFamily(
        "city_deploy_success", "Whether the last run of the command went through.", labels=["command"]
    )
    began = GaugeMetricFamily(
        "city_deploy_run_timestamp_seconds", "When the last run of the command began.", labels=["command"]
    )
    took = GaugeMetricFamily(
        "city_deploy_run_duration_seconds", "Time that the last run of the command took.", labels=["command"]
    )
    for command, run in sorted(last.items()):
        success.add_metric([command], run.result == "ok")
        began.add_metric([command], run.started)
        took.add_metric([command], run.seconds)
    yield from (success, began, took)


def last_success(runs: Iterable[RunRecord]) -> Iterator[Metric]:
    ended = [run.started + run.seconds for run in runs if run.command == "up" and run.result == "ok"]
    yield GaugeMetricFamily(
        "city_deploy_last_success_timestamp_seconds",
        "When a run of `up` last went through, 0 for never.",
        value=max(ended, default=0.0),
    )


def changed_something(run: RunRecord) -> bool:
    """Whether it came past the gates: a run that was refused before that left the site as it was."""
    return any(not phase.gate and not phase.skipped for phase in run.phases)


def deliver(site: SiteContext) -> dict[str, str]:
    """Why monitoring servers were not told, by name. A run that changed nothing is not worth telling."""
    runs = Journal(site.paths.journal).runs()
    if not runs or not changed_something(runs[-1]):
        return {}
    text = exposition(lambda: [*families(runs), *last_success(runs)])
    return deliver_text(site, METRICS_FILE, text)[1]

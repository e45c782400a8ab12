"""What monitoring hears of runs: how the last of each command ended, and when `up` last went through."""

from __future__ import annotations

from typing import Any

from infra.provisioning.deploy_report import families, last_success
from infra.provisioning.journal import PhaseRecord, RunRecord
from infra.provisioning.textfile import exposition

DEPLOY = {
    "city_deploy_success", "city_deploy_run_timestamp_seconds", "city_deploy_run_duration_seconds",
    "city_deploy_last_success_timestamp_seconds",
}  # fmt: skip


def make_run(
    command: str = "up", result: Any = "ok", started: float = 100.0, *, gate: bool = False
) -> RunRecord:
    phase = PhaseRecord("depot" if gate else "base", "", started, result, gate=gate)
    return RunRecord("id", command, started, 1, "boot", result, 20.0, [phase])


def told(*runs: RunRecord) -> dict[str, float]:
    text = exposition(lambda: [*families(runs), *last_success(runs)])
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


def test_the_metrics_are_the_promised_ones() -> None:
    assert {family.name for family in [*families([make_run()]), *last_success([])]} == DEPLOY


def test_the_last_run_of_each_command_counts() -> None:
    found = told(make_run(result="failed"), make_run(started=200.0), make_run("deploy", "failed", 300.0))
    assert found['city_deploy_success{command="up"}'] == 1
    assert found['city_deploy_success{command="deploy"}'] == 0
    assert found['city_deploy_run_timestamp_seconds{command="up"}'] == 200
    assert found["city_deploy_last_success_timestamp_seconds"] == 220


def test_a_run_that_was_cut_has_not_gone_through() -> None:
    assert told(make_run(result=None))['city_deploy_success{command="up"}'] == 0


def test_a_run_that_was_refused_before_it_changed_anything_is_no_failure() -> None:
    found = told(make_run(), make_run(result="failed", started=200.0, gate=True))
    assert found['city_deploy_success{command="up"}'] == 1


def test_other_commands_are_no_deployments() -> None:
    assert told(make_run("zone drift")) == {"city_deploy_last_success_timestamp_seconds": 0}

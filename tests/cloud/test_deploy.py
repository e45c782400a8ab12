"""A deployment that was killed five times on its way is the same as one that was not."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.cloud.conftest import GATES, Site


def runs(site: Site) -> list[list[dict[str, Any]]]:
    """The journal's records by run, oldest first, of `up` alone."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for record in site.journal():
        grouped.setdefault(record["run"], []).append(record)
    return [records for records in grouped.values() if records[0]["command"] == "up"]


def phases(records: list[dict[str, Any]], event: str) -> list[str]:
    return [record["phase"] for record in records if record["event"] == event]


def test_each_kill_left_a_run_without_an_end(site: Site) -> None:
    cut = runs(site)[: len(site.cuts)]
    assert [phases(records, "phase_started")[-1] for records in cut] == site.cuts
    assert not any(record["event"] == "run_ended" for records in cut for record in records)


def test_a_killed_run_resumes_at_the_phase_that_was_cut(site: Site) -> None:
    every = runs(site)
    for number, phase in enumerate(site.cuts):
        done = set(phases(every[number], "phase_ended")) | set(phases(every[number], "phase_skipped"))
        again = phases(every[number + 1], "phase_started")
        assert phase in again
        changed_gates = any(
            record.get("changed")
            for record in every[number + 1]
            if record["event"] == "phase_ended" and record["phase"] in GATES
        )
        if not changed_gates:
            assert set(again) & done <= GATES


def test_the_site_serves_after_all_that(site: Site) -> None:
    report = site.ok("verify", "--output", "json").json
    guests = [check for check in report["checks"] if check["name"] == "guest"]
    isolation = [check for check in report["checks"] if check["name"] == "isolation"]
    assert len([check for check in guests if check["ok"] and check["seconds"]]) >= 4
    assert len({check["subject"].split("/")[0] for check in guests}) >= 3
    assert isolation
    assert all(check["ok"] for check in report["checks"])
    assert any("none of" in check["detail"] for check in isolation)


def test_a_second_run_over_an_unchanged_site_changes_nothing(site: Site) -> None:
    site.ok("up")
    last = runs(site)[-1]
    assert {
        record["phase"]: record["changed"]
        for record in last
        if record["event"] == "phase_ended" and record["changed"]
    } == {}
    assert last[-1]["result"] == "ok"
    assert not phases(last, "phase_skipped")


def test_status_tells_the_same_as_the_cloud(site: Site) -> None:
    found = site.ok("status", "--output", "json").json
    assert found["healthy"], found["problems"]
    assert found["agencies"] == found["onboarded"] == 35
    assert {item["state"] for item in found["hypervisors"]} == {"up"}
    assert found["targets"] == found["targets_up"] > 0
    assert len(found["virtual_machines"]) >= 4
    assert all(item["state"] == "active" for item in found["virtual_machines"])


def test_a_second_up_while_one_runs_is_refused(site: Site) -> None:
    process = subprocess.Popen(
        site.arguments("deploy", "--phase", "identity"),
        env=site.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        seen = len(site.journal())
        while len(site.journal()) == seen and process.poll() is None:
            pass
        second = site.run("up", "--output", "json")
        assert second.code == 4, second.error
    finally:
        process.wait(timeout=300)
    assert process.returncode == 0


def test_no_secret_stands_in_the_clear(site: Site) -> None:
    """The passwords that the servers use are looked for in everything that the run wrote."""
    text = site.on(
        "ctl1", "grep -rhoE '(password|connection|transport_url) = .*' /etc/keystone /etc/glance /etc/nova"
    )
    passwords = {line.split(" = ")[1] for line in text.splitlines() if line.startswith("password")}
    passwords |= {
        line.split(":")[2].split("@")[0] for line in text.splitlines() if "://" in line and "@" in line
    }
    assert len(passwords) >= 3
    for path in [*site.folder.rglob("*"), site.state / "cut.log"]:
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not any(word.encode() in content for word in passwords if len(word) > 8), path

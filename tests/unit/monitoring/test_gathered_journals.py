"""The program that looks after the gathered journals."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.monitoring.test_server_metrics import load, values

FILE = Path(__file__).parents[3] / "playbooks/roles/logs/files/gathered_journals.py"
program = load(FILE)
LOGS = set(program.MEANINGS)


def make_files(folder: Path, **moments: float) -> None:
    for name, moment in moments.items():
        path = folder / f"remote-{name}.journal"
        path.write_bytes(b"12345678")
        os.utime(path, (moment, moment))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """journalctl says that the newest entry was written at 5000 s."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, json.dumps({"__REALTIME_TIMESTAMP": "5000000000"}), "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_each_server_that_ought_to_send_is_told(tmp_path: Path, asked: list[list[str]]) -> None:
    make_files(tmp_path, **{"10.0.0.2": 10, "10.0.0.20": 20})
    program.main(
        [
            "--folder",
            str(tmp_path),
            "--textfiles",
            str(tmp_path),
            "--months",
            "12",
            "hv1=10.0.0.2",
            "hv2=10.0.0.3",
        ]
    )
    found = values((tmp_path / "city_logs.prom").read_text())
    assert found["city_logs_last_entry_timestamp_seconds/hv1"] == 5000
    assert found["city_logs_last_entry_timestamp_seconds/hv2"] == 0
    assert found["city_logs_stored_bytes/hv1"] == 8
    assert found["city_logs_retention_seconds"] == 12 * 31 * 86400
    assert [command[2] for command in asked] == [str(tmp_path / "remote-10.0.0.2.journal")]


def test_the_newest_file_of_a_server_is_asked_first(tmp_path: Path, asked: list[list[str]]) -> None:
    make_files(tmp_path, **{"hv1": 10, "hv1@0001-1": 20})
    assert program.newest_entry(program.files_of(tmp_path, "hv1")) == 5000
    assert asked[0][2].endswith("hv1@0001-1.journal")


def test_only_full_files_past_the_retention_are_removed(tmp_path: Path) -> None:
    make_files(tmp_path, **{"hv1": 10, "hv1@old": 10, "hv1@young": 1000})
    program.remove_old(tmp_path, before=500)
    assert {path.name for path in tmp_path.iterdir()} == {
        "remote-hv1.journal",
        "remote-hv1@young.journal",
    }

"""The program that runs on every server: what it reads, and what it does when it cannot."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.provisioning import certificates

ROOT = Path(__file__).parents[3]
FILE = ROOT / "playbooks/roles/server_metrics/files/server_metrics.py"


def load(file: Path) -> Any:
    specification = importlib.util.spec_from_file_location(file.stem, file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


program = load(FILE)
SERVER = set(program.MEANINGS)


def values(text: str) -> dict[str, float]:
    return {
        "/".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def answer(monkeypatch: pytest.MonkeyPatch, output: str, status: int = 0) -> None:
    done = subprocess.CompletedProcess((), status, output, "ERROR 2002: no socket")
    monkeypatch.setattr(program, "run", lambda *command: done)


def test_a_certificates_end_is_read_from_the_file_itself(tmp_path: Path) -> None:
    now = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
    pair = certificates.make_authority("test", now)
    (tmp_path / "ca.pem").write_text(pair.certificate)
    program.main(["--textfiles", str(tmp_path), "--certificate", f"authority={tmp_path}/ca.pem"])
    found = values((tmp_path / "city_server.prom").read_text())
    assert (
        found["city_certificate_expiry_timestamp_seconds/authority"]
        == certificates.expires(pair.certificate).timestamp()
    )
    assert found["city_server_section_success/certificates"] == 1


def test_a_section_that_fails_has_no_figures_and_hides_no_other(tmp_path: Path) -> None:
    arguments = ["--certificate", f"api={tmp_path}/none.pem", "--backup", f"database={tmp_path}"]
    program.main(["--textfiles", str(tmp_path), *arguments])
    found = values((tmp_path / "city_server.prom").read_text())
    assert found["city_server_section_success/certificates"] == 0
    assert found["city_server_section_success/backup"] == 1
    assert not any(name.startswith("city_certificate") for name in found)


def test_a_member_of_a_cluster_tells_how_many_it_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(
        monkeypatch, "Threads_connected\t12\nwsrep_cluster_size\t2\nwsrep_ready\tOFF\nmax_connections\t1000\n"
    )
    found = values(program.exposition(program.database(3)))
    assert found["city_database_members"] == 2
    assert found["city_database_members_expected"] == 3
    assert found["city_database_ready"] == 0
    assert found["city_database_connections"] == 12


def test_a_database_without_a_cluster_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "Threads_connected\t1\nmax_connections\t1000\n")
    found = values(program.exposition(program.database(1)))
    assert (found["city_database_ready"], found["city_database_members"]) == (1, 1)


def test_a_database_that_does_not_answer_is_down_which_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "", 1)
    assert values(program.exposition(program.read({"database": program.database(3)}, 1.0))) == {
        "city_server_run_timestamp_seconds": 1, "city_database_up": 0, "city_database_members_expected": 3,
        "city_server_section_success/database": 1,
    }  # fmt: skip


def test_the_newest_whole_backup_counts_and_one_that_is_being_written_does_not(tmp_path: Path) -> None:
    for name, moment in (("a.sql.zst", 1000), ("b.sql.zst", 2000), ("c.sql.zst.part", 3000)):
        (tmp_path / name).write_bytes(b"12345")
        os.utime(tmp_path / name, (moment, moment))
    found = values(program.exposition(program.backups({"database": tmp_path})))
    assert found == {
        "city_backup_last_success_timestamp_seconds/database": 2000,
        "city_backup_bytes/database": 5,
    }


def test_no_backup_is_told_as_never(tmp_path: Path) -> None:
    found = values(program.exposition(program.backups({"database": tmp_path / "none"})))
    assert found == {"city_backup_last_success_timestamp_seconds/database": 0}

"""`citycloud audit` and the data commands of `citycloud portal`, over a real database."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from infra.cli import portal_data
from infra.cli.main import EXIT_INPUT, EXIT_UNHEALTHY, run
from infra.domain.audit import Checkpoint
from infra.domain.words import Words
from infra.store.migration import newest
from infra.store.portal_database import PortalDatabase
from tests.functional.store.city import NOW

KEY = b"k" * 32
PORTAL_YAML = """
inventory: /etc/citycloud/inventory
database: {database}
listen: 127.0.0.1:9190
address: https://cong.haiphong.test
folder: /var/lib/citycloud/portal
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/portal.sqlite"


@pytest.fixture
def config(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    file = tmp_path / "portal.yaml"
    file.write_text(PORTAL_YAML.format(database=url), encoding="utf-8")
    monkeypatch.setenv("CITYCLOUD_PORTAL_AUDIT_KEY", base64.b64encode(KEY).decode())
    return str(file)


@pytest.fixture
def portal(url: str, config: str) -> None:
    with PortalDatabase(url, key=KEY) as database:
        for number in range(5):
            with database.writing() as tx:
                tx.audit(
                    at=NOW, who="an", who_name="An", agency="sotc", action="request.submit",
                    about=f"r-{number}", told=Words("Gửi", "Handed in"),
                )  # fmt: skip


def tamper(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for name in ("audit_record_no_update", "audit_record_no_delete", "audit_record_in_order"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, exit_code: int = 0) -> Mapping[str, Any]:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert run([*arguments, "--output", "json"]) == exit_code
    found: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("portal")
def test_a_chain_that_is_whole_is_told_with_the_number_of_its_records(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "audit", "verify", "--config", config) == {"records": 5, "checkpoints": 0}


@pytest.mark.usefixtures("portal")
@pytest.mark.parametrize(
    ("statement", "seq", "harm"),
    [
        ("UPDATE audit_record SET who = 'x' WHERE seq = 3", 3, "changed"),
        ("DELETE FROM audit_record WHERE seq = 2", 2, "dropped"),
        ("DELETE FROM audit_record WHERE seq > 3", 4, "cut off"),
    ],
)
def test_the_first_record_that_is_not_as_it_was_written_is_named(
    config: str, url: str, capsys: pytest.CaptureFixture[str], statement: str, seq: int, harm: str
) -> None:
    tamper(url, statement)
    error = said(capsys, "audit", "verify", "--config", config, exit_code=EXIT_UNHEALTHY)["error"]
    assert error["code"] == "audit_broken"
    assert [(one["seq"], one["harm"]) for one in error["findings"]] == [(seq, harm)]
    assert run(["audit", "verify", "--config", config]) == EXIT_UNHEALTHY
    assert f"audit record {seq} was {harm}" in capsys.readouterr().err


@pytest.mark.usefixtures("portal")
def test_an_old_copy_of_the_database_is_found_by_a_checkpoint_that_was_kept(
    config: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "elsewhere"
    with PortalDatabase(url, key=KEY) as database:
        old = database.checkpoint()
        with database.writing() as tx:
            tx.audit(at=NOW, who="an", who_name="", agency="", action="a.b", about="", told=Words("a", "a"))
    line = said(capsys, "audit", "checkpoint", "--config", config, "--to", str(kept))
    assert line["seq"] == 6
    assert said(capsys, "audit", "verify", "--config", config, "--checkpoint", str(kept))["checkpoints"] == 1
    tamper(
        url, "DELETE FROM audit_record WHERE seq > 5",
        f"UPDATE audit_head SET seq = 5, digest = '{old.digest}', mac = '{old.mac}'",
    )  # fmt: skip
    assert said(capsys, "audit", "verify", "--config", config)["records"] == 5
    error = said(
        capsys, "audit", "verify", "--config", config, "--checkpoint", str(kept), exit_code=EXIT_UNHEALTHY
    )["error"]
    assert (error["findings"][0]["seq"], error["findings"][0]["harm"]) == (6, "cut off")


@pytest.mark.usefixtures("portal")
def test_a_checkpoint_is_a_line_that_verify_takes_in_either_form(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "checkpoint", "--config", config]) == 0
    line = capsys.readouterr().out
    held = json.loads(line)
    plain = Checkpoint(held["seq"], held["digest"], held["mac"])
    (tmp_path / "both").write_text(f"{line}\n{plain}\n", encoding="utf-8")
    found = said(capsys, "audit", "verify", "--config", config, "--checkpoint", str(tmp_path / "both"))
    assert found == {"records": 5, "checkpoints": 2}
    (tmp_path / "odd").write_text('{"seq": 1}', encoding="utf-8")
    error = said(
        capsys, "audit", "verify", "--config", config, "--checkpoint", str(tmp_path / "odd"),
        exit_code=EXIT_UNHEALTHY,
    )["error"]  # fmt: skip
    assert "no line of a checkpoint file" in error["message"]


def test_without_a_database_nothing_is_made(
    config: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = said(capsys, "audit", "verify", "--config", config, exit_code=EXIT_UNHEALTHY)["error"]
    assert error["code"] == "store_unreachable"
    assert "citycloud portal migrate" in error["message"]
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_without_the_key_nothing_is_opened(
    config: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CITYCLOUD_PORTAL_AUDIT_KEY")
    error = said(capsys, "audit", "checkpoint", "--config", config, exit_code=EXIT_INPUT)["error"]
    assert "CITYCLOUD_PORTAL_AUDIT_KEY" in error["message"]


def test_tables_are_made_backed_up_and_restored_by_commands(config: str, url: str, tmp_path: Path) -> None:
    runner = CliRunner()

    def call(command: Any, *arguments: str) -> Mapping[str, Any]:
        result = runner.invoke(
            command, [*arguments, "--config", config, "--output", "json"], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        found: Mapping[str, Any] = json.loads(result.output)
        return found

    for _ in range(2):
        assert call(portal_data.migrate)["schema"] == newest()
    file, into = str(tmp_path / "b.gz"), f"sqlite:///{tmp_path}/restored.sqlite"
    made = call(portal_data.backup, "--to", file)
    assert made["rows"]["audit_record"] == 1
    assert call(portal_data.restore, "--from", file, "--into", into)["digest"] == made["digest"]
    with PortalDatabase(into, key=KEY, make=False) as restored:
        assert restored.verify() == 2

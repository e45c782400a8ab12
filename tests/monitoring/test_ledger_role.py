"""The role's part for the ledger: what arrives on a monitoring server is what its programs take."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.inventory.maintenance import read_maintenance
from infra.inventory.sla import read_sla
from infra.provisioning.ledger import PROGRAM
from monitoring.sla_ledger import cli
from tests.monitoring.rendering import ROOT, SECRET, render

PASSWORD = f"it's {SECRET}"
URL = "postgresql+psycopg://citycloud@/ledger?host=/run/postgresql&sslmode=require"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with contracts, windows and a PostgreSQL."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("sla.yaml", "maintenance.yaml"):
        shutil.copy(ROOT / "inventories/production" / name, folder / name)
    return render(folder, secrets={"ledger_database_password": PASSWORD}, monitoring_ledger_url=URL)


@pytest.fixture
def bare(plain_site: Path) -> Path:
    """A site with neither."""
    return plain_site


def test_contracts_and_windows_arrive_as_they_are(site: Path) -> None:
    assert read_sla(site / "ctl1-sla.yaml") == read_sla(ROOT / "inventories/production/sla.yaml")
    assert read_maintenance(site / "ctl1-maintenance.yaml") == ()


def test_a_site_without_contracts_has_a_ledger_that_promises_nothing(bare: Path) -> None:
    terms = read_sla(bare / "ctl1-sla.yaml").terms("sxd", "web", "")
    assert (terms.name, terms.credits) == ("none", ())
    assert read_maintenance(bare / "ctl1-maintenance.yaml") == ()


def test_the_check_names_the_key_before_a_wrong_file_is_used(site: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "sla.yaml"
    wrong.write_text("classes: {}\ndefault_class: none\n", encoding="utf-8")
    assert CliRunner().invoke(cli, ["check", "--sla", str(site / "ctl1-sla.yaml")]).exit_code == 0
    done = subprocess.run(
        [sys.executable, "-m", "monitoring.sla_ledger", "check", "--sla", str(wrong)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{wrong}: classes" in done.stderr


def test_url_and_password_arrive_whole_and_only_where_root_reads_them(site: Path) -> None:
    told = subprocess.run(
        ["sh", "-euc", f". {site}/ctl1-ledger.env; printf '%s\\n' \"$CITYCLOUD_LEDGER_URL\" \"$PGPASSWORD\""],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.splitlines() == [URL, PASSWORD]
    for name in ("sla-ledger.service", "sla-ledger.timer", "citycloud-ledger"):
        assert SECRET not in (site / f"ctl1-{name}").read_text(encoding="utf-8")


def test_a_units_arguments_are_ones_that_the_program_knows(bare: Path) -> None:
    text = (bare / "ctl1-sla-ledger.service").read_text(encoding="utf-8")
    command = text.split("ExecStart=")[1].replace("\\\n", " ").splitlines()[0].split()
    known = {option for parameter in cli.commands["write"].params for option in parameter.opts}
    assert command[1] == "write"
    assert {part for part in command if part.startswith("--")} <= known


def test_systemd_takes_the_units(bare: Path, tmp_path: Path) -> None:
    for kind in ("service", "timer"):
        text = (bare / f"ctl1-sla-ledger.{kind}").read_text(encoding="utf-8")
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M)
        (tmp_path / f"citycloud-sla-ledger.{kind}").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.glob("citycloud-*")))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "citycloud-sla-ledger" not in done.stderr, done.stderr
    shell = re.search(r"^ExecStopPost=\+/bin/sh -c '(.*?)'$", text_of(bare), re.M | re.S)
    assert shell is not None
    subprocess.run(["sh", "-n"], input=shell[1].replace("\\\n", ""), text=True, check=True)


def text_of(folder: Path) -> str:
    return (folder / "ctl1-sla-ledger.service").read_text(encoding="utf-8")


def test_the_deploy_host_asks_by_the_name_under_which_the_program_is_put(bare: Path) -> None:
    tasks = (ROOT / "playbooks/roles/monitoring/tasks/ledger.yml").read_text(encoding="utf-8")
    assert f"dest: {PROGRAM}," in tasks
    subprocess.run(["sh", "-n", str(bare / "ctl1-citycloud-ledger")], check=True)

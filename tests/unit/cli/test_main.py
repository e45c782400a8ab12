"""The command line: help, exit codes, errors as text and as JSON, completion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from infra.cli import main
from infra.cli.main import COMMANDS, citycloud, exit_code, run
from infra.depot import DepotBusy
from infra.errors import InfraError, PreflightFailed, Problem
from infra.hosts.namespace import NamespaceMissing
from infra.provisioning.deploy import Interrupted, PhaseFailed
from infra.provisioning.lock import RunInProgress
from infra.provisioning.secrets import VaultPasswordWrong
from infra.provisioning.site import SiteUnknown
from infra.provisioning.verify import NotHealthy

LAB = str(Path(__file__).parents[3] / "inventories" / "lab")
PROBLEM = Problem("hosts.yml", "controllers", "", "is empty", "name a server")


def commands(group: click.Command = citycloud, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name."""
    if not isinstance(group, click.Group):
        yield name, group
        return
    context = click.Context(group)
    for child in group.list_commands(context):
        found = group.get_command(context, child)
        assert found is not None
        yield from commands(found, f"{name} {child}".strip())


def test_every_command_is_there_and_has_help() -> None:
    found = dict(commands())
    assert {"up", "down", "status", "verify", "preflight", "deploy", "inventory check"} <= set(found)
    assert {"depot build", "depot verify", "lab create", "platform up", "zone destroy"} <= set(found)
    assert all(command.help for command in found.values())


def test_every_command_has_a_result_that_programs_can_read() -> None:
    interactive = {
        "lab shell",
        "depot serve",
        "lab forward",
        "portal serve",
        "portal worker",
        "portal states",  # JSON in any case
    }  # these end with their caller, not with a result
    without = {
        name
        for name, command in commands()
        if not any(parameter.name == "output" for parameter in command.params)
    }
    assert without <= interactive


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    context = click.Context(citycloud)
    for name, sentence in COMMANDS.items():
        command = citycloud.get_command(context, name)
        assert command is not None
        assert (command.help or "").startswith(sentence.rstrip(".")), name


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PreflightFailed([PROBLEM]), 3),
        (VaultPasswordWrong([PROBLEM]), 3),
        (RunInProgress("x"), 4),
        (DepotBusy("x"), 4),
        (PhaseFailed("base", InfraError("x"), "citycloud up"), 5),
        (Interrupted("base", "citycloud up"), 5),
        (NamespaceMissing("x"), 5),
        (NotHealthy("x"), 6),
        (SiteUnknown("x"), 6),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: InfraError, code: int) -> None:
    assert exit_code(error) == code


def test_a_phase_that_found_something_busy_is_busy_and_one_that_found_it_unhealthy_failed() -> None:
    assert exit_code(PhaseFailed("depot", DepotBusy("x"), "citycloud up")) == 4
    assert exit_code(PhaseFailed("verify", NotHealthy("x"), "citycloud up")) == 5


def test_an_error_goes_to_standard_error_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inventory", "check", "--inventory", "/nowhere"]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("citycloud: /nowhere: ")
    assert printed.err.endswith("[inventory_invalid]\n")


@pytest.mark.parametrize("option", [["--output", "json"], ["--output=json"]])
def test_an_error_is_json_where_json_was_asked_for(
    capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert run(["inventory", "check", "--inventory", "/nowhere", *option]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "inventory_invalid"
    assert set(error["problems"][0]) == {"file", "key", "value", "why", "way_out"}


def test_a_failed_phase_is_named_in_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main._report(PhaseFailed("base", InfraError("x"), "citycloud up"), True)
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["phase"], error["cause"], error["problems"]) == (
        "phase_failed",
        "base",
        "error",
        [],
    )


def test_wrong_usage_is_2_in_text_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inventory", "check", "--nonsense"]) == 2
    assert "No such option" in capsys.readouterr().err
    assert run(["inventory", "check", "--nonsense", "--output", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_a_valid_inventory_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inventory", "check", "--inventory", LAB, "--output", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["site_name"], document["lab"], len(document["agencies"])) == ("lab", True, 35)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("citycloud, version ")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_is_printed_for_each_shell(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert run(["completion", shell]) == 0
    assert "_CITYCLOUD_COMPLETE" in capsys.readouterr().out


def test_a_site_that_was_never_deployed_is_not_healthy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYCLOUD_STATE", str(tmp_path))
    assert run(["status", "--inventory", LAB]) == 6
    assert "citycloud up --inventory" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_down_of_a_real_site_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYCLOUD_STATE", str(tmp_path))
    production = str(Path(LAB).parent / "production")
    assert run(["down", "--inventory", production, "--yes"]) == 5
    assert "removes labs only" in capsys.readouterr().err


def test_a_phase_that_does_not_exist_is_refused_with_those_that_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYCLOUD_STATE", str(tmp_path))
    assert run(["deploy", "--inventory", LAB, "--phase", "databse"]) == 3
    assert (
        "--phase = databse: is no phase; one of: inventory, depot, lab, preflight, base"
        in capsys.readouterr().err
    )

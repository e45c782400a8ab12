"""The schema, through the real engine: fetched as its tools do, and checked against Pulumi's own form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.provider.functions import served as functions
from infra.provider.registry import served as types
from infra.provisioning import pulumi_engine

PLUGIN = Path(sys.executable).with_name("pulumi-resource-openstack")


@pytest.fixture
def pulumi(tmp_path: Path, cache: Path) -> list[str]:
    """The engine's command, as a start of an argument list that keeps its litter in a folder of its own."""
    settings = {
        "HOME": str(tmp_path), "PULUMI_HOME": str(tmp_path / "home"), "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "PATH": os.environ["PATH"],
    }  # fmt: skip
    engine = pulumi_engine.on_path() or pulumi_engine.place(cache)
    return ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), str(engine)]


def test_the_schema_that_the_plugin_gives_has_pulumis_own_form(pulumi: list[str], tmp_path: Path) -> None:
    command = [*pulumi, "package", "get-schema", str(PLUGIN)]
    given = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    schema = json.loads(given)
    assert schema["resources"].keys() == set(types())
    assert schema["functions"].keys() == set(functions())
    (tmp_path / "schema.json").write_text(given, encoding="utf-8")
    checked = subprocess.run(
        [*pulumi, "schema", "check", str(tmp_path / "schema.json")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_schema_of_another_form_is_refused(pulumi: list[str], tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"name": "x", "resources": {"a": {"properties": 1}}}')
    command = [*pulumi, "schema", "check", str(tmp_path / "schema.json")]
    assert subprocess.run(command, check=False, capture_output=True).returncode != 0

"""An exporter tells whether its files are in force as they are on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from monitoring.exporters.listening import Request
from monitoring.exporters.reloading import Reload, reload_families
from monitoring.exporters.web_config import WebGuard

RELOAD = {
    "city_exporter_config_reload_success": ("config",),
    "city_exporter_config_reload_last_success_timestamp_seconds": ("config",),
}


def values(reload: Reload, web: WebGuard | None) -> dict[tuple[str, str], float]:
    return {
        (sample.name.removeprefix("city_exporter_config_reload_"), sample.labels["config"]): sample.value
        for family in reload_families(reload, web) for sample in family.samples
    }  # fmt: skip


def test_names_and_labels_are_the_promised_ones() -> None:
    found = reload_families(Reload(1.0), None)
    assert {family.name: tuple(family._labelnames) for family in found} == RELOAD  # type: ignore[attr-defined]


def test_without_a_web_config_file_only_the_configuration_is_told_of() -> None:
    assert values(Reload(5.0, success=False), None) == {
        ("success", "exporter"): 0, ("last_success_timestamp_seconds", "exporter"): 5.0,
    }  # fmt: skip


def test_a_web_config_file_that_became_wrong_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("")
    guard = WebGuard.of(path)
    good = guard.read_at
    assert values(Reload(5.0), guard)["success", "web"] == 1
    path.write_text("unknown: 1\n")
    os.utime(path, (good + 10, good + 10))
    guard.authenticate(Request("/metrics"))
    assert values(Reload(5.0), guard)["success", "web"] == 0
    assert values(Reload(5.0), guard)["last_success_timestamp_seconds", "web"] == good

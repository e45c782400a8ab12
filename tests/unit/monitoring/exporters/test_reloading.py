"""An exporter tells whether its files are in force as they are on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from infra.inventory.catalog import load_catalog
from monitoring.exporters.listening import Request
from monitoring.exporters.reloading import Reload, reload_families
from monitoring.exporters.uptime import CatalogFile
from monitoring.exporters.web_config import WebGuard
from monitoring.exporters.workload import WorkloadWatch
from tests.unit.monitoring.exporters.uptime_sample import nobody

RELOAD = {
    "city_exporter_config_reload_success": ("config",),
    "city_exporter_config_reload_last_success_timestamp_seconds": ("config",),
}


def values(
    reload: Reload | None, web: WebGuard | None, config: str = "exporter"
) -> dict[tuple[str, str], float]:
    return {
        (sample.name.removeprefix("city_exporter_config_reload_"), sample.labels["config"]): sample.value
        for family in reload_families(reload, web, config) for sample in family.samples
    }  # fmt: skip


def test_names_and_labels_are_the_promised_ones() -> None:
    found = reload_families(Reload(1.0), None)
    assert {family.name: tuple(family._labelnames) for family in found} == RELOAD  # type: ignore[attr-defined]


def test_without_a_web_config_file_only_the_configuration_is_told_of() -> None:
    assert values(Reload(5.0, success=False), None) == {
        ("success", "exporter"): 0, ("last_success_timestamp_seconds", "exporter"): 5.0,
    }  # fmt: skip


def test_an_exporter_without_a_file_of_its_own_tells_of_the_web_config_file(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("")
    assert {config for _, config in values(None, WebGuard.of(path))} == {"web"}


CATALOG = """
items:
  - name: plain-server
    kind: server
    name_vi: "Máy chủ ảo"
    name_en: "Virtual server"
    probes: [{name: %s, kind: ssh}]
"""


def test_a_catalog_that_became_wrong_changes_nothing_and_is_told_of_until_it_is_right(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(CATALOG % "ssh", encoding="utf-8")
    watch = WorkloadWatch(lambda: (), nobody, 15.0, catalog=load_catalog(path))
    file = CatalogFile(watch, path)
    told = [file.reloaded]
    for text in (CATALOG.replace("kind: server", "kinnd: server") % "other", CATALOG % "banner"):
        path.write_text(text, encoding="utf-8")
        file.reload()
        told.append(file.reloaded)
        probes = [probe.name for probe in watch.catalog.items[0].probes]
        assert probes == (["ssh"] if len(told) == 2 else ["banner"])
    assert [one.success for one in told if one is not None] == [True, False, True]
    assert values(told[1], None, "catalog")["success", "catalog"] == 0
    assert told[1].at == told[0].at < told[2].at  # type: ignore[union-attr]


def test_without_a_catalog_there_is_nothing_to_read_again() -> None:
    file = CatalogFile(WorkloadWatch(lambda: (), nobody, 15.0), None)
    file.reload()
    assert file.reloaded is None


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

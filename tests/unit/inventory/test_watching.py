"""How a site is watched: what its group_vars may say is what roles have defaults for."""

from __future__ import annotations

import pytest
import yaml

from infra.inventory.watching import WatchingModel

from .conftest import INVENTORIES, Folder

ALL = "group_vars/all.yml"
ROLES = INVENTORIES.parent / "playbooks/roles"
SAID = """
monitoring_exporters_tls: true
monitoring_compat: true
monitoring_retention: 60d
monitoring_ledger_url: postgresql+psycopg://citycloud@db.example/ledger
monitoring_pages_web_config_file: /etc/citycloud/pages.yml
logs_retention_months: 24
"""


def said(lab: Folder, text: str = SAID) -> Folder:
    lab.write(ALL, (lab.path / ALL).read_text(encoding="utf-8") + text)
    return lab


def test_a_site_says_how_it_is_watched(lab: Folder) -> None:
    assert said(lab).load().site.site_name == "lab"
    assert set(yaml.safe_load(SAID)) == set(WatchingModel.model_fields)


def test_each_has_a_default_in_a_role() -> None:
    defaults = {
        name: value
        for role in ("monitoring", "logs")
        for name, value in yaml.safe_load((ROLES / role / "defaults/main.yml").read_text()).items()
    }
    assert set(WatchingModel.model_fields) <= set(defaults)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("exporters_tls: true", "exporters_tls: maybe", "monitoring_exporters_tls"),
        ("compat: true", "compat: [x]", "monitoring_compat"),
        ("60d", "60", "monitoring_retention"),
        ("60d", "0d", "monitoring_retention"),
        ("postgresql+psycopg", "mysql", "monitoring_ledger_url"),
        ("citycloud@db", "citycloud:x@db", "monitoring_ledger_url"),
        ("/etc/citycloud/pages.yml", "pages.yml", "monitoring_pages_web_config_file"),
        ("24", "0", "logs_retention_months"),
        ("monitoring_compat", "monitoring_compatible", "monitoring_compatible"),
    ],
)
def test_what_cannot_be_is_told_with_its_key(lab: Folder, old: str, new: str, key: str) -> None:
    assert said(lab, SAID.replace(old, new)).problem().key == key

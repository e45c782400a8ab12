"""A site is opened with what it needs, or refused before anything is written."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from infra import inventory as inventories
from infra.inventory import Inventory
from infra.provisioning.secrets import VaultPasswordMissing
from infra.provisioning.site import SiteUnknown, api_names, digest_of, find_site, open_site, service_names
from infra.settings import Settings

ROOT = Path(__file__).parents[3]
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"CITYCLOUD_STATE": str(tmp_path / "state")})


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return inventories.load(ROOT / "inventories" / "lab")


def test_a_lab_is_opened_with_password_secrets_key_and_ca(settings: Settings, inventory: Inventory) -> None:
    site = open_site(settings, inventory, NOW)
    assert site.paths.vault_password.exists()
    assert site.paths.ca_certificate.read_text() == site.secrets.ca_certificate
    assert site.paths.ssh_key.with_suffix(".pub").read_text().startswith("ssh-ed25519 ")
    assert site.is_lab


def test_opening_it_again_changes_no_file(settings: Settings, inventory: Inventory) -> None:
    site = open_site(settings, inventory, NOW)
    before = {path: path.read_bytes() for path in site.paths.directory.rglob("*") if path.is_file()}
    assert open_site(settings, inventory, NOW) == site
    assert {p: p.read_bytes() for p in site.paths.directory.rglob("*") if p.is_file()} == before


def test_a_production_site_without_a_given_password_is_refused_and_nothing_is_written(
    settings: Settings, inventory: Inventory
) -> None:
    with pytest.raises(
        VaultPasswordMissing, match="name the file that holds it in CITYCLOUD_VAULT_PASSWORD_FILE"
    ):
        open_site(settings, replace(inventory, lab=None), NOW)
    assert not settings.state_dir.exists()


def test_a_production_site_keeps_no_password_of_its_own(
    settings: Settings, inventory: Inventory, tmp_path: Path
) -> None:
    password = tmp_path / "given"
    password.write_text("p\n")
    site = open_site(replace(settings, vault_password_file=password), replace(inventory, lab=None), NOW)
    assert not site.paths.vault_password.exists()
    assert site.vault.password_file == password


def test_a_site_that_was_never_deployed_is_not_made_by_looking_at_it(
    settings: Settings, inventory: Inventory
) -> None:
    with pytest.raises(SiteUnknown, match="citycloud up --inventory"):
        find_site(settings, inventory)
    assert not settings.state_dir.exists()


def test_a_site_that_was_opened_is_found(settings: Settings, inventory: Inventory) -> None:
    assert find_site(settings, inventory) if open_site(settings, inventory, NOW) else False


def test_every_service_with_a_file_gets_accounts() -> None:
    assert {"keystone", "glance", "placement", "nova", "neutron", "cinder"} <= set(service_names(ROOT))


def test_the_api_is_known_by_its_name_its_address_and_each_controllers(inventory: Inventory) -> None:
    assert api_names(inventory) == ["172.30.0.10", "ctl1", "172.30.0.11"]


def test_a_digest_changes_with_names_and_contents_and_not_with_bytecode(tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "a.yml").write_text("x")
    first = digest_of(tmp_path, [folder])
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("y")
    assert digest_of(tmp_path, [folder]) == first
    (folder / "a.yml").rename(folder / "b.yml")
    renamed = digest_of(tmp_path, [folder])
    (folder / "b.yml").write_text("z")
    assert len({first, renamed, digest_of(tmp_path, [folder])}) == 3

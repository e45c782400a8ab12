"""What the environment decides, and where things lie."""

from __future__ import annotations

from pathlib import Path

from infra.settings import Settings


def test_without_variables_everything_lies_in_the_systems_places() -> None:
    settings = Settings.from_environment({})
    assert settings.state_dir == Path("/var/lib/citycloud")
    assert settings.cache_dir == Path("/var/cache/citycloud")
    assert settings.depot_dir == Path("/var/lib/citycloud/depot")
    assert settings.vault_password_file is None
    assert (settings.project_root / "pyproject.toml").exists()


def test_the_depot_follows_the_state_unless_it_is_named() -> None:
    assert Settings.from_environment({"CITYCLOUD_STATE": "/s"}).depot_dir == Path("/s/depot")
    both = {"CITYCLOUD_STATE": "/s", "CITYCLOUD_DEPOT": "/d"}
    assert Settings.from_environment(both).depot_dir == Path("/d")


def test_a_variable_that_is_empty_is_not_set() -> None:
    empty = {"CITYCLOUD_STATE": "", "CITYCLOUD_VAULT_PASSWORD_FILE": ""}
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_relative_paths_are_made_absolute_once() -> None:
    settings = Settings.from_environment({"CITYCLOUD_VAULT_PASSWORD_FILE": "p", "CITYCLOUD_STATE": "s"})
    assert settings.vault_password_file == Path.cwd() / "p"
    assert settings.state_dir == Path.cwd() / "s"


def test_a_sites_files_lie_in_its_folder() -> None:
    paths = Settings.from_environment({"CITYCLOUD_STATE": "/s"}).site("lab")
    folder = Path("/s/sites/lab")
    named = [getattr(paths, name) for name, value in vars(type(paths)).items() if isinstance(value, property)]
    assert paths.directory == folder
    assert all(path.is_relative_to(folder) for path in named)
    assert len(set(named)) == len(named)

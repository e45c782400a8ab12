"""The capacity exporter's configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.exporters.configuration import ConfigurationInvalid
from monitoring.exporters.settings import Settings, load

COLLECTORS, CLOUDS = ("capacity", "images", "servers"), ("north", "south")


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "exporter.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, COLLECTORS, CLOUDS)


def test_an_empty_file_is_as_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Settings()


def test_everything_may_be_said(tmp_path: Path) -> None:
    text = """\
intervals: {capacity: 60.0, servers: 90}
collectors: {images: false, servers: true}
per_server: true
compat: [openstack-exporter]
clouds: [south]
idle_seconds: 600
"""
    assert loaded(tmp_path, text) == Settings(
        {"capacity": 60.0, "servers": 90.0}, frozenset({"images"}), True, frozenset({"openstack-exporter"}),
        frozenset({"south"}), 600.0,
    )  # fmt: skip


def test_the_command_line_counts_more(tmp_path: Path) -> None:
    found = loaded(tmp_path, "intervals: {capacity: 60, servers: 90}").overridden(
        {"capacity": 5.0}, ["images"]
    )
    assert found.intervals == {"capacity": 5.0, "servers": 90.0}
    assert found.without == {"images"}


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("interval: {}", "interval", "did you mean intervals"),
        ("intervals: {capasity: 1}", "intervals.capasity", "did you mean capacity"),
        ("intervals: {capacity: 0}", "intervals.capacity", "must be more than 0"),
        ("intervals: {capacity: soon}", "intervals.capacity", "must be a number"),
        ("collectors: {image: false}", "collectors.image", "did you mean images"),
        ("collectors: {images: 1}", "collectors.images", "must be true or false"),
        ("compat: [prometheus]", "compat[0]", "write 'openstack-exporter'"),
        ("clouds: [nord]", "clouds[0]", "did you mean north"),
        ("per_server: yes please", "per_server", "must be true or false"),
        ("- a", "(whole file)", "is not a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_and_way_out(
    tmp_path: Path, text: str, key: str, why: str
) -> None:
    with pytest.raises(ConfigurationInvalid) as raised:
        loaded(tmp_path, text)
    (problem,) = raised.value.problems
    assert (problem.file, problem.key) == (str(tmp_path / "exporter.yaml"), key)
    assert why in str(problem)

"""What is made, what is left alone, and what a build that was cut leaves behind."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.depot import DepotBusy, verify
from infra.depot.building import only_build
from infra.depot.manifest import Manifest, digest
from infra.depot.workshop import Say, Workshop
from tests.unit.depot.conftest import SmallDepot

MakeDepot = Callable[..., SmallDepot]


def test_a_build_puts_every_file_in_the_manifest(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"x/one": "1", "two": "22"})
    assert depot.build().made.keys() == {"a"}
    files = Manifest.read(depot.depot_dir).files
    assert {path: entry.size for path, entry in files.items()} == {"x/one": 1, "two": 2}
    assert verify(depot.depot_dir) == 2


def test_a_second_build_makes_nothing(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"}, b={"two": "2"})
    depot.build()
    before = (depot.depot_dir / "manifest.json").stat().st_mtime_ns
    result = depot.build()
    assert (result.made, set(result.in_place)) == ({}, {"a", "b"})
    assert (depot.depot_dir / "manifest.json").stat().st_mtime_ns == before


def test_only_the_part_with_other_inputs_is_made(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"}, b={"two": "2"})
    depot.build()
    depot.inputs["b"] = "other"
    depot.build()
    assert depot.made == ["b"]


def test_a_renewed_part_is_made_though_it_is_in_place(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"}, b={"two": "2"})
    depot.build()
    depot.build(renew=("a",))
    assert depot.made == ["a"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered"])
def test_a_damaged_part_is_made_again(make_depot: MakeDepot, damage: str) -> None:
    depot = make_depot(a={"one": "1234"}, b={"two": "2"})
    depot.build()
    file = depot.depot_dir / "one"
    if damage == "missing":
        file.unlink()
    else:
        file.write_text("12" if damage == "truncated" else "4321")
        os.utime(file, ns=(1, 1))
    depot.build()
    assert depot.made == ["a"]
    assert verify(depot.depot_dir) == 2


def test_a_depot_that_was_copied_is_in_place_though_its_dates_changed(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1234"})
    depot.build()
    os.utime(depot.depot_dir / "one", ns=(1, 1))
    depot.build()
    assert depot.made == []
    assert Manifest.read(depot.depot_dir).files["one"].mtime_ns == 1


def test_files_that_a_part_no_longer_has_are_removed(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"old": "1", "kept": "2"})
    depot.build()
    depot.contents["a"] = {"kept": "2", "new": "3"}
    depot.inputs["a"] = "other"
    depot.build()
    assert not (depot.depot_dir / "old").exists()
    assert Manifest.read(depot.depot_dir).files.keys() == {"kept", "new"}


def test_a_part_is_made_after_what_it_needs(make_depot: MakeDepot) -> None:
    depot = make_depot(last={"l": ""}, middle={"m": ""}, first={"f": ""})
    depot.needs = {"last": ("middle",), "middle": ("first",)}
    depot.build()
    assert depot.made == ["first", "middle", "last"]


def test_a_part_sees_the_hashes_of_the_part_that_it_is_made_from(make_depot: MakeDepot) -> None:
    depot = make_depot(source={"wheels/one": "1"}, product={"archive": "x"})
    depot.needs = {"product": ("source",)}
    product = replace(depot.part("product"), inputs=lambda workshop: workshop.made_from("wheels/"))
    depot.build(depot.part("source"), product)
    assert depot.made == ["source", "product"]
    depot.contents["source"]["wheels/one"] = "2"
    depot.inputs["source"] = "other"
    depot.build(depot.part("source"), product)
    assert depot.made == ["source", "product"]


def test_a_part_that_fails_leaves_the_old_one_in_place_and_is_made_next_time(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"})
    depot.build()

    def fail(workshop: Workshop, work: Path, say: Say) -> None:
        (work / "one").write_text("half")
        raise OSError("the disk is full")

    depot.inputs["a"] = "other"
    with pytest.raises(OSError, match="the disk is full"):
        depot.build(replace(depot.part("a"), make=fail))
    assert (depot.depot_dir / "one").read_text() == "1"
    assert verify(depot.depot_dir) == 1
    depot.build()
    assert depot.made == ["a"]
    assert not (depot.depot_dir / ".building").exists()


def test_a_part_that_was_cut_while_it_was_put_in_place_is_made_again(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"}, b={"two": "2"})
    depot.build()
    # As after a kill between the first rename and the manifest: the manifest does not have the part.
    manifest = Manifest.read(depot.depot_dir)
    del manifest.parts["a"]
    manifest.write(depot.depot_dir)
    (depot.depot_dir / "one").write_text("other")
    (depot.depot_dir / ".building/a").mkdir(parents=True)
    (depot.depot_dir / ".building/a/rest").write_text("rest")
    depot.build()
    assert depot.made == ["a"]
    assert verify(depot.depot_dir) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"files": {"a": 1}, "parts": {}}', "\0"])
def test_an_unreadable_manifest_is_a_depot_to_be_made(make_depot: MakeDepot, content: str) -> None:
    depot = make_depot(a={"one": "1"})
    depot.build()
    (depot.depot_dir / "manifest.json").write_text(content)
    depot.build()
    assert depot.made == ["a"]


def test_two_builds_do_not_run_at_once(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"})
    with (
        only_build(depot.depot_dir),
        pytest.raises(
            DepotBusy, match=re.escape(f"{depot.depot_dir}: Another build of this depot is running")
        ),
    ):
        depot.build()
    depot.build()


def test_progress_ends_at_one_only_when_the_part_is_in_place(make_depot: MakeDepot) -> None:
    depot = make_depot(a={"one": "1"})
    depot.build()
    assert [(part, fraction) for part, _, fraction in depot.said] == [("a", 0.0), ("a", 0.5), ("a", 1.0)]


def test_a_digest_tells_where_a_value_ends() -> None:
    assert digest("ab", "c") != digest("a", "bc")

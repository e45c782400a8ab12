from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.cloud.errors import Unavailable
from infra.provisioning.export import ATTEMPTS, ExportDamaged, ExportFolder, NoRoomForExport, amount

DATA = bytes(range(256)) * 400
IMAGE: dict[str, Any] = {
    "id": "i", "size": len(DATA), "os_hash_algo": "sha512", "os_hash_value": hashlib.sha512(DATA).hexdigest(),
}  # fmt: skip


class Stream:
    """Gives DATA in pieces; `breaks` says after how many bytes each stream breaks."""

    def __init__(self, *breaks: int) -> None:
        self.breaks = list(breaks)
        self.starts: list[int] = []

    def chunks(self, identity: str, start: int = 0) -> Iterator[bytes]:
        self.starts.append(start)
        end = start + self.breaks.pop(0) if self.breaks else len(DATA)
        for place in range(start, min(end, len(DATA)), 1000):
            yield DATA[place : min(place + 1000, end)]
        if end < len(DATA):
            raise Unavailable("cut")


@pytest.fixture
def folder(tmp_path: Path) -> ExportFolder:
    made = ExportFolder(tmp_path / "export", lambda sentence: None)
    made.prepare()
    return made


def test_a_file_is_there_whole_with_its_checksum(folder: ExportFolder) -> None:
    written = folder.fetch("volumes/v.qcow2", IMAGE, Stream(), "volume v")
    assert (folder.root / written.path).read_bytes() == DATA
    assert (written.size, written.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())


def test_a_stream_that_breaks_is_taken_up_where_it_was(folder: ExportFolder) -> None:
    stream = Stream(5000, 7000)
    folder.fetch("v", IMAGE, stream, "v")
    assert stream.starts == [0, 5000, 12000]


def test_a_part_of_an_earlier_run_is_not_fetched_again(folder: ExportFolder) -> None:
    (folder.root / "v.part").write_bytes(DATA[:30_000])
    stream = Stream()
    folder.fetch("v", IMAGE, stream, "v")
    assert stream.starts == [30_000]


@pytest.mark.parametrize("part", [b"of another image", DATA + b"longer"])
def test_a_part_of_another_image_is_fetched_anew(folder: ExportFolder, part: bytes) -> None:
    (folder.root / "v.part").write_bytes(part)
    folder.fetch("v", IMAGE, Stream(), "v")
    assert (folder.root / "v").read_bytes() == DATA


def test_a_file_that_was_finished_before_the_kill_is_taken_as_it_is(folder: ExportFolder) -> None:
    (folder.root / "v").write_bytes(DATA)
    stream = Stream()
    assert folder.fetch("v", IMAGE, stream, "v").size == len(DATA)
    assert stream.starts == []


def test_bytes_that_are_not_glances_are_refused_and_removed(folder: ExportFolder) -> None:
    with pytest.raises(ExportDamaged, match="sha512"):
        folder.fetch("v", {**IMAGE, "os_hash_value": "0" * 128}, Stream(), "v")
    with pytest.raises(ExportDamaged, match="Glance says 5"):
        folder.fetch("v", {**IMAGE, "size": 5}, Stream(), "v")
    assert not [*folder.root.iterdir()]


def test_a_cloud_that_sends_nothing_any_more_is_given_up(folder: ExportFolder) -> None:
    stream = Stream(*[0] * (ATTEMPTS + 1))
    with pytest.raises(Unavailable):
        folder.fetch("v", IMAGE, stream, "v")
    assert len(stream.starts) == ATTEMPTS


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(
    folder: ExportFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    stream = Stream()
    with pytest.raises(NoRoomForExport, match=r"100\.0 KiB are needed"):
        folder.fetch("v", IMAGE, stream, "v")
    assert stream.starts == []


def test_long_transfers_show_their_bytes(tmp_path: Path) -> None:
    heard: list[str] = []
    clock = iter(range(0, 10_000, 3))
    folder = ExportFolder(tmp_path, heard.append, clock=lambda: next(clock))
    folder.fetch("v", IMAGE, Stream(), "volume v")
    assert "volume v: 1000 B of 100.0 KiB" in heard or any("KiB of 100.0 KiB" in one for one in heard)


def test_reading_back_finds_every_file_that_differs(folder: ExportFolder) -> None:
    one, two = (folder.write_json(name, [name]) for name in ("one.json", "two.json"))
    files = {file.path: {"path": file.path, "size": file.size, "sha256": file.sha256} for file in (one, two)}
    assert folder.read_back(files) == one.size + two.size
    (folder.root / "one.json").write_bytes(b"x")
    (folder.root / "two.json").unlink()
    with pytest.raises(ExportDamaged, match=r"one.json \(1 of .*two.json \(0 of"):
        folder.read_back(files)


def test_only_the_owner_may_read_an_export(folder: ExportFolder) -> None:
    folder.fetch("volumes/v", IMAGE, Stream(), "v")
    assert folder.root.stat().st_mode & 0o077 == 0
    assert (folder.root / "volumes/v").stat().st_mode & 0o077 == 0


def test_amounts_are_readable() -> None:
    assert [amount(size) for size in (0, 1023, 1536, 20 * 1024**2, 3 * 1024**4)] == [
        "0 B", "1023 B", "1.5 KiB", "20.0 MiB", "3.0 TiB",
    ]  # fmt: skip

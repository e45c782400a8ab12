"""An agency leaves a real cloud: asked for by one person, confirmed by another, killed once, proved, and
taken in again.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import ROOT, Site
from tests.cloud.offboarding_ground import COPIES, PATTERN

AGENCY = "h-bachlongvi"  # has no servers of its own


@dataclass(frozen=True)
class Left:
    """An off-boarded agency: what it had before, what was made for the test, what the command printed."""

    site: Site
    before: dict[str, Any]
    made: dict[str, str]
    result: dict[str, Any]
    refused: dict[str, Any]

    @property
    def folder(self) -> Path:
        return Path(self.result["folder"])


@pytest.fixture(scope="module")
def left(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Left:
    exports = tmp_path_factory.mktemp("exports")
    before = site.holdings(AGENCY)
    made = json.loads(site.script("tests.cloud.offboarding_ground", AGENCY, "debian-12", "vm.small"))
    words = ("zone", "offboard", AGENCY, "--export", str(exports), *site.by("an"), "--output", "json")
    refused = site.run(*words)
    assert refused.code == 3, refused.error
    digest = site.ok("zone", "plans", "--output", "json").json[0]["digest"]
    site.ok("zone", "confirm", digest, *site.by("binh"))
    _killed_in(site, "transfer", *words)
    result = site.ok(*words).json
    return Left(site, before, made, result, refused.json)


def _killed_in(site: Site, step: str, *words: str) -> None:
    log = site.state / "offboarding.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            site.arguments(*words), env=site.environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stream,
            stderr=stream,
        )  # fmt: skip
        deadline = time.monotonic() + 900
        while f"{step}: started" not in log.read_text():
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_nothing_was_changed_until_a_second_person_had_confirmed(left: Left) -> None:
    assert left.refused["error"]["code"] == "plan_refused"


def test_nothing_of_the_agency_is_left(left: Left) -> None:
    held = left.site.holdings(AGENCY, left.made["project"])
    assert {kind: count for kind, count in held.items() if kind != "project" and count} == {}


def test_the_export_has_the_agencys_bytes_and_its_checksums_are_right(left: Left, tmp_path: Path) -> None:
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=left.folder, check=True)
    sums = {path: digest for digest, path in (line.split() for line in _lines(left.folder / "SHA256SUMS"))}
    assert sums[f"images/{left.made['image']}.raw"] == left.made["image_sha256"]
    volume = tmp_path / "volume.raw"
    packed = left.folder / f"volumes/{left.made['volume']}.qcow2"  # cinder compresses it
    subprocess.run(["qemu-img", "convert", "-O", "raw", packed, volume], check=True)
    with volume.open("rb") as disk:
        assert disk.read(len(PATTERN) * COPIES) == PATTERN * COPIES
    assert (left.folder / f"servers/{left.made['server']}.qcow2").stat().st_size > 50 * 1024**2


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def test_the_record_is_right_and_says_who_asked_and_who_confirmed(left: Left) -> None:
    checked = left.site.ok("zone", "verify-record", str(left.folder), "--output", "json").json
    assert (checked["requested_by"], checked["confirmed_by"], checked["absent"]) == ("an", "binh", [])
    assert checked["files"] == left.result["files"]
    assert (left.folder / "record/record.pdf").read_bytes().startswith(b"%PDF")


def test_a_record_that_was_changed_is_found(left: Left, tmp_path: Path) -> None:
    shutil.copytree(left.folder / "record", tmp_path / "record")
    told = tmp_path / "record/record.json"
    told.write_bytes(told.read_bytes().replace(b'"binh"', b'"boss"'))
    refused = left.site.run("zone", "verify-record", str(tmp_path), "--output", "json")
    assert refused.code == 5
    assert refused.json["error"]["code"] == "record_signature_wrong"


def test_the_agency_comes_back_only_after_it_was_taken_in_again(left: Left) -> None:
    refused = left.site.run("zone", "up", AGENCY, "--output", "json")
    assert refused.json["error"]["code"] == "agency_offboarded"
    left.site.ok("zone", "readmit", AGENCY)
    left.site.ok("zone", "up", AGENCY)
    again = left.site.holdings(AGENCY)
    assert {**again, "project": ""} == {**left.before, "project": ""}

"""maintenance.yaml: agreed windows are read, and what is wrong is told with its place."""

from __future__ import annotations

import datetime as dt

import pytest

from infra.errors import InventoryInvalid
from infra.inventory.maintenance import read_maintenance

from .conftest import Folder

FILE = "maintenance.yaml"
WINDOW = (
    "{id: w1, agencies: [sotc], workloads: [web], starts: '2026-12-05T22:00+07:00',"
    " ends: '2026-12-06T02:00+07:00', reason_vi: Nâng cấp, reason_en: Upgrade}"
)


def test_a_window_is_read_as_it_is_written_also_by_a_server_alone(lab: Folder) -> None:
    lab.write(FILE, f"windows: [{WINDOW}]\n")
    (window,) = lab.load().maintenance
    assert window.covers("sotc", "web")
    assert window.starts.astimezone(dt.UTC) == dt.datetime(2026, 12, 5, 15, tzinfo=dt.UTC)
    assert (window.reason_vi, window.interval[1] - window.interval[0]) == ("Nâng cấp", 4 * 3600)
    assert read_maintenance(lab.path / FILE) == (window,)


def test_all_agencies_and_moments_without_quotes_are_understood(lab: Folder) -> None:
    text = WINDOW.replace("[sotc]", "all").replace("'", "").replace("T22:00+", "T22:00:00+")
    lab.write(FILE, f"windows: [{text.replace('T02:00+', 'T02:00:00+')}]\n")
    (window,) = lab.load().maintenance
    assert window.covers("sonv", "web")
    assert window.starts.utcoffset() is not None


def test_without_the_file_there_is_no_window(lab: Folder) -> None:
    (lab.path / FILE).unlink()
    assert lab.load().maintenance == ()
    assert read_maintenance(lab.path / FILE) == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        ("22:00+07:00", "22:00", "windows[0].starts", "has no zone"),
        ("2026-12-05T22", "tomorrow", "windows[0].starts", "is not a moment in ISO form"),
        ("2026-12-06T02", "2026-12-05T02", "windows[0].ends", "is not after starts"),
        ("[sotc]", "[]", "windows[0].agencies", "names no agency"),
        ("[sotc]", "[sotx]", "windows[0].agencies[0]", "is not the code of an agency"),
        ("reason_vi: Nâng cấp, ", "", "windows[0].reason_vi", "is missing"),
        ("id: w1", "id: 'w 1'", "windows[0].id", "is not a name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(lab: Folder, old: str, new: str, key: str, why: str) -> None:
    assert old in WINDOW
    lab.write(FILE, f"windows: [{WINDOW.replace(old, new)}]\n")
    problem = lab.problem()
    assert (problem.file, problem.key) == (str(lab.path / FILE), key)
    assert problem.why.startswith(why)


def test_two_windows_of_one_id_are_refused(lab: Folder) -> None:
    lab.write(FILE, f"windows: [{WINDOW}, {WINDOW}]\n")
    assert lab.problem().key == "windows[1].id"


def test_a_server_refuses_a_file_that_it_cannot_use(lab: Folder) -> None:
    lab.write(FILE, "windows: none\n")
    with pytest.raises(InventoryInvalid, match=r"maintenance.yaml: windows = none: must be a list"):
        read_maintenance(lab.path / FILE)

"""Maintenance windows: whose they are, and seconds that overlapping windows share."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infra.domain.maintenance import MaintenanceWindow, covering, overlap, union

START = dt.datetime(2026, 12, 5, 22, tzinfo=dt.timezone(dt.timedelta(hours=7)))
intervals = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=12)


def make_window(
    name: str = "w", agencies: tuple[str, ...] = (), workloads: tuple[str, ...] = (), hours: int = 0
) -> MaintenanceWindow:
    starts = START + dt.timedelta(hours=hours)
    return MaintenanceWindow(
        name, starts, starts + dt.timedelta(hours=4), "Nâng cấp", "Upgrade", agencies, workloads
    )


def test_a_window_without_agencies_is_for_all_and_one_with_workloads_for_those() -> None:
    assert make_window().covers("sxd", "web")
    assert not make_window(agencies=("stc",)).covers("sxd", "web")
    assert make_window(agencies=("sxd",), workloads=("id-1",)).covers("sxd", "web", "id-1")
    assert not make_window(agencies=("sxd",), workloads=("db",)).covers("sxd", "web", "id-1")


def test_the_windows_of_a_workload_come_in_their_order() -> None:
    windows = (make_window("late", hours=5), make_window("early"), make_window("other", ("stc",)))
    assert [one.id for one in covering(windows, "sxd", "web")] == ["early", "late"]


@given(intervals)
def test_a_second_counts_once_in_however_many_windows_it_lies(given_: list[tuple[int, int]]) -> None:
    seconds = {second for start, end in given_ for second in range(start, end)}
    joined = union((float(start), float(end)) for start, end in given_)
    assert sum(end - start for start, end in joined) == len(seconds)
    assert overlap(50, 150, joined) == len(seconds & set(range(50, 150)))
    assert all(one[1] < other[0] for one, other in pairwise(joined))

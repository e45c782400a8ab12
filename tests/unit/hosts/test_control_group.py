"""Control groups, on folders that look like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.hosts import control_group
from infra.hosts.control_group import ControlGroup, ControlGroupsMissing, Hierarchies

HYBRID = """\
30 29 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
34 30 0:27 /some/part /elsewhere rw - cgroup cgroup rw,cpu
"""
UNIFIED = "30 29 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"


def with_mounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> Hierarchies:
    (tmp_path / "mountinfo").write_text(text)
    monkeypatch.setattr(control_group, "MOUNTS", tmp_path / "mountinfo")
    return Hierarchies.of_this_machine()


def test_both_kinds_of_machine_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = Path("/sys/fs/cgroup")
    assert with_mounts(monkeypatch, tmp_path, UNIFIED) == Hierarchies(root, ())
    assert with_mounts(monkeypatch, tmp_path, HYBRID) == Hierarchies(
        root / "unified", (root / "cpu", root / "systemd")
    )


def test_a_machine_without_the_unified_hierarchy_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ControlGroupsMissing, match=r"5\.14"):
        with_mounts(monkeypatch, tmp_path, "31 30 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")


@pytest.fixture
def group(tmp_path: Path) -> ControlGroup:
    for name in ("unified", "memory"):
        (tmp_path / name).mkdir()
    return ControlGroup("citycloud-lab/ctl1", Hierarchies(tmp_path / "unified", (tmp_path / "memory",)))


def test_processes_below_are_its_own(group: ControlGroup) -> None:
    for path, text in (("", "12\n"), ("machine", "13\n14\n"), ("machine/payload", "0\n")):
        directory = group.unified / path
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "cgroup.procs").write_text(text)
    assert group.processes() == (12, 13, 14)


def test_a_group_that_does_not_exist_is_empty(group: ControlGroup) -> None:
    assert not group.populated()
    assert group.processes() == ()
    assert group.memory() == 0
    group.kill()
    group.remove()


def test_memory_is_what_cannot_be_dropped_at_once(group: ControlGroup) -> None:
    directory = group.hierarchies.legacy[0] / group.path
    directory.mkdir(parents=True)
    (directory / "memory.usage_in_bytes").write_text("1000\n")
    (directory / "memory.stat").write_text("cache 700\ninactive_file 1\ntotal_inactive_file 600\n")
    assert group.memory() == 400


def test_controllers_are_handed_down_to_where_the_processes_live(group: ControlGroup) -> None:
    top = group.unified.parent
    top.mkdir()
    (top / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids rdma\n")
    (top / "cgroup.subtree_control").write_text("")
    group.create()
    assert (top / "cgroup.subtree_control").read_text() == "+cpu +cpuset +io +memory +pids"
    assert group.unified.is_dir()
    assert (group.hierarchies.legacy[0] / group.path).is_dir()

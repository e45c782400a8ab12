"""Whose loop device it is."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from infra.hosts import loop_devices
from infra.hosts.loop_devices import STATUS_SIZE, LoopDevice


def status(encoded: int, inode: int) -> bytes:
    return (encoded.to_bytes(8, "little") + inode.to_bytes(8, "little")).ljust(STATUS_SIZE, b"\0")


@pytest.mark.parametrize(("major", "minor"), [(0, 65), (0, 376), (254, 0), (8, 70000)])
def test_the_kernels_number_of_a_file_system_is_that_of_stat(major: int, minor: int) -> None:
    encoded = minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
    device = LoopDevice.of_status("loop3", status(encoded, 42))
    assert device == LoopDevice("loop3", os.makedev(major, minor), 42)


def record(into: list[LoopDevice]) -> Callable[[LoopDevice], None]:
    def detach(device: LoopDevice) -> None:
        into.append(device)

    return detach


def test_the_root_of_a_living_process_is_nobodys_leftover(monkeypatch: pytest.MonkeyPatch) -> None:
    detached: list[LoopDevice] = []
    here = os.stat("/").st_dev
    devices = [
        LoopDevice("loop0", here, 1),
        LoopDevice("loop1", here + 1, 2),
        LoopDevice("loop2", here + 2, 3),
    ]
    monkeypatch.setattr(loop_devices, "attached", lambda: iter(devices))
    monkeypatch.setattr(loop_devices, "roots_in_use", lambda: frozenset({here}))
    monkeypatch.setattr(LoopDevice, "detach", record(detached))
    loop_devices.detach_left(here)
    assert detached == []
    loop_devices.detach_left(here + 1)
    assert detached == [devices[1]]
    loop_devices.detach_all(here)
    assert detached == [devices[1], devices[0]]


def test_the_deploy_hosts_own_root_is_in_use() -> None:
    assert os.stat("/").st_dev in loop_devices.roots_in_use()

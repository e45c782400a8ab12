"""Hosts: what they are for, what they run, what they offer."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from infra.domain.capacity import Capacity
from infra.domain.host import Host


def make_host(*groups: str, virt_type: str | None = None, fake_count: int = 0) -> Host:
    size = (2, 6144, 40) if virt_type else (None, None, None)
    address, tunnel = IPv4Address("172.30.0.21"), IPv4Address("172.30.1.21")
    return Host("hv1", address, tunnel, frozenset(groups), virt_type, *size, fake_count)


def test_a_host_may_be_in_several_groups() -> None:
    host = make_host("controllers", "gateways", "monitoring")
    assert (host.is_controller, host.is_gateway, host.is_monitoring, host.is_hypervisor) == (
        True,
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("virt_type", "needed", "runs"),
    [
        ("kvm", "qemu", True),
        ("qemu", "qemu", True),
        ("qemu", "kvm", False),
        ("lxc", "qemu", False),
        ("lxc", "lxc", True),
        ("fake", "qemu", False),
        ("fake", None, True),
        ("lxc", None, True),
    ],
)
def test_a_hypervisor_runs_what_its_type_can(virt_type: str, needed: str | None, runs: bool) -> None:
    assert make_host("hypervisors", virt_type=virt_type).runs(needed) is runs


def test_a_controller_runs_no_guests() -> None:
    host = make_host("controllers")
    assert not host.runs(None)
    assert host.compute_names == ()
    assert host.capacity(16.0, 1.0) == Capacity(0, 0, 0)


def test_disk_is_never_overcommitted() -> None:
    assert make_host("hypervisors", virt_type="qemu").capacity(16.0, 1.5) == Capacity(32, 9216, 40)


def test_a_real_hypervisor_is_one_compute_under_its_own_name() -> None:
    assert make_host("hypervisors", virt_type="qemu").compute_names == ("hv1",)


def test_a_fake_hypervisor_is_as_many_computes_as_it_says() -> None:
    host = make_host("hypervisors", virt_type="fake", fake_count=2)
    assert host.compute_names == ("hv1-0", "hv1-1")
    assert (host.is_fake, host.compute_count) == (True, 2)

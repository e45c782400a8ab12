"""Servers: which flavor goes with which image, and what they take."""

from __future__ import annotations

import pytest

from infra.domain.flavor import Flavor
from infra.domain.image import Image
from infra.domain.quota import Quota
from infra.domain.server import ServerSpec, hypervisor_types_agree, required_hypervisor_type, usage


def make_flavor(hypervisor_type: str | None = None) -> Flavor:
    return Flavor("f", vcpus=2, memory_mib=512, disk_gib=2, hypervisor_type=hypervisor_type)


def make_image(hypervisor_type: str | None = None) -> Image:
    return Image("i", "i.qcow2", "qcow2", hypervisor_type, min_disk_gib=2)


@pytest.mark.parametrize(
    ("flavor", "image", "agree", "required"),
    [
        ("qemu", "qemu", True, "qemu"),
        ("qemu", "lxc", False, "qemu"),
        (None, "lxc", True, "lxc"),
        ("lxc", None, True, "lxc"),
        (None, None, True, None),
    ],
)
def test_types_agree_if_they_are_equal_or_one_is_open(
    flavor: str | None, image: str | None, agree: bool, required: str | None
) -> None:
    assert hypervisor_types_agree(make_flavor(flavor), make_image(image)) is agree
    if agree:
        assert required_hypervisor_type(make_flavor(flavor), make_image(image)) == required


def test_servers_take_cores_memory_ports_and_the_floating_addresses_they_ask_for() -> None:
    servers = [ServerSpec("a", "f", "i", floating_ip=True), ServerSpec("b", "f", "i")]
    taken = usage((server, make_flavor()) for server in servers)
    assert taken == Quota(instances=2, cores=4, ram_mib=1024, floating_ips=1, ports=2)


def test_no_servers_take_nothing() -> None:
    assert usage([]) == Quota()

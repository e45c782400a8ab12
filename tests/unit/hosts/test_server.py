"""How a lab server is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.domain.lab import LabServer
from infra.hosts.control_group import ControlGroup, Hierarchies
from infra.hosts.server import MAX_LINK_NAME, Server, ServerNotCreated, port_name


@pytest.fixture
def server(tmp_path: Path) -> Server:
    group = ControlGroup("citycloud-lab/ctl1", Hierarchies(tmp_path / "cgroup", ()))
    return Server(
        "lab", LabServer("ctl1", ()), tmp_path / "ctl1", group, {"/srv/volumes": tmp_path / "volumes"}
    )


def test_the_switchs_port_is_named_after_the_server() -> None:
    assert port_name("ctl1", "mgmt") == "ctl1-mgmt"


def test_long_names_give_ports_that_the_kernel_takes_and_that_differ() -> None:
    names = {
        port_name(f"hypervisor-number-{number}", bridge) for number in range(50) for bridge in ("mgmt", "tun")
    }
    assert len(names) == 100
    assert all(len(name) <= MAX_LINK_NAME for name in names)


def test_root_of_a_server_cannot_reach_the_deploy_hosts_clock_and_kernel(server: Server) -> None:
    argv = server._nspawn()
    assert "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE" in argv


def test_a_server_gets_the_shared_folder_and_kvm_only_if_it_uses_it(server: Server) -> None:
    argv = server._nspawn()
    assert any(word.endswith("/volumes:/srv/volumes") for word in argv)
    assert not any("/dev/kvm" in word for word in argv)


def test_a_server_that_was_not_made_does_not_start(server: Server) -> None:
    assert not server.created()
    with pytest.raises(ServerNotCreated, match="citycloud lab create"):
        server.start(Path("/nowhere"))

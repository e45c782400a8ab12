"""Labs are made, killed, resumed and removed, and leave nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from infra.hosts import loop_devices, namespace
from infra.hosts.control_group import Hierarchies
from infra.hosts.forward import Forward
from infra.hosts.lock import LabBusy, exclusive
from infra.hosts.loop_devices import LoopDevice
from tests.functional.hosts.lab_site import Site, make_site

pytestmark = pytest.mark.live


def traces(name: str) -> list[str]:
    """Everything on this machine that bears the name of a lab."""
    found = [
        f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line
    ]
    hierarchies = Hierarchies.of_this_machine()
    for root in (hierarchies.unified, *hierarchies.legacy):
        found += [f"group {path}" for path in root.glob(f"*{name}*")]
    found += [f"namespace {path}" for path in Path("/run/netns").glob(f"*{name}*")]
    found += [f"nspawn {path}" for path in Path("/run/systemd/nspawn").glob(f"*/*{name}*")]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"citycloud-{name}" in words:
                found.append(f"process {entry.name} {words}")
    return found


def attach_loop(site: Site, server: str) -> LoopDevice:
    """On a file of the server's; as the machine knows it, where other labs have devices of their own."""
    made = site.run(server, "truncate -s 16M /root/disk && losetup --find --show /root/disk").strip()
    (device,) = [one for one in loop_devices.attached() if f"/dev/{one.name}" == made]
    return device


def start_and_kill(site: Site, command: str, seconds: float) -> None:
    """`citycloud lab COMMAND`, killed after so many seconds, about half of which Python takes to start."""
    words = site.citycloud("lab", command)
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, env=site.environment, stdout=quiet, stderr=quiet) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


def states(site: Site) -> set[str]:
    return {server.state for server in site.lab.status().servers}


def test_a_removed_lab_leaves_no_trace(unmade: Site) -> None:
    name = unmade.inventory.site.site_name
    unmade.lab.create(print)
    assert len(traces(name)) > 10
    device = attach_loop(unmade, "hv2")
    unmade.run("hv2", "rm /root/disk")
    assert device in loop_devices.attached()
    unmade.lab.destroy(print)
    assert traces(name) == []
    assert device not in loop_devices.attached()
    assert not unmade.lab.directory.exists()
    assert unmade.lab.site.known_hosts.read_text() == ""
    unmade.lab.destroy(print)


def test_a_lab_outlives_the_command_that_made_it_and_a_second_create_changes_nothing(unmade: Site) -> None:
    done = unmade.run_citycloud("lab", "create", "--output", "json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert {server["state"] for server in made["servers"]} == {"running"}
    pids = {server.name: server.pid for server in unmade.lab.status().servers}
    pinned = unmade.lab.site.known_hosts.read_text()
    assert unmade.run_citycloud("lab", "create").returncode == 0
    assert {server.name: server.pid for server in unmade.lab.status().servers} == pids
    assert unmade.lab.site.known_hosts.read_text() == pinned


def test_a_create_that_is_killed_anywhere_is_resumed(unmade: Site) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    for number in range(6):
        start_and_kill(unmade, "create", random.Random(seed + number).uniform(0.3, 3.0))
    unmade.lab.create(print)
    assert states(unmade) == {"running"}
    name = unmade.inventory.site.site_name
    machines = [
        trace
        for trace in traces(name)
        if trace.startswith("process") and "/usr/bin/systemd-nspawn --q" in trace
    ]
    keepers = [trace for trace in machines if "/bin/sh -c" in trace]
    assert len(keepers) == 3, "one keeper for each server, however often it was started"
    assert len(machines) == 6


def test_a_destroy_that_is_killed_anywhere_is_resumed(unmade: Site) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    unmade.lab.create(print)
    for number in range(4):
        start_and_kill(unmade, "destroy", random.Random(seed + number).uniform(0.5, 1.5))
    unmade.lab.destroy(print)
    assert traces(unmade.inventory.site.site_name) == []
    assert not unmade.lab.directory.exists()


def test_a_killed_server_is_off_and_starts_with_its_disk(site: Site) -> None:
    site.run("hv1", "echo kept > /root/kept && sync")
    (server,) = [one for one in site.lab.servers if one.name == "hv1"]
    server.group.kill()
    assert {one.name: one.state for one in site.lab.status().servers}["hv1"] == "stopped"
    site.lab.start(print)
    assert site.run("hv1", "cat /root/kept") == "kept\n"


def test_a_server_whose_keeper_was_killed_is_still_switched_off_in_order(site: Site) -> None:
    (server,) = [one for one in site.lab.servers if one.name == "hv1"]
    pid = server.daemon.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.running()
    assert server.stop()
    assert not server.running()
    site.lab.start(print)


def test_stop_and_start_keep_disks_and_keys(site: Site) -> None:
    site.run("hv2", "echo kept > /root/kept")
    pinned = site.lab.site.known_hosts.read_text()
    told: list[str] = []
    site.lab.stop(told.append)
    assert sorted(told) == ["ctl1: off", "hv1: off", "hv2: off"]
    assert states(site) == {"stopped"}
    assert site.lab.status().daemons == ()
    site.lab.start(print)
    assert site.run("hv2", "cat /root/kept") == "kept\n"
    assert site.lab.site.known_hosts.read_text() == pinned


def test_a_loop_device_of_a_killed_server_is_detached_when_it_starts(site: Site) -> None:
    device = attach_loop(site, "hv2")
    (server,) = [one for one in site.lab.servers if one.name == "hv2"]
    server.group.kill()
    assert device in loop_devices.attached()
    site.lab.start(print)
    assert device not in loop_devices.attached()


def test_two_labs_with_the_same_addresses_do_not_meet(site: Site, unmade: Site) -> None:
    unmade.lab.create(print)
    site.run("ctl1", "echo first > /root/whose")
    unmade.run("ctl1", "echo second > /root/whose")
    assert site.run("ctl1", "cat /root/whose") == "first\n"
    unmade.lab.destroy(print)
    assert states(site) == {"running"}
    assert site.run("ctl1", "cat /root/whose") == "first\n"


def test_a_second_command_on_a_lab_is_refused(site: Site) -> None:
    with exclusive(site.lab.directory / "lock"):
        with pytest.raises(LabBusy):
            site.lab.start(print)
        assert site.run_citycloud("lab", "start").returncode == 4


def test_a_lab_of_this_name_elsewhere_is_not_touched(site: Site, tmp_path: Path) -> None:
    other = make_site(tmp_path)
    same = other.inventory.path / "group_vars" / "all.yml"
    same.write_text(same.read_text().replace(other.inventory.site.site_name, site.inventory.site.site_name))
    done = other.run_citycloud("lab", "create", "--output", "json")
    assert json.loads(done.stdout)["error"]["code"] == "lab_elsewhere"
    assert states(site) == {"running"}


def test_a_forwarded_port_leads_into_the_lab(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        local = probe.getsockname()[1]
    site.lab.forward([Forward(local, "172.30.0.11", 22)])
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", local), timeout=60) as connection:
                assert connection.recv(100).startswith(b"SSH-2.0")
                break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert "forward" in site.lab.status().daemons
    site.lab.daemon("forward").stop(5)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", local), timeout=60)


@pytest.mark.parametrize(("where", "words"), [("hv1", ["hostname"]), ("-", ["echo", "hv1"])])
def test_a_shell_runs_commands_on_servers_and_in_the_network(
    site: Site, where: str, words: list[str]
) -> None:
    command = [*site.citycloud("lab", "shell"), where, *words]
    done = subprocess.run(command, env=site.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "hv1\n"), done.stderr


def test_the_namespace_of_the_caller_is_left_alone(site: Site) -> None:
    here = os.readlink("/proc/thread-self/ns/net")
    there = namespace.run_inside(site.lab.namespace, lambda: os.readlink("/proc/thread-self/ns/net"))
    assert there != here
    assert os.readlink("/proc/thread-self/ns/net") == here

"""What a lab server is like from inside and over SSH."""

from __future__ import annotations

import hashlib
import subprocess
import time
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from infra.hosts import iproute, keys, namespace, ssh
from tests.functional.hosts.lab_site import Site

pytestmark = pytest.mark.live
SERVERS = ("ctl1", "hv1", "hv2")
PAYLOAD = 4 * 1024 * 1024


@pytest.mark.parametrize("server", SERVERS)
def test_systemd_runs_and_no_unit_has_failed(site: Site, server: str) -> None:
    assert site.run(server, "systemctl is-system-running --wait") == "running\n"
    assert site.run(server, "hostname") == f"{server}\n"


def test_another_host_key_than_the_pinned_one_is_refused(site: Site, tmp_path: Path) -> None:
    target = site.lab.target("ctl1")
    other = keys.ensure_key(tmp_path / "other", "other")
    keys.pin(tmp_path / "known_hosts", (target.address,), other)
    with pytest.raises(ssh.HostKeyChanged, match="ctl1"):
        site.inside(lambda: ssh.run(replace(target, known_hosts=tmp_path / "known_hosts"), "true").output)


def test_a_host_key_that_is_not_pinned_is_refused(site: Site, tmp_path: Path) -> None:
    target = replace(site.lab.target("ctl1"), known_hosts=tmp_path / "none")
    with pytest.raises(ssh.HostKeyUnknown, match="ctl1"):
        site.inside(lambda: ssh.run(target, "true").output)


def test_a_stranger_is_not_let_in(site: Site, tmp_path: Path) -> None:
    keys.ensure_key(tmp_path / "id", "stranger")
    target = replace(site.lab.target("ctl1"), key=tmp_path / "id")
    with pytest.raises(ssh.LoginRefused):
        site.inside(lambda: ssh.run(target, "true").output)


def test_a_server_that_does_not_exist_is_unreachable(site: Site) -> None:
    target = replace(site.lab.target("ctl1"), address="172.30.0.99")
    with pytest.raises(ssh.HostUnreachable):
        site.inside(lambda: ssh.run(target, "true").output)


def test_a_command_ends_at_its_deadline(site: Site) -> None:
    started = time.monotonic()
    with pytest.raises(ssh.CommandTimedOut, match="sleep"):
        site.run("ctl1", "sleep 60", deadline_seconds=0.5)
    assert time.monotonic() - started < 10


def test_a_failing_command_tells_its_status_and_its_words(site: Site) -> None:
    with pytest.raises(ssh.RemoteCommandFailed, match=r"failed with 3: broken"):
        site.run("ctl1", "echo broken >&2; exit 3")


def test_input_output_and_errors_of_any_size_pass(site: Site) -> None:
    target = site.lab.target("ctl1")
    text = "x" * PAYLOAD

    def talk() -> str:
        with ssh.Connection(target) as connection:
            result = connection.run("tee /dev/stderr", input_text=text)
        assert result.errors == text
        return result.output

    assert site.inside(talk) == text


@pytest.mark.parametrize(
    ("interface", "network"), [("mgmt0", None), ("tun0", "172.30.1.0/24"), ("ext0", "172.30.2.0/24")]
)
def test_every_network_carries_tcp_between_servers(site: Site, interface: str, network: str | None) -> None:
    if network is None:
        address = "172.30.0.11"
    else:
        hosts = IPv4Network(network)
        address = str(hosts[211])
        for server, number in (("ctl1", 211), ("hv2", 222)):
            site.run(server, f"ip address replace {hosts[number]}/24 dev {interface}")
    site.run("ctl1", f"head -c {PAYLOAD} /dev/urandom > /root/payload")
    unit = f"serve-{interface}"
    site.run(
        "ctl1",
        f"systemd-run -q --unit {unit} python3 -m http.server --directory /root --bind {address} 8000",
    )
    fetch = (
        "import hashlib, urllib.request;"
        f"print(hashlib.sha256(urllib.request.urlopen('http://{address}:8000/payload').read()).hexdigest())"
    )
    try:
        site.run(
            "hv2",
            f"for n in $(seq 50); do timeout 1 bash -c '< /dev/tcp/{address}/8000' && break; sleep 0.1; done",
        )
        digest = site.run("hv2", f'python3 -c "{fetch}"').strip()
    finally:
        site.run("ctl1", f"systemctl stop {unit}")
        if network is not None:
            for server in ("ctl1", "hv2"):
                site.run(server, f"ip address flush dev {interface}")
    assert digest == site.run("ctl1", "sha256sum /root/payload").split()[0]
    assert hashlib.sha256(b"").hexdigest() != digest


def test_there_is_no_road_outside(site: Site) -> None:
    """Asked of the routing tables: a lab must not be let out to prove that it cannot get out."""
    routes = iproute._ip(site.lab.namespace, "-4", "route", "show")
    assert "default" not in routes
    assert set(iproute.links(site.lab.namespace)) >= {"lo", "mgmt", "tun", "ext"}
    assert "eth0" not in iproute.links(site.lab.namespace)
    outside = site.run("ctl1", "timeout 3 bash -c '< /dev/tcp/198.51.100.1/80' 2>&1 || echo unreachable")
    assert "unreachable" in outside


@pytest.mark.parametrize("server", ["hv1", "hv2"])
def test_a_hypervisor_has_what_open_vswitch_and_libvirt_need(site: Site, server: str) -> None:
    site.run(server, "ip tuntap add dev probe mode tap && ip link delete probe")
    site.run(server, "ip netns add probe && ip netns delete probe")
    site.run(server, "sysctl -q -w net.ipv4.ip_forward=1")
    site.run(server, "test -c /dev/fuse && test -c /dev/loop-control && test -b /dev/loop63")
    unified, legacy = "/sys/fs/cgroup/probe", "/sys/fs/cgroup/memory/probe /sys/fs/cgroup/devices/probe"
    site.run(server, f"mkdir {unified} 2> /dev/null || mkdir {legacy}")
    site.run(server, f"rmdir {unified} 2> /dev/null || rmdir {legacy}")


def test_a_loop_device_mounts_a_file(site: Site) -> None:
    image = site.lab.volumes / "disk"
    subprocess.run(["mke2fs", "-q", "-b", "4096", image, "16M"], check=True)
    site.run("hv2", "cp /srv/volumes/disk /root/disk && mkdir -p /mnt/disk")
    try:
        site.run("hv2", "mount -o loop /root/disk /mnt/disk && touch /mnt/disk/file")
    finally:
        site.run("hv2", "umount /mnt/disk && rm /root/disk")


def test_root_of_a_server_cannot_set_the_clock(site: Site) -> None:
    with pytest.raises(ssh.RemoteCommandFailed, match="not permitted"):
        site.run("ctl1", 'date -s "$(date)"')


def test_servers_share_the_volumes_folder_and_nothing_else(site: Site) -> None:
    site.run("hv1", "echo hello > /srv/volumes/file && echo hello > /root/file")
    assert site.run("hv2", "cat /srv/volumes/file") == "hello\n"
    with pytest.raises(ssh.RemoteCommandFailed, match="No such file"):
        site.run("hv2", "cat /root/file")


def test_servers_know_each_others_names_and_the_depot(site: Site) -> None:
    assert site.run("hv1", "getent hosts ctl1").split() == ["172.30.0.11", "ctl1"]
    url = site.inventory.site.depot_url
    fetch = f"import urllib.request; print(urllib.request.urlopen('{url}/manifest.json').status)"
    assert site.run("hv1", f'python3 -c "{fetch}"') == "200\n"


def test_a_reboot_comes_back_with_the_same_disk(site: Site) -> None:
    boot = "systemctl show -p UserspaceTimestampMonotonic"
    before = site.run("hv1", f"echo kept > /root/kept; {boot}")
    site.run("hv1", "systemd-run -q --on-active=0.2 systemctl reboot")
    target = site.lab.target("hv1")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(0.5)
        namespace.run_inside(site.lab.namespace, lambda: ssh.wait_for_ssh(target, 20))
        if site.run("hv1", boot) != before:
            break
    assert site.run("hv1", boot) != before
    assert site.run("hv1", "cat /root/kept") == "kept\n"
    assert site.run("hv1", "systemctl is-system-running --wait") == "running\n"

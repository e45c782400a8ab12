"""What makes a lab server of the shared bare Debian: its name, addresses, keys, and stand-ins for hardware.

On a real server an administrator or an installer has done this before City Cloud comes; nothing here is known
to the playbooks. All of it goes into the server's own layer, before it is started for the first time.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

from infra.domain.lab import LabServer
from infra.hosts.keys import ensure_key, public_half, write_whole

LOOP_DEVICES = 64  # a system container's disk takes one; the kernel makes them as they are asked for

HOST_KEY = Path("etc/ssh/ssh_host_ed25519_key")
UNITS = "etc/systemd/system"

SSHD = """\
# The one host key that was pinned when this server was made; those of the image are everybody's.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
UseDNS no
"""

SYSTEM = """\
[Manager]
# Guests that are containers do not end at a poweroff's SIGTERM: do not wait 90 s for them.
DefaultTimeoutStopSec=10s
"""

MACHINE_REGISTER = """\
# No machine can be registered in a container: without this file libvirt makes its control groups itself.
path-exclude=/usr/share/dbus-1/system-services/org.freedesktop.machine1.service
"""

HARDWARE = f"""\
#!/bin/sh
# Stands in for hardware and firmware of a real server: writable control groups and loop devices.
set -eu
for group in /sys/fs/cgroup/*/; do
    mount -o remount,bind,rw "$group" 2> /dev/null || true  # the unified one is writable, and no mount
done
number=0
while [ $number -lt {LOOP_DEVICES} ]; do
    [ -e /dev/loop$number ] || mknod -m 660 /dev/loop$number b 7 $number
    number=$((number + 1))
done
"""

MEMORY = """\
# What libvirt takes for the machine's memory: the deploy host's own figure changes while it runs.
kib={kib}
printf 'Node 0 %s: %d kB\\n' MemTotal $kib MemFree $kib MemUsed 0 > /run/citycloud-lab-memory
mount --bind /run/citycloud-lab-memory /sys/devices/system/node/node0/meminfo
"""

UNIT = """\
[Unit]
Description=The {name} of a lab server
DefaultDependencies=no
After=systemd-remount-fs.service
Before=sysinit.target network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/citycloud-lab/{name}

[Install]
WantedBy=sysinit.target
"""

MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service", "systemd-machined.service")
"""Units that fight with a deployment for the package lock, or have nothing to work on in a container."""


def write(
    root: Path,
    server: LabServer,
    gateway: IPv4Address | None,
    names: Mapping[str, IPv4Address],
    authorized_key: str,
    *,
    memory_mib: int,
) -> str:
    """Writes the server's own files below `root`; returns its public host key, made at the first call.

    `names` are the site's servers for /etc/hosts; `gateway` is the way off the management network;
    `memory_mib` is what a hypervisor has for its guests (0: whatever is there). A second call restores the
    same content.
    """
    files = {
        "etc/hostname": (f"{server.name}\n", 0o644),
        "etc/hosts": (_hosts(names), 0o644),
        "etc/resolv.conf": ("# a lab has no way outside and no name server\n", 0o644),
        "etc/machine-id": (_machine_id(root), 0o444),
        "etc/ssh/sshd_config.d/citycloud-lab.conf": (SSHD, 0o644),
        "etc/systemd/system.conf.d/citycloud-lab.conf": (SYSTEM, 0o644),
        "etc/dpkg/dpkg.cfg.d/citycloud-lab": (MACHINE_REGISTER, 0o644),
        "root/.ssh/authorized_keys": (f"{authorized_key}\n", 0o600),
        "usr/local/lib/citycloud-lab/hardware": (_hardware(memory_mib), 0o755),
        "usr/local/lib/citycloud-lab/network": (_network(server, gateway), 0o755),
    }
    for name in ("hardware", "network"):
        unit = UNIT.format(name=name)
        files[f"{UNITS}/citycloud-lab-{name}.service"] = (unit, 0o644)
        wanted = f"{UNITS}/sysinit.target.wants/citycloud-lab-{name}.service"
        _link(root, Path(wanted), f"/{UNITS}/citycloud-lab-{name}.service")
    for unit in MASKED:
        _link(root, Path(UNITS, unit), "/dev/null")
    for path, (content, mode) in files.items():
        _directories(root, Path(path).parent)
        write_whole(root / path, content.encode(), mode)
    _directories(root, HOST_KEY.parent)
    return ensure_key(root / HOST_KEY, server.name)


def _hardware(memory_mib: int) -> str:
    return HARDWARE + (MEMORY.format(kib=memory_mib * 1024) if memory_mib else "")


def public_host_key(root: Path) -> str:
    return public_half(root / HOST_KEY)


def _hosts(names: Mapping[str, IPv4Address]) -> str:
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{address} {name}" for name, address in names.items()]
    return "".join(f"{line}\n" for line in lines)


def _machine_id(root: Path) -> str:
    path = root / "etc/machine-id"
    return path.read_text() if path.exists() else f"{uuid.uuid4().hex}\n"


def _network(server: LabServer, gateway: IPv4Address | None) -> str:
    """Addresses, once and before anything listens: no service that would later fight with Open vSwitch."""
    lines = ["#!/bin/sh", "set -eu"]
    for interface in server.interfaces:
        lines.append(f"ip link set {interface.name} up")
        if interface.address is not None:
            lines.append(f"ip address replace {interface.address} dev {interface.name}")
    if gateway is not None:
        lines.append(f"ip route replace default via {gateway}")
    return "".join(f"{line}\n" for line in lines)


def _directories(root: Path, relative: Path) -> None:
    """Makes folders with the mode that Debian gives them: the server's layer hides the shared one's."""
    for parent in reversed((relative, *relative.parents)):
        path = root / parent
        if not path.exists():
            path.mkdir(mode=0o755)
            os.chmod(path, 0o700 if parent.parts[:1] == ("root",) else 0o755)


def _link(root: Path, relative: Path, target: str) -> None:
    _directories(root, relative.parent)
    path = root / relative
    if not path.is_symlink() or os.readlink(path) != target:
        path.unlink(missing_ok=True)
        path.symlink_to(target)

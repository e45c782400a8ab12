"""Tells what a server is, as one JSON object on standard output. Run there by its python3.

Standard library of Python 3.9 only, and it must not fail on a strange server: what cannot be found out is
zero or empty. It changes nothing. Argument: JSON with `depot_url`, `names` (to resolve), `volumes` (folders
whose files count as free space, since they are City Cloud's own).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

DEPOT_SECONDS = 10
COMMAND_SECONDS = 10
KVM_GET_API_VERSION = 0xAE00
BLOCK = 512  # bytes that st_blocks counts in


def text_of(path: str) -> str:
    """Contents of a file; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def output_of(*argv: str) -> str:
    """Standard output of a program; empty if it is missing, fails or hangs."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def os_release() -> dict[str, str]:
    pairs = (line.partition("=") for line in text_of("/etc/os-release").splitlines() if "=" in line)
    return {key: value.strip('"') for key, _, value in pairs}


def memory_kib() -> int:
    match = re.search(r"MemTotal:\s+(\d+)", text_of("/proc/meminfo"))
    return int(match.group(1)) if match else 0


def free_bytes(own_folders: list[str]) -> int:
    """Free space where services keep their data, counting what City Cloud has already put there."""
    status = os.statvfs("/var/lib")
    used = 0
    for folder in own_folders:
        for top, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    used += os.lstat(os.path.join(top, name)).st_blocks * BLOCK
    return status.f_bavail * status.f_frsize + used


def addresses() -> dict[str, list[str]]:
    """IPv4 addresses with prefix of every interface, by its name."""
    listed = json.loads(output_of("ip", "-json", "address", "show") or "[]")
    return {
        link["ifname"]: [
            f"{info['local']}/{info['prefixlen']}"
            for info in link.get("addr_info", ())
            if info.get("family") == "inet"
        ]
        for link in listed
        if "ifname" in link
    }


def unit_of(pid: str) -> str:
    """The systemd unit that a process belongs to; its name if it belongs to none."""
    for line in text_of(f"/proc/{pid}/cgroup").splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith((".service", ".scope")):
                return part
    return text_of(f"/proc/{pid}/comm").strip()


def listeners() -> dict[str, list[str]]:
    """TCP ports that are listened on -> units that do."""
    found: dict[str, set[str]] = {}
    for line in output_of(
        "ss", "--no-header", "--listening", "--tcp", "--numeric", "--processes"
    ).splitlines():
        fields = line.split()
        port = fields[3].rpartition(":")[2]
        units = {unit_of(pid) for pid in re.findall(r"pid=(\d+)", line)}
        found.setdefault(port, set()).update(units or {"?"})
    return {port: sorted(units) for port, units in found.items()}


def resolve(names: list[str]) -> dict[str, list[str]]:
    found = {}
    for name in names:
        try:
            infos = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
            found[name] = sorted({str(info[4][0]) for info in infos})
        except OSError:
            found[name] = []
    return found


def depot_manifest(url: str) -> dict[str, str]:
    """SHA-256 of the depot's manifest as this server gets it, or the error."""
    try:
        with urllib.request.urlopen(f"{url}/manifest.json", timeout=DEPOT_SECONDS) as answer:  # noqa: S310
            return {"sha256": hashlib.sha256(answer.read()).hexdigest()}
    except (OSError, ValueError) as error:
        return {"error": str(error)}


def kvm_works() -> bool:
    try:
        descriptor = os.open("/dev/kvm", os.O_RDWR)
    except OSError:
        return False
    try:
        return bool(fcntl.ioctl(descriptor, KVM_GET_API_VERSION) == 12)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def has_module(name: str) -> bool:
    """Whether a kernel module is loaded, built in, or can be loaded."""
    return os.path.isdir(f"/sys/module/{name}") or bool(output_of("modinfo", "--field", "name", name))


def collect(parameters: dict[str, object]) -> dict[str, object]:
    release = os_release()
    names, folders = parameters["names"], parameters["volumes"]
    assert isinstance(names, list)
    assert isinstance(folders, list)
    return {
        "time": time.time(),
        "hostname": socket.gethostname(),
        "machine_id": text_of("/etc/machine-id").strip(),
        "os_id": release.get("ID", ""),
        "os_version": release.get("VERSION_ID", ""),
        "architecture": os.uname().machine,
        "cpus": len(os.sched_getaffinity(0)),
        "memory_kib": memory_kib(),
        "free_bytes": free_bytes(folders),
        "addresses": addresses(),
        "listeners": listeners(),
        "resolved": resolve(names),
        "depot": depot_manifest(str(parameters["depot_url"])),
        "kvm": kvm_works(),
        "openvswitch": has_module("openvswitch"),
        "devices": [
            path for path in ("/dev/net/tun", "/dev/fuse", "/dev/loop-control") if os.path.exists(path)
        ],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(collect(json.loads(sys.argv[1]))))

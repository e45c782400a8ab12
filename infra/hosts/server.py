"""A lab server: a systemd-nspawn machine with its own systemd, sshd, network namespace and disk.

Its root is an overlay over the bare Debian that all lab servers share, mounted only inside the machine: when
the machine is gone, so is the mount. All its processes are in one control group, so that nothing of it can be
missed, and nothing else hit.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from infra.domain.lab import LabServer
from infra.errors import InfraError
from infra.hosts import iproute, loop_devices, namespace, server_files
from infra.hosts.control_group import ControlGroup
from infra.hosts.daemon import Daemon
from infra.hosts.launch import Overlay

STOP_SECONDS = 40.0  # nova-compute alone may take long; a hypervisor's guests die with it anyway
MAX_LINK_NAME = 15  # the kernel's limit
NSPAWN = "/usr/bin/systemd-nspawn"
DEVICES = ("/dev/net/tun", "/dev/fuse", "/dev/loop-control")
KVM = "/dev/kvm"
PROPAGATE = Path("/run/systemd/nspawn/propagate")
POWEROFF = signal.SIGRTMIN + 4  # what systemd as process 1 takes for `systemctl poweroff`
REBOOT = 133
"""nspawn's exit status when the machine asked for a reboot."""

KEEPER = f"""\
while ( for group in $MACHINE_GROUPS; do echo 0 > "$group/cgroup.procs" || exit; done; exec "$@" )
[ $? -eq {REBOOT} ]; do :; done"""
"""Starts the machine again when it reboots. It stays out of the machine's own groups, which must hold no
process beside nspawn's for controllers to be handed down."""


class ServerRunning(InfraError):
    """The server runs; stop it first: citycloud lab stop."""

    code = "server_running"


class ServerNotCreated(InfraError):
    """The server has not been made; make the lab first: citycloud lab create."""

    code = "server_not_created"


@dataclass(frozen=True)
class Server:
    """One server of a lab. `group` is `citycloud-<site>/<server>`.

    `shared` maps paths of the server to folders of the deploy host. `kvm`: it gets /dev/kvm.
    """

    site_name: str
    spec: LabServer
    directory: Path
    group: ControlGroup
    shared: Mapping[str, Path]
    kvm: bool = False
    memory_mib: int = 0

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def namespace(self) -> str:
        return namespace.name_of(self.site_name, self.name)

    @property
    def upper(self) -> Path:
        """What the server changed, and all that is its own."""
        return self.directory / "upper"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.group, self.directory / "process.json", self.console, main_group="keeper")

    @property
    def machine_group(self) -> ControlGroup:
        return self.group.child("machine")

    def created(self) -> bool:
        return (self.upper / server_files.HOST_KEY).exists()

    def running(self) -> bool:
        return self.daemon.running()

    def create(
        self, gateway: IPv4Address | None, names: Mapping[str, IPv4Address], authorized_key: str
    ) -> str:
        """Writes its files and returns its public host key. A running server keeps what it has."""
        if self.running():
            return server_files.public_host_key(self.upper)
        for folder in (self.upper, self.directory / "root"):
            folder.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        return server_files.write(
            self.upper, self.spec, gateway, names, authorized_key, memory_mib=self.memory_mib
        )

    def start(self, lower: Path) -> None:
        """Switches it on; one that runs is left alone. `lower` is the unpacked bare Debian."""
        if self.running():
            return
        if not self.created():
            raise ServerNotCreated(f"{self.name} has not been made; make the lab first: citycloud lab create")
        self._switch_off(self.daemon.root_device)
        self._connect()
        self.machine_group.create()
        work = self.directory / "work"
        work.mkdir()
        self.daemon.start(
            ("/bin/sh", "-c", KEEPER, f"citycloud-lab {self.namespace}", *self._nspawn()),
            environment={
                "MACHINE_GROUPS": " ".join(str(path) for path in self.machine_group.directories),
                "SYSTEMD_NSPAWN_LOCK": "0",  # ours is the record's; nspawn would leave files in /run
                "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",  # no kernel variables but its own network's
                "SYSTEMD_NSPAWN_TMPFS_TMP": "0",  # /tmp on disk, as on a fresh Debian
            },
            overlay=Overlay(str(lower), str(self.upper), str(work), str(self.directory / "root")),
        )

    def stop(self, deadline_seconds: float = STOP_SECONDS) -> bool:
        """Powers it off in order, and at the deadline at once. Returns whether it went in order."""
        root = self.daemon.root_device
        if root is not None and self.running():
            loop_devices.detach_all(root)  # guests hold them: they go when the guests are gone
        graceful = self.daemon.stop(deadline_seconds, number=POWEROFF, receives=_is_init)
        self._switch_off(root)
        return graceful

    def destroy(self) -> None:
        """Removes all of it; it must be off."""
        if self.running():
            raise ServerRunning(f"{self.name} runs; stop it first: citycloud lab stop")
        self._switch_off(self.daemon.root_device)
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def _connect(self) -> None:
        """A network namespace with a cable to each switch; made anew at each start."""
        namespace.create(self.namespace)
        lab = namespace.name_of(self.site_name)
        for interface in self.spec.interfaces:
            port = port_name(self.name, interface.bridge)
            mac = namespace.mac_address(self.namespace, interface.name)
            iproute.add_veth(lab, port, self.namespace, interface.name, mac)
            iproute.set_up(lab, port, master=interface.bridge)
            iproute.disable_offload(lab, port)
            iproute.disable_offload(self.namespace, interface.name)

    def _switch_off(self, root: int | None) -> None:
        """Takes away what a machine leaves behind, however it ended; `root` was its root file system."""
        self.group.remove()
        if root is not None:
            loop_devices.detach_left(root)
        lab = namespace.name_of(self.site_name)
        if namespace.exists(lab):
            for interface in self.spec.interfaces:
                iproute.delete_link(lab, port_name(self.name, interface.bridge))
        namespace.destroy(self.namespace)
        if (self.directory / "work").exists():
            shutil.rmtree(self.directory / "work")  # a volatile overlay's must not be used twice
        if (PROPAGATE / self.namespace).is_dir():
            (PROPAGATE / self.namespace).rmdir()

    def _nspawn(self) -> tuple[str, ...]:
        devices = [*DEVICES, *([KVM] if self.kvm else [])]
        binds = [device for device in devices if Path(device).exists()]
        binds += [f"{folder}:{path}" for path, folder in self.shared.items()]
        return (
            NSPAWN, "--quiet", "--boot", "--register=no", "--keep-unit",
            f"--directory={self.directory / 'root'}",
            f"--machine={self.namespace}", f"--hostname={self.name}",
            f"--network-namespace-path={namespace.path_of(self.namespace)}",
            # all but those by which root of a server could change the deploy host's clock and kernel
            "--capability=all", "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
            "--system-call-filter=@known", "--resolv-conf=off",
            "--timezone=off", "--link-journal=no", "--console=read-only",
            *(f"--bind={bind}" for bind in binds),
        )  # fmt: skip


def port_name(server: str, bridge: str) -> str:
    """The switch's end of a server's cable: `ctl1-mgmt`, shortened if the kernel's limit asks for it."""
    name = f"{server}-{bridge}"
    if len(name) <= MAX_LINK_NAME:
        return name
    return f"p{namespace.mac_address(server, bridge).replace(':', '')}"


def _is_init(pid: int) -> bool:
    """Whether it is the machine's process 1; that of a container inside the machine is one level deeper."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return len(numbers) == 2 and numbers[1] == "1"

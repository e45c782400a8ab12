"""The lab: a site's data center inside one machine, made and taken away by its owner alone.

`create` and `start` may be cut off anywhere and repeated: each step looks at what the kernel and the disk
hold, and does what is missing. Two labs with different site names live side by side.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

from infra.domain.lab import LabServer, LabSpec
from infra.errors import InfraError
from infra.hosts import keys, namespace, root_filesystem, ssh
from infra.hosts.control_group import ControlGroup, Hierarchies
from infra.hosts.daemon import Daemon
from infra.hosts.forward import Forward, listen
from infra.hosts.lock import exclusive
from infra.hosts.server import STOP_SECONDS, Server
from infra.inventory import Inventory
from infra.settings import Settings, SitePaths

PROJECT = Path(__file__).resolve().parents[2]
DAEMONS = ("depot", "forward")
DEPOT_SERVER = """\
import sys
from pathlib import Path
from infra.depot.server import serve
serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
"""
TARBALL = Path("base/debian-12.tar.zst")
MIB = 1024 * 1024
SSH_SECONDS = 60.0  # a server takes two or three seconds; a busy machine with two cores many more
DAEMON_STOP_SECONDS = 5.0

Tell = Callable[[str], None]


class LabAbsent(InfraError):
    """The inventory describes a real site, not a lab: its servers are not made by City Cloud."""

    code = "not_a_lab"


class LabElsewhere(InfraError):
    """A lab of this name runs from another state folder; name this site differently, or use that folder."""

    code = "lab_elsewhere"


@dataclass(frozen=True)
class ServerStatus:
    """`state`: running, stopped or absent; `memory` in bytes and `uptime` in seconds are 0 unless it runs."""

    name: str
    address: str
    state: str
    pid: int | None
    memory: int
    uptime: float


@dataclass(frozen=True)
class LabStatus:
    """`memory` in bytes is that of everything the lab runs; `daemons` names those of its own that run."""

    site_name: str
    namespace: str
    servers: tuple[ServerStatus, ...]
    daemons: tuple[str, ...]
    memory: int


@dataclass(frozen=True)
class LabPlan:
    """What the inventory says about the lab, in the terms of this module."""

    site_name: str
    spec: LabSpec
    user: str
    addresses: dict[str, IPv4Address]
    names: dict[str, IPv4Address]
    gateway: IPv4Address | None
    kvm: frozenset[str]
    memory_mib: dict[str, int]
    depot_url: str

    @classmethod
    def of(cls, inventory: Inventory) -> LabPlan:
        if inventory.lab is None:
            raise LabAbsent(f"{inventory.path} has no `lab` in its group_vars: its servers are real")
        site = inventory.site
        own = [bridge.address for bridge in inventory.lab.bridges if bridge.address is not None]
        gateways = [address.ip for address in own if address.ip in site.management_network.cidr]
        return cls(
            site_name=site.site_name,
            spec=inventory.lab,
            user=site.ansible_user,
            addresses={host.name: host.address for host in inventory.hosts},
            names={host.name: host.address for host in inventory.hosts},
            gateway=gateways[0] if gateways else None,
            kvm=frozenset(host.name for host in inventory.hosts if host.virt_type == "kvm"),
            memory_mib={
                host.name: host.memory_mib or 0 for host in inventory.hypervisors() if not host.is_fake
            },
            depot_url=site.depot_url,
        )


class Lab:
    """The lab of an inventory on this machine."""

    def __init__(
        self, plan: LabPlan, directory: Path, site: SitePaths, depot_dir: Path, cache_dir: Path
    ) -> None:
        self.plan = plan
        self.directory = directory
        self.site = site
        self.depot_dir = depot_dir
        self.cache_dir = cache_dir

    @classmethod
    def of(cls, inventory: Inventory, settings: Settings) -> Lab:
        """Raises LabAbsent for the inventory of a real site."""
        plan = LabPlan.of(inventory)
        name = plan.site_name
        return cls(plan, settings.lab_dir(name), settings.site(name), settings.depot_dir, settings.cache_dir)

    @property
    def namespace(self) -> str:
        return namespace.name_of(self.plan.site_name)

    @cached_property
    def group(self) -> ControlGroup:
        return ControlGroup(self.namespace, Hierarchies.of_this_machine())

    @property
    def volumes(self) -> Path:
        """The folder that all servers share, which stands in for a filer."""
        return self.directory / "volumes"

    @cached_property
    def servers(self) -> tuple[Server, ...]:
        return tuple(self._server(spec) for spec in self.plan.spec.servers)

    def _server(self, spec: LabServer) -> Server:
        return Server(
            site_name=self.plan.site_name,
            spec=spec,
            directory=self.directory / "servers" / spec.name,
            group=self.group.child(spec.name),
            shared={self.plan.spec.shared_folder: self.volumes},
            kvm=spec.name in self.plan.kvm,
            memory_mib=self.plan.memory_mib.get(spec.name, 0),
        )

    def _made(self) -> tuple[Server, ...]:
        """The servers of the inventory, and those that it had when they were made."""
        names = {server.name for server in self.servers}
        folders = sorted(self.directory.glob("servers/*"))
        former = [self._server(LabServer(path.name, ())) for path in folders if path.name not in names]
        return (*self.servers, *former)

    def daemon(self, name: str) -> Daemon:
        """A process of the lab on the deploy host."""
        folder = self.directory / "daemons"
        return Daemon(self.group.child(f"daemon-{name}"), folder / f"{name}.json", folder / f"{name}.log")

    def target(self, server: str) -> ssh.Target:
        """How to log in to a server; only from inside the lab's network namespace."""
        address = str(self.plan.addresses[server])
        return ssh.Target(server, address, self.plan.user, self.site.ssh_key, self.site.known_hosts)

    def create(self, tell: Tell) -> LabStatus:
        """Makes what is missing and switches everything on; returns when every server takes SSH."""
        with self._at_work():
            public = keys.ensure_key(self.site.ssh_key, f"citycloud-{self.plan.site_name}")
            self.site.directory.chmod(0o700)
            self.volumes.mkdir(parents=True, exist_ok=True)
            for server in self.servers:
                host_key = server.create(self.plan.gateway, self.plan.names, public)
                keys.pin(
                    self.site.known_hosts, (str(self.plan.addresses[server.name]), server.name), host_key
                )
                tell(f"{server.name}: host key {keys.fingerprint(host_key)}")
            self._start(tell)
            return self.status()

    def start(self, tell: Tell) -> LabStatus:
        """Switches on what is off."""
        with self._at_work():
            self._start(tell)
            return self.status()

    def stop(self, tell: Tell, deadline_seconds: float = STOP_SECONDS) -> LabStatus:
        """Powers the servers off in order, and ends the lab's own processes. Disks stay."""
        with self._at_work():
            self._stop(tell, deadline_seconds)
            return self.status()

    def destroy(self, tell: Tell) -> None:
        """Removes all that `create` made and nothing else. The site's own folder (keys, journal) stays."""
        if not self.directory.exists():
            return
        with self._at_work():
            self._stop(tell, STOP_SECONDS)
            for server in self._made():
                server.destroy()
                keys.unpin(self.site.known_hosts, (server.name,))
            self.group.remove()
            namespace.destroy(self.namespace)
            namespace.release_directory()
            shutil.rmtree(self.directory)
            tell(f"lab {self.plan.site_name} removed")

    def status(self) -> LabStatus:
        """What is, read from the kernel; takes no lock and changes nothing."""
        servers = tuple(self._server_status(server) for server in self.servers)
        daemons = tuple(name for name in DAEMONS if self.daemon(name).running())
        return LabStatus(self.plan.site_name, self.namespace, servers, daemons, self.group.memory())

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Nobody else works on the lab, and it is ours: the kernel knows it by the site's name alone."""
        with exclusive(self.directory / "lock"):
            records = [*self.directory.glob("servers/*/process.json"), *self.directory.glob("daemons/*.json")]
            if self.group.populated() and not records:
                raise LabElsewhere(
                    f"a lab {self.plan.site_name} runs from another state folder than {self.directory};"
                    " give this site another name, or set CITYCLOUD_STATE to that folder"
                )
            yield

    def _start(self, tell: Tell) -> None:
        started = time.monotonic()
        lower = root_filesystem.pinned(self.directory / "base", self.depot_dir / TARBALL, self.cache_dir)
        self.group.create()
        self.group.limit_memory(self.plan.spec.memory_mib * MIB)
        namespace.create(self.namespace, self.plan.spec.bridges)
        self._serve_depot()
        for server in self.servers:
            server.start(lower)
        with ThreadPoolExecutor(len(self.servers)) as pool:
            for server in pool.map(self._wait, self.servers):
                tell(f"{server.name}: SSH answers after {time.monotonic() - started:.1f} s")

    def _serve_depot(self) -> None:
        """The depot's server, where the inventory says that servers find it, if that is the deploy host."""
        url = urlsplit(self.plan.depot_url)
        own = [str(bridge.address.ip) for bridge in self.plan.spec.bridges if bridge.address is not None]
        if url.hostname not in own:
            return
        self.daemon("depot").start(
            (sys.executable, "-c", DEPOT_SERVER, str(self.depot_dir), url.hostname, str(url.port or 80)),
            network_namespace=namespace.path_of(self.namespace),
            directory=PROJECT,
        )

    def forward(self, forwards: Sequence[Forward]) -> None:
        """Carries loopback ports of the deploy host into the lab until `stop`; replaces earlier ones."""
        if not namespace.exists(self.namespace):
            raise namespace.NamespaceMissing(f"the lab {self.plan.site_name} is off: citycloud lab start")
        with self._at_work():
            daemon = self.daemon("forward")
            daemon.stop(DAEMON_STOP_SECONDS)
            for _, listener in listen(forwards):
                listener.close()  # a port that is taken is told here; the daemon's words go to a log
            words = tuple(str(forward) for forward in forwards)
            daemon.start(
                (sys.executable, "-m", "infra.hosts.forward", self.namespace, *words), directory=PROJECT
            )

    def _wait(self, server: Server) -> Server:
        target = self.target(server.name)
        namespace.run_inside(self.namespace, lambda: ssh.wait_for_ssh(target, SSH_SECONDS))
        return server

    def _stop(self, tell: Tell, deadline_seconds: float) -> None:
        for name in DAEMONS:
            self.daemon(name).stop(DAEMON_STOP_SECONDS)
        servers = self._made()
        with ThreadPoolExecutor(len(servers)) as pool:
            stops = pool.map(lambda server: server.stop(deadline_seconds), servers)
            for server, graceful in zip(servers, stops, strict=True):
                tell(f"{server.name}: {'off' if graceful else f'killed after {deadline_seconds:.0f} s'}")

    def _server_status(self, server: Server) -> ServerStatus:
        running = server.running()
        state = "running" if running else "stopped" if server.created() else "absent"
        uptime = time.time() - server.daemon.record.stat().st_mtime if running else 0.0
        memory = server.group.memory() if running else 0
        address = str(self.plan.addresses[server.name])
        return ServerStatus(server.name, address, state, server.daemon.pid, memory, uptime)

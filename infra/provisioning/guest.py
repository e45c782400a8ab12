"""The agencies' first servers, reached over SSH as their owners reach them: by floating address, with the
site's key.

A guest makes its host key at its first boot, so nobody can pin it beforehand. At first contact the key that
the guest offers is compared with what it printed on its console, which comes to us over the authenticated
API; a guest that prints none is trusted at first use, and its record says so. From then on the key is pinned
for that server id.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from infra.cloud import server as nova
from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError
from infra.cloud.reading import CloudReading
from infra.cloud.usage import read_agency_projects
from infra.errors import InfraError
from infra.hosts import ssh
from infra.hosts.keys import pin, write_whole
from infra.inventory import Inventory
from infra.settings import SitePaths

READING_SECONDS = 20.0
KEYSCAN_SECONDS = 10
LOGIN_SECONDS = 20.0
"""An emulated guest on a busy machine takes as long for a login. Who hangs up before and comes again keeps
its sshd busy with logins that nobody waits for, until it refuses all (MaxStartups)."""
CONSOLE, FIRST_USE, FORMER = "console", "first use", "its own of before"
BEGIN_KEYS, END_KEYS = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"  # cloud-init's


class GuestKeyMismatch(InfraError):
    """A guest offers another host key than it printed on its console, or offered to another worker; something
    stands between us and it.
    """

    code = "guest_key_mismatch"


@dataclass(frozen=True)
class Guest:
    """A server that the inventory asks for, as the cloud has it. `created` is when it was requested (epoch);
    `boot` names the last making of its disk, "" for the first.
    """

    agency: str
    name: str
    user: str
    id: str = ""
    state: str = "missing"
    address: str = ""
    fixed_address: str = ""
    hypervisor: str = ""
    created: float = 0.0
    boot: str = ""

    @property
    def label(self) -> str:
        return f"{self.agency}/{self.name}"


@dataclass(frozen=True)
class GuestRecord:
    """What is known of a guest that was reached: its pinned key, where that came from, and how long it took
    from the request to the first login (seconds; `watched` tells whether we tried all that time, else it is
    an upper bound). `former` are the keys that it had before its disk was made new.
    """

    host_key: str
    key_source: str
    ssh_seconds: float
    watched: bool
    boot: str = ""
    former: tuple[str, ...] = ()


class Compute(Protocol):
    """What is asked of the cloud about guests."""

    def guests(self) -> list[Guest]: ...

    def console(self, server_id: str) -> str: ...


class CloudCompute:
    """Compute of a real cloud. Missing servers come back with state `missing`."""

    def __init__(self, cloud: Cloud, inventory: Inventory) -> None:
        self._cloud = cloud
        self._inventory = inventory

    def guests(self) -> list[Guest]:
        reading = CloudReading(self._cloud, READING_SECONDS)
        agencies = {project.id: project.agency for project in read_agency_projects(reading)}
        found = {
            (agencies.get(item["tenant_id"], ""), item["name"]): item
            for item in nova.servers(self._cloud).list(all_tenants="true")
        }
        return [
            _guest(expected, found.get((expected.agency, expected.name)))
            for expected in wanted(self._inventory)
        ]

    def console(self, server_id: str) -> str:
        answer = nova.servers(self._cloud).act(server_id, {"os-getConsoleOutput": {}})
        return str(answer.get("output") or "")


def wanted(inventory: Inventory) -> list[Guest]:
    """The servers that the inventory asks for."""
    users = {image.name: image.user for image in inventory.platform.images}
    return [
        Guest(agency.code, spec.name, users[spec.image])
        for agency in inventory.agencies
        for spec in agency.servers
    ]


def _guest(expected: Guest, item: dict[str, Any] | None) -> Guest:
    if item is None:
        return expected
    floating, fixed = nova.addresses(item, "floating"), nova.addresses(item, "fixed")
    return Guest(
        expected.agency,
        expected.name,
        expected.user,
        id=item["id"],
        state=item["status"].lower(),
        address=floating[0] if floating else "",
        fixed_address=fixed[0] if fixed else "",
        hypervisor=item.get("OS-EXT-SRV-ATTR:hypervisor_hostname") or "",
        created=dt.datetime.fromisoformat(item["created"]).timestamp(),
    )


def scan_key(address: str) -> str | None:
    """The ed25519 host key that a server offers (`ssh-ed25519 AAAA...`), None while it does not answer."""
    answer = subprocess.run(
        ["ssh-keyscan", "-T", str(KEYSCAN_SECONDS), "-t", "ed25519", address],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = [line.split() for line in answer.stdout.splitlines() if line and not line.startswith("#")]
    return " ".join(lines[0][1:3]) if lines else None


def printed_keys(console: str) -> set[str]:
    """Host keys between cloud-init's marks; empty if the guest prints none."""
    keys: set[str] = set()
    inside = False
    for line in console.splitlines():
        words = line.strip().split()
        if BEGIN_KEYS in line:
            inside = True
        elif END_KEYS in line:
            inside = False
        elif inside and len(words) >= 2:
            keys.add(" ".join(words[:2]))
    return keys


def last_lines(console: str, count: int = 4) -> str:
    """The last lines that a guest printed, in one, without what only a terminal understands."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[^\S\n]|[\x00-\x09\x0b-\x1f]", " ", console)
    lines = [" ".join(line.split()) for line in plain.splitlines() if line.strip()]
    return " / ".join(lines[-count:])


Pinned = Callable[[Guest, str], str]
"""Is told a guest and the key that it offers at our first contact since its disk was made, and says which key
holds for it: another one where another worker met it before with that."""


def alone(_guest: Guest, key: str) -> str:
    """Nobody else meets guests."""
    return key


class GuestRoll:
    """The records of a site's guests, a file per server id under <site>/guests/."""

    def __init__(
        self,
        paths: SitePaths,
        compute: Compute,
        scan: Callable[[str], str | None] = scan_key,
        log_in: Callable[[ssh.Target], None] | None = None,
        clock: Callable[[], float] = time.time,
        *,
        pinned: Pinned = alone,
    ) -> None:
        self._pinned = pinned
        self._paths = paths
        self._compute = compute
        self._scan = scan
        self._log_in = log_in or _log_in
        self._clock = clock

    def record(self, guest: Guest) -> GuestRecord | None:
        """None where its disk was made new since it was reached."""
        found = self._latest(guest)
        return found if found is not None and found.boot == guest.boot else None

    def _latest(self, guest: Guest) -> GuestRecord | None:
        path = self._path(guest, "json")
        if not (guest.id and path.exists()):
            return None
        held = json.loads(path.read_text())
        return GuestRecord(**{**held, "former": tuple(held.get("former", ()))})

    def target(self, guest: Guest) -> ssh.Target:
        known_hosts = self._path(guest, "known_hosts")
        return ssh.Target(guest.label, guest.address, guest.user, self._paths.ssh_key, known_hosts)

    def reach(self, guest: Guest, *, watched: bool) -> GuestRecord | None:
        """Log in once; None while the guest does not answer yet.

        Raises GuestKeyMismatch, and HostKeyChanged for a guest that was reached before with another key.
        """
        known, before = self.record(guest), self._latest(guest)
        former = tuple(dict.fromkeys((before.host_key, *before.former))) if before and not known else ()
        key, source = (known.host_key, known.key_source) if known else self._first_key(guest, former)
        if not key:
            return None
        pin(self._path(guest, "known_hosts"), (guest.address,), key)
        try:
            self._log_in(self.target(guest))
        except (ssh.HostUnreachable, ssh.CommandTimedOut, ssh.LoginRefused):
            return None  # LoginRefused: sshd is up before the metadata's key has arrived
        if known:
            return known
        seconds = round(self._clock() - guest.created, 1)
        record = GuestRecord(key, source, seconds, watched, guest.boot, former)
        write_whole(self._path(guest, "json"), json.dumps(asdict(record)).encode(), 0o600)
        return record

    def _first_key(self, guest: Guest, former: Sequence[str]) -> tuple[str, str]:
        offered = self._scan(guest.address)
        if offered is None:
            return "", ""
        if offered in former:
            return offered, FORMER
        try:
            printed = printed_keys(self._compute.console(guest.id))
        except CloudError:
            printed = set()  # this hypervisor keeps no console log
        if printed and offered not in printed:
            raise GuestKeyMismatch(
                f"{guest.label} ({guest.address}) offers a host key that it has not printed on its console;"
                " look at `openstack console log show` and at who else uses that address"
            )
        if self._pinned(guest, offered) != offered:
            raise GuestKeyMismatch(
                f"{guest.label} ({guest.address}) offers another host key than it offered to another worker;"
                " look at who else uses that address"
            )
        return offered, CONSOLE if printed else FIRST_USE

    def _path(self, guest: Guest, kind: str) -> Path:
        return self._paths.guests / f"{guest.id}.{kind}"


def _log_in(target: ssh.Target) -> None:
    with ssh.Connection(target, deadline_seconds=LOGIN_SECONDS) as connection:
        connection.run("true", deadline_seconds=LOGIN_SECONDS)

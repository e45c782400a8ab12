"""Facts: what each server of the site is, gathered from all of them at once with one SSH command each."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from typing import Any

from infra.errors import InfraError
from infra.hosts import ssh

GATHER_SECONDS = 60.0
PARALLEL = 32  # servers asked at once; each waits for the network, not for a processor
NO_PROGRAM = 127  # a shell's status for a program that is not there


class PythonMissing(InfraError):
    """The server has no python3, which Ansible needs; install it: apt-get install python3."""

    code = "python_missing"


class FactsUnreadable(InfraError):
    """The server did not tell its facts; the message holds what it said instead."""

    code = "facts_unreadable"


@dataclass(frozen=True)
class ServerFacts:
    """What a server says of itself; see `collect_facts`.

    `clock_offset`: seconds that its clock is ahead of the deploy host's (negative: behind), 0 if the
    difference is less than the question took. `free_bytes` is where services keep their data.
    """

    hostname: str
    machine_id: str
    os_id: str
    os_version: str
    architecture: str
    cpus: int
    memory_kib: int
    free_bytes: int
    clock_offset: float
    addresses: Mapping[str, tuple[str, ...]]
    listeners: Mapping[int, tuple[str, ...]]
    resolved: Mapping[str, tuple[str, ...]]
    depot_digest: str | None
    depot_error: str
    kvm: bool
    openvswitch: bool
    devices: tuple[str, ...]

    @classmethod
    def read(cls, text: str, asked: float, answered: float) -> ServerFacts:
        """From what `collect_facts` printed between two readings of our clock. Raises FactsUnreadable."""
        try:
            told: dict[str, Any] = json.loads(text)
            return cls(
                hostname=told["hostname"],
                machine_id=told["machine_id"],
                os_id=told["os_id"],
                os_version=told["os_version"],
                architecture=told["architecture"],
                cpus=told["cpus"],
                memory_kib=told["memory_kib"],
                free_bytes=told["free_bytes"],
                clock_offset=clock_offset(told["time"], asked, answered),
                addresses={name: tuple(found) for name, found in told["addresses"].items()},
                listeners={int(port): tuple(units) for port, units in told["listeners"].items()},
                resolved={name: tuple(found) for name, found in told["resolved"].items()},
                depot_digest=told["depot"].get("sha256"),
                depot_error=told["depot"].get("error", ""),
                kvm=told["kvm"],
                openvswitch=told["openvswitch"],
                devices=tuple(told["devices"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FactsUnreadable(f"facts are not readable ({error!r}): {text[:200]}") from error


@dataclass(frozen=True)
class Question:
    """What a server must know to answer: the depot, names to resolve, City Cloud's own folders."""

    depot_url: str
    names: tuple[str, ...]
    volumes: tuple[str, ...] = ("/var/lib/nova/instances", "/var/lib/cinder", "/var/lib/glance")


def clock_offset(told: float, asked: float, answered: float) -> float:
    """How far `told` lies outside the time that the question took; 0 inside."""
    if told < asked:
        return told - asked
    return max(told - answered, 0.0)


def gather(targets: Sequence[ssh.Target], question: Question) -> dict[str, ServerFacts | InfraError]:
    """By server: its facts, or why there are none. Every server is asked, whatever the others do."""
    with ThreadPoolExecutor(min(PARALLEL, len(targets)) or 1) as pool:
        answers = pool.map(lambda target: _ask(target, question), targets)
        return dict(zip((target.name for target in targets), answers, strict=True))


def _ask(target: ssh.Target, question: Question) -> ServerFacts | InfraError:
    parameters = {"depot_url": question.depot_url, "names": question.names, "volumes": question.volumes}
    become = "" if target.user == "root" else "sudo -n "
    command = f"{become}python3 - {shlex.quote(json.dumps(parameters))}"
    try:
        with ssh.Connection(target) as connection:
            asked = time.time()
            result = connection.run(command, input_text=_script(), deadline_seconds=GATHER_SECONDS)
            answered = time.time()
        if result.status == NO_PROGRAM:
            raise PythonMissing(f"{target.name} has no python3; on it: apt-get install python3")
        if result.status != 0:
            raise FactsUnreadable(
                f"{target.name} answered with {result.status}: {result.errors.strip()[-500:]}"
            )
        return ServerFacts.read(result.output, asked, answered)
    except InfraError as error:
        return error


def _script() -> str:
    return resources.files(__package__).joinpath("collect_facts.py").read_text()

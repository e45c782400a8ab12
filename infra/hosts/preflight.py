"""Preflight: every server looked at before anything changes, and one report of all that is wrong."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.domain.host import GROUPS, Host
from infra.errors import InfraError, PreflightFailed, Problem
from infra.hosts import checks, ssh
from infra.hosts.facts import PythonMissing, Question, ServerFacts, gather
from infra.inventory import Inventory
from infra.settings import Settings

WAYS_OUT = {
    ssh.HostUnreachable: "see that the server is on, its address right and sshd running",
    ssh.HostKeyUnknown: "compare the key on the server's console, and add it to the site's known_hosts",
    ssh.HostKeyChanged: "if it was reinstalled, replace its key in the site's known_hosts",
    ssh.LoginRefused: "put the site's public key into the account's authorized_keys on the server",
    PythonMissing: "on the server: apt-get install python3",
}


@dataclass(frozen=True)
class Report:
    """`facts` of the servers that answered; `problems` of all, sorted: none, and the site may be deployed."""

    facts: Mapping[str, ServerFacts]
    problems: tuple[Problem, ...]

    def require(self) -> None:
        """Raises PreflightFailed with every problem, if there is one."""
        if self.problems:
            raise PreflightFailed(list(self.problems))


def examine(inventory: Inventory, settings: Settings) -> Report:
    """Asks all servers at once. In a lab, call it inside the lab's network (`namespace.enter`)."""
    answers = gather([target_of(inventory, settings, host) for host in inventory.hosts], _question(inventory))
    return judge(inventory, answers, _depot_digest(settings.depot_dir))


def target_of(inventory: Inventory, settings: Settings, host: Host) -> ssh.Target:
    """How to log in to a server of the site."""
    paths = settings.site(inventory.site.site_name)
    return ssh.Target(
        host.name, str(host.address), inventory.site.ansible_user, paths.ssh_key, paths.known_hosts
    )


def judge(
    inventory: Inventory, answers: Mapping[str, ServerFacts | InfraError], depot_digest: str | None
) -> Report:
    """The report on what the servers answered; `depot_digest` is that of the deploy host's manifest."""
    addresses = {host.name: host.address for host in inventory.hosts}
    facts: dict[str, ServerFacts] = {}
    problems: list[Problem] = []
    for host in inventory.hosts:
        answer = answers[host.name]
        if isinstance(answer, InfraError):
            problems.append(_silent(inventory.path, host, answer))
            continue
        facts[host.name] = answer
        subject = checks.Subject(host, inventory.site, answer, addresses, depot_digest)
        problems += [_problem(inventory.path, host, finding) for finding in checks.check(subject)]
    problems += _twins(inventory, facts)
    return Report(facts, tuple(sorted(problems)))


def key_of(host: Host, variable: str = "") -> str:
    """Where a host, or a variable of it, stands in hosts.yml: the first of its groups has its variables."""
    group = next((group for group in GROUPS if group in host.groups), GROUPS[0])
    return f"{group}.hosts.{host.name}" + (f".{variable}" if variable else "")


def _problem(path: Path, host: Host, finding: checks.Finding) -> Problem:
    return Problem(
        str(path / "hosts.yml"), key_of(host, finding.variable), finding.value, finding.why, finding.way_out
    )


def _silent(path: Path, host: Host, error: InfraError) -> Problem:
    way_out = WAYS_OUT.get(type(error), "log in to the server by hand and see what is wrong")
    return Problem(
        str(path / "hosts.yml"), key_of(host, "ansible_host"), str(host.address), str(error), way_out
    )


def _twins(inventory: Inventory, facts: Mapping[str, ServerFacts]) -> list[Problem]:
    """Two names in the inventory that lead to one server."""
    by_machine: dict[str, list[Host]] = defaultdict(list)
    for host in inventory.hosts:
        if host.name in facts and facts[host.name].machine_id:
            by_machine[facts[host.name].machine_id].append(host)
    return [
        Problem(
            str(inventory.path / "hosts.yml"),
            key_of(host, "ansible_host"),
            str(host.address),
            f"{host.name} and {hosts[0].name} are one server, or copies with the same /etc/machine-id",
            "correct the address; for a copy: rm /etc/machine-id && systemd-machine-id-setup",
        )
        for hosts in by_machine.values()
        for host in hosts[1:]
    ]


def _question(inventory: Inventory) -> Question:
    return Question(inventory.site.depot_url, tuple(host.name for host in inventory.hosts))


def _depot_digest(depot_dir: Path) -> str | None:
    try:
        return hashlib.sha256((depot_dir / "manifest.json").read_bytes()).hexdigest()
    except FileNotFoundError:
        return None

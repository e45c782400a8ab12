"""`citycloud lab`: the data center inside this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from infra import inventory as inventories
from infra.cli.output import duration, emit, inventory_option, output_option
from infra.hosts import forward as forwarding
from infra.hosts import namespace
from infra.hosts.lab import MIB, Lab, LabStatus
from infra.inventory import Inventory
from infra.settings import Settings

DASHBOARDS = (9090, 9093)  # Prometheus, Alertmanager
PORTAL = 8443  # of this machine: https://127.0.0.1:8443/
APIS = (5000, 6080, 8774, 8776, 8778, 9292, 9696)


@click.group()
def lab() -> None:
    """Make, start, stop and remove the servers of a site that stands on this machine."""


@lab.command()
@inventory_option
@output_option
def create(inventory: Path, output: str) -> None:
    """Make what is missing and switch everything on; ready when every server takes SSH."""
    _show(_lab(inventory).create(_tell), output)


@lab.command()
@inventory_option
@output_option
def start(inventory: Path, output: str) -> None:
    """Switch on what is off."""
    _show(_lab(inventory).start(_tell), output)


@lab.command()
@inventory_option
@output_option
@click.option("--now", is_flag=True, help="Pull the plug: no orderly poweroff.")
def stop(inventory: Path, output: str, now: bool) -> None:
    """Power the servers off in order; their disks stay."""
    subject = _lab(inventory)
    _show(subject.stop(_tell, deadline_seconds=0.0) if now else subject.stop(_tell), output)


@lab.command()
@inventory_option
@output_option
def destroy(inventory: Path, output: str) -> None:
    """Remove the servers with their disks, the network and everything else that `create` made."""
    subject = _lab(inventory)
    subject.destroy(_tell)
    _show(subject.status(), output)


@lab.command()
@inventory_option
@output_option
def status(inventory: Path, output: str) -> None:
    """Show what runs, and what it takes."""
    _show(_lab(inventory).status(), output)


@lab.command(context_settings={"ignore_unknown_options": True})
@inventory_option
@click.argument("server", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(inventory: Path, server: str | None, command: tuple[str, ...]) -> None:
    """Open a shell on SERVER by SSH, or run COMMAND there.

    Without SERVER: a shell on this machine inside the lab's network, from which servers, APIs and floating
    addresses are reached; with `-` as SERVER, COMMAND runs there.
    """
    subject = _lab(inventory)
    names = [known.name for known in subject.servers]
    argv: Sequence[str]
    if server is None or server == "-":
        argv = command or (os.environ.get("SHELL", "/bin/bash"),)
    elif server in names:
        argv = (*_ssh(subject, server), *command)
    else:
        raise click.BadParameter(f"the lab has no server {server}; it has {', '.join(names)}")
    namespace.enter(subject.namespace)
    sys.stdout.flush()
    os.execvp(argv[0], list(argv))  # noqa: S606


@lab.command()
@inventory_option
@output_option
@click.argument("forwards", nargs=-1, metavar="[LOCAL:ADDRESS:PORT]...")
@click.option("--background", is_flag=True, help="Return at once; it ends with `citycloud lab stop`.")
def forward(inventory: Path, output: str, forwards: tuple[str, ...], background: bool) -> None:
    """Lead loopback ports of this machine into the lab, for a browser.

    Without arguments: Prometheus, Alertmanager and the APIs, each under its own port, and the portal under
    8443.
    """
    site = inventories.load(inventory)
    subject = Lab.of(site, Settings.from_environment(os.environ))
    chosen = [_parse(word) for word in forwards] or usual_forwards(site)
    emit(
        output,
        chosen,
        lambda: "\n".join(f"127.0.0.1:{one.local} -> {one.address}:{one.port}" for one in chosen),
    )
    if background:
        subject.forward(chosen)
    else:
        forwarding.run(subject.namespace, chosen)


def usual_forwards(site: Inventory) -> list[forwarding.Forward]:
    """The dashboards of the first monitoring server, the portal if there is one, and the APIs."""
    found = [
        forwarding.Forward(port, str(host.address), port)
        for host in site.monitoring()[:1]
        for port in DASHBOARDS
    ]
    if site.portal():
        found.append(forwarding.Forward(PORTAL, str(site.site.api_address), 443))
    return found + [forwarding.Forward(port, str(site.site.api_address), port) for port in APIS]


def _parse(text: str) -> forwarding.Forward:
    try:
        return forwarding.Forward.parse(text)
    except ValueError:
        raise click.BadParameter(f"{text}: write LOCAL:ADDRESS:PORT, as in 9090:172.30.0.11:9090") from None


def _ssh(subject: Lab, server: str) -> tuple[str, ...]:
    target = subject.target(server)
    return (
        "ssh", "-i", str(target.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={target.known_hosts}", "-o", "StrictHostKeyChecking=yes",
        "-o", "ConnectTimeout=10", f"{target.user}@{target.address}",
    )  # fmt: skip


def _lab(inventory: Path) -> Lab:
    return Lab.of(inventories.load(inventory), Settings.from_environment(os.environ))


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _show(state: LabStatus, output: str) -> None:
    emit(output, state, lambda: _text(state))


def _text(state: LabStatus) -> str:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("server", "address", "state", "up", "memory", "pid"):
        table.add_column(title, justify="right" if title in ("up", "memory", "pid") else "left")
    for server in state.servers:
        on = server.state == "running"
        table.add_row(
            server.name,
            server.address,
            server.state,
            duration(server.uptime) if on else "",
            f"{server.memory / MIB:.0f} MiB" if on else "",
            str(server.pid) if on and server.pid else "",
        )
    console = Console()
    with console.capture() as captured:
        console.print(table)
    daemons = ", ".join(state.daemons) or "none"
    totals = f"network namespace {state.namespace}; memory {state.memory / MIB:.0f} MiB; daemons: {daemons}"
    return captured.get() + totals

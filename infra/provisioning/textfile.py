"""Metrics as text files for node exporters: what the deploy host knows, brought to the monitoring servers;
and what a process without a port knows, kept for the exporter of its own server.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from infra.hosts import ssh
from infra.hosts.preflight import target_of
from infra.hosts.ssh import SSHFailed
from infra.provisioning.site import SiteContext

TEXTFILE_DIR = "/var/lib/prometheus/node-exporter"
"""Where the node exporter reads metrics that others wrote; role node_exporter makes it."""


def exposition(families: Callable[[], Iterable[Metric]]) -> str:
    """The metrics in Prometheus' text form."""

    class Told:
        def collect(self) -> Iterable[Metric]:
            return families()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told())
    return generate_latest(registry).decode()


def deliver_text(site: SiteContext, name: str, text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """To every monitoring server: names of those that have it now, and why others have not."""
    reached, failures = [], {}
    for host in site.inventory.monitoring():
        target = target_of(site.inventory, site.settings, host)
        try:
            ssh.run(target, install_command(name, target.user), input_text=text)
        except SSHFailed as failed:
            failures[host.name] = str(failed)
        else:
            reached.append(host.name)
    return tuple(reached), failures


def install_command(name: str, user: str) -> str:
    """The exporter never sees half a file: it is renamed into place, and reads `*.prom` only."""
    fresh, file = (shlex.quote(f"{TEXTFILE_DIR}/{one}") for one in (f".{name}.new", name))
    return as_root(f"umask 022 && cat > {fresh} && mv -f {fresh} {file}", user)


def as_root(script: str, user: str) -> str:
    """A shell's script as the root of a server that `user` logs in to."""
    return f"sh -c {shlex.quote(script)}" if user == "root" else f"sudo -n sh -c {shlex.quote(script)}"


def keep(file: Path, text: str) -> None:
    """Write metrics of this server for its own node exporter, which never sees half a file."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(file)

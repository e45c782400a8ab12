"""Searches the journals of all servers, where they are gathered: on the first monitoring server."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Iterable
from typing import Any

from infra.domain.host import Host
from infra.domain.log import PRIORITIES, LogEntry, LogQuery
from infra.errors import InfraError, Problem, Problems
from infra.hosts import ssh
from infra.hosts.preflight import target_of
from infra.provisioning.live_site import LiveSite
from infra.provisioning.site import SiteContext
from infra.provisioning.textfile import as_root

GATHERED = "/var/log/journal/remote"
"""Folder of the gathered journals; `logs_gathered` of the role logs."""
SEARCH_SECONDS = 120.0
NOTHING_FOUND = 1  # journalctl's status when --grep matches nothing


class LogSearchFailed(InfraError):
    """The gathered journals could not be searched; the message has journalctl's own words."""

    code = "log_search_failed"


class NoLogServer(InfraError):
    """The site gathers no journals: its inventory has no server in the group `monitoring`."""

    code = "no_log_server"


class UnknownHost(Problems):
    """No server of the site has that name."""

    code = "unknown_host"


def search(site: SiteContext, query: LogQuery, agency: str = "") -> list[LogEntry]:
    """Entries, oldest first: the last `query.lines` of those that match.

    With `agency` only those that mention one of its projects or servers, which the cloud is asked for. Raises
    UnknownHost, NoLogServer, LogSearchFailed, SSHFailed, and what asking the cloud raises.
    """
    _must_be_known(query.hosts, site.inventory.hosts)
    if not site.inventory.monitoring():
        raise NoLogServer(f"{site.inventory.path}: group `monitoring` has no server that gathers journals")
    site.enter_network()
    if agency:
        query = _of_agency(LiveSite(site), query, agency)
    target = target_of(site.inventory, site.settings, site.inventory.monitoring()[0])
    addresses = {host.name: str(host.address) for host in site.inventory.hosts}
    command = shlex.join(["journalctl", *query.arguments(GATHERED, addresses)])
    with ssh.Connection(target) as connection:
        found = connection.run(as_root(command, target.user), deadline_seconds=SEARCH_SECONDS)
    words = found.errors.strip()
    if found.status not in (0, NOTHING_FOUND) or (words and not found.output):
        raise LogSearchFailed(f"{target.name}: journalctl: {words or f'ended with {found.status}'}")
    return entries(found.output)


def entries(output: str) -> list[LogEntry]:
    """journalctl's JSON lines; a line that is cut off is left out."""
    return [
        _entry(json.loads(line))
        for line in output.splitlines()
        if line.startswith("{") and line.endswith("}")
    ]


def _entry(told: dict[str, Any]) -> LogEntry:
    at = dt.datetime.fromtimestamp(int(told["__REALTIME_TIMESTAMP"]) / 1e6, dt.UTC)
    unit = told.get("_SYSTEMD_UNIT") or told.get("UNIT") or told.get("SYSLOG_IDENTIFIER") or ""
    return LogEntry(
        at=at.isoformat(timespec="milliseconds"),
        host=_text(told.get("_HOSTNAME")),
        unit=_text(unit),
        priority=_priority(told.get("PRIORITY")),
        message=_text(told.get("MESSAGE")),
    )


def _priority(told: Any) -> str:
    number = int(told) if isinstance(told, str) and told.isdigit() else 6
    return PRIORITIES[min(number, len(PRIORITIES) - 1)]


def _text(told: Any) -> str:
    """journalctl gives what is no UTF-8 as a list of bytes, and a field that stands twice as a list."""
    if isinstance(told, list):
        if all(isinstance(one, int) for one in told):
            return bytes(told).decode(errors="replace")
        return " ".join(_text(one) for one in told)
    return "" if told is None else str(told)


def _must_be_known(names: Iterable[str], hosts: Iterable[Host]) -> None:
    known = sorted(host.name for host in hosts)
    wrong = [name for name in names if name not in known]
    if wrong:
        way_out = f"one of: {', '.join(known)}"
        raise UnknownHost(
            [Problem("command line", "--host", name, "is no server of the site", way_out) for name in wrong]
        )


def _of_agency(live: LiveSite, query: LogQuery, agency: str) -> LogQuery:
    from dataclasses import replace

    servers = [server for server in live.servers() if server.project.agency == agency]
    ids = {server.id for server in servers} | {server.project.id for server in servers}
    if not ids:
        raise LogSearchFailed(
            f"agency `{agency}` has no server in the cloud, so no entry can be told to be its"
        )
    return replace(query, mentions=(*query.mentions, *sorted(ids)))

"""A site's SLA ledger from the deploy host: in its database where that can be reached, else through the
monitoring server that keeps it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from infra.domain.forecast import forecasts
from infra.domain.host import Host
from infra.domain.sla import Month
from infra.errors import InfraError
from infra.hosts import ssh
from infra.hosts.preflight import target_of
from infra.provisioning.site import SiteContext
from infra.store.capacity import CapacityBook
from infra.store.database import Database
from infra.store.ledger import Head, Ledger, LedgerMonth

PROGRAM = "/usr/local/sbin/citycloud-ledger"
"""On monitoring servers: `citycloud-sla-ledger` with the site's ledger, as the user that owns it."""
ANSWER_SECONDS = 120.0


class LedgerUnread(InfraError):
    """The monitoring server's ledger did not answer; the message says which server and why."""

    code = "ledger_unread"


class LedgerServerUnknown(InfraError):
    """The site has no monitoring server of this name; the message names those that it has."""

    code = "ledger_server_unknown"


class LedgerSource(Protocol):
    """Where a site's ledger is read."""

    def months(self, month: Month, agency: str | None) -> Mapping[str, LedgerMonth]:
        """The month of one agency and of no other, or of each that has an entry in it."""

    def verify(self, head: str) -> Mapping[str, Any]:
        """Follow the chain (through `head`, if not ""); raises where it is broken."""

    def forecasts(self) -> Sequence[Mapping[str, Any]]:
        """When resources will be used up, as `Forecast.as_data` tells it."""


@dataclass(frozen=True)
class DatabaseLedger:
    """The database itself; its password is in the environment (PGPASSWORD)."""

    url: str

    def months(self, month: Month, agency: str | None) -> Mapping[str, LedgerMonth]:
        with Database(self.url, make=False) as database:
            ledger = Ledger(database)
            codes = (agency,) if agency is not None else ledger.agencies(month)
            return {code: ledger.month(month, code) for code in codes}

    def verify(self, head: str) -> Mapping[str, Any]:
        known = Head.parse(head) if head else None
        with Database(self.url, make=False) as database:
            ledger = Ledger(database)
            found, days = ledger.verify(known), ledger.days()
        first, last = (str(days[0]), str(days[-1])) if days else (None, None)
        return {"head": str(found), "days": len(days), "first": first, "last": last}

    def forecasts(self) -> Sequence[Mapping[str, Any]]:
        with Database(self.url, make=False) as database:
            return [one.as_data() for one in forecasts(CapacityBook(database).read())]


@dataclass(frozen=True)
class ServerLedger:
    """The ledger of a monitoring server, asked over SSH."""

    site: SiteContext
    host: Host

    def months(self, month: Month, agency: str | None) -> Mapping[str, LedgerMonth]:
        answer = self._ask("month", "--month", str(month), *(("--agency", agency) if agency else ()))
        return {code: LedgerMonth.from_data(told) for code, told in answer.items()}

    def verify(self, head: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._ask("verify", *(("--head", head) if head else ()))
        return answer

    def forecasts(self) -> Sequence[Mapping[str, Any]]:
        answer: Sequence[Mapping[str, Any]] = self._ask("forecast")
        return answer

    def _ask(self, *arguments: str) -> Any:
        target = target_of(self.site.inventory, self.site.settings, self.host)
        command = shlex.join([*(() if target.user == "root" else ("sudo", "-n")), PROGRAM, *arguments])
        try:
            result = ssh.run(target, command, deadline_seconds=ANSWER_SECONDS)
            return json.loads(result.output)
        except (ssh.SSHFailed, ValueError) as failed:
            raise LedgerUnread(f"the ledger on {self.host.name} did not answer: {failed}") from failed


def ledger_of(site: SiteContext, server: str = "") -> ServerLedger:
    """The ledger of the site's first monitoring server, or of the one named `server`.

    Raises LedgerServerUnknown. In a lab the calling thread moves into the lab's network.
    """
    hosts = {host.name: host for host in site.inventory.monitoring()}
    if server and server not in hosts:
        known = ", ".join(sorted(hosts))
        raise LedgerServerUnknown(f"{server} is no monitoring server of the site; give one of {known}")
    site.enter_network()
    return ServerLedger(site, hosts[server] if server else next(iter(hosts.values())))

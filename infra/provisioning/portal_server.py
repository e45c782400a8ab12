"""The portal's server, asked over SSH by its own commands; and what an agency has there."""

from __future__ import annotations

import json
import shlex
from typing import Any

from infra.domain.estate import Estate
from infra.errors import InfraError
from infra.hosts import ssh
from infra.hosts.preflight import target_of
from infra.provisioning.site import SiteContext

PROGRAM = "/usr/local/sbin/citycloud-portal"
"""On the portal's servers: `citycloud portal` with its settings and secrets, as the user that owns them."""
ANSWER_SECONDS = 60.0
CLOSING_SECONDS = 300.0
"""Longer than a closing waits for a worker that is at work for the agency."""


class PortalUnread(InfraError):
    """The portal's server did not do what it was asked; the message says which server and why."""

    code = "portal_unread"


def ask(site: SiteContext, *words: str, seconds: float = ANSWER_SECONDS) -> Any:
    """What a command of the portal answers, as JSON. The site has a portal, and the lab's network must have
    been entered. Raises PortalUnread.
    """
    host = site.inventory.portal()[0]
    target = target_of(site.inventory, site.settings, host)
    command = shlex.join([*(() if target.user == "root" else ("sudo", "-n")), PROGRAM, *words])
    try:
        return json.loads(ssh.run(target, command, deadline_seconds=seconds).output)
    except (ssh.SSHFailed, ValueError) as failed:
        raise PortalUnread(f"the portal on {host.name} did not answer: {failed}") from failed


class PortalServer:
    """`infra.provisioning.offboarding_work.Portal` of a site."""

    def __init__(self, site: SiteContext) -> None:
        self._site = site

    def read(self, agency: str) -> Estate:
        return self._close(agency, "--check")

    def close(self, agency: str) -> None:
        self._close(agency, "--access")

    def end(self, agency: str) -> None:
        self._close(agency)

    def reopen(self, agency: str) -> None:
        ask(self._site, "reopen", agency, "--output", "json")

    def _close(self, agency: str, *how: str) -> Estate:
        told = ask(self._site, "close", agency, *how, "--output", "json", seconds=CLOSING_SECONDS)
        try:
            return Estate.from_data(told)
        except (KeyError, ValueError, TypeError) as odd:
            raise PortalUnread(f"the portal's answer about {agency} cannot be understood: {odd!r}") from odd

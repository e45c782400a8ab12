"""Alerting: who is told of alerts, and by which mail server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TEAMS = ("cloud-operations", "capacity-planning", "agency-relations")
"""Owners of alerts, as `owner` in monitoring/rules names them; the first gets what has no team of its own."""


@dataclass(frozen=True)
class Alerting:
    """How a site's alerts reach people by e-mail.

    `smarthost` is `name:port` of the city's mail server: port 465 speaks TLS from the start, every other must
    offer STARTTLS. Its account, if it wants one, is in the site's secrets (alert_smtp_username,
    alert_smtp_password). `on_call` gets pages, `teams` notices by owner, `hotline` is the telephone number
    that agencies read in their mails.
    """

    smarthost: str
    sender: str
    on_call: tuple[str, ...]
    hotline: str
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

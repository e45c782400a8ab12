"""A site's maintenance windows and what its Alertmanager has of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from infra.domain.maintenance import MaintenanceWindow
from infra.provisioning.silences import Applied, HttpAlertmanager, apply, digest_of, standing
from infra.provisioning.site import SiteContext

State = Literal["ended", "missing", "stale", "pending", "active"]
"""Of a window that has not ended: no silence, one of another time or reach, one that waits, one in force."""


@dataclass(frozen=True)
class WindowState:
    window: MaintenanceWindow
    state: State


def apply_windows(site: SiteContext, now: dt.datetime) -> Applied:
    """Raises MonitoringUnreachable, SilenceRefused."""
    return apply(_alertmanager(site), site.inventory.maintenance, now)


def read_states(site: SiteContext, now: dt.datetime) -> list[WindowState]:
    """In the order in which they begin. Raises MonitoringUnreachable."""
    ours = {one.window: one for one in standing(_alertmanager(site))}
    found = []
    for window in sorted(site.inventory.maintenance, key=lambda one: (one.interval, one.id)):
        silence = ours.get(window.id)
        state: State = "ended"
        if window.ends > now:
            if silence is None:
                state = "missing"
            elif silence.digest != digest_of(window):
                state = "stale"
            else:
                state = "active" if silence.state == "active" else "pending"
        found.append(WindowState(window, state))
    return found


def _alertmanager(site: SiteContext) -> HttpAlertmanager:
    site.enter_network()
    return HttpAlertmanager([str(host.address) for host in site.inventory.monitoring()])

"""Maintenance windows as Alertmanager's silences: made and removed until they are what the file says.

Each silence of ours carries a mark (its author) and its window's id and digest (its comment); those that
people made are never touched. A window that lies ahead is a silence that waits: nothing has to run when it
begins.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from infra.domain.maintenance import MaintenanceWindow
from infra.errors import InfraError
from infra.provisioning.prometheus import ALERTMANAGER_PORT, MonitoringUnreachable

MARK = "citycloud-maintenance"
CALL_SECONDS = 10.0
_COMMENT = re.compile(r"^maintenance (\S+) \[([0-9a-f]{12})\]")


class SilenceRefused(InfraError):
    """Alertmanager refused a silence; the message has its own words."""

    code = "silence_refused"


@dataclass(frozen=True)
class Silence:
    """A silence of ours as Alertmanager has it; `state` is active or pending."""

    id: str
    window: str
    digest: str
    state: str


@dataclass(frozen=True)
class Applied:
    """What was done, as ids of windows."""

    made: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        return len(self.made) + len(self.removed)


class Alertmanager(Protocol):
    """What is needed of an Alertmanager."""

    def silences(self) -> list[dict[str, Any]]: ...

    def create(self, silence: dict[str, Any]) -> str: ...

    def expire(self, silence_id: str) -> None: ...


class HttpAlertmanager:
    """The first of several that answers; members of a cluster tell each other of silences."""

    def __init__(self, addresses: Sequence[str], port: int = ALERTMANAGER_PORT) -> None:
        self._bases = [f"http://{address}:{port}/api/v2" for address in addresses]

    def silences(self) -> list[dict[str, Any]]:
        found = self._ask("GET", "/silences").json()
        return list(found)

    def create(self, silence: dict[str, Any]) -> str:
        return str(self._ask("POST", "/silences", silence).json()["silenceID"])

    def expire(self, silence_id: str) -> None:
        self._ask("DELETE", f"/silence/{silence_id}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        last: Exception | None = None
        for base in list(self._bases):
            try:
                # trust_env=False: the management network, whatever proxy the deploy host has
                with httpx.Client(timeout=CALL_SECONDS, trust_env=False) as client:
                    answer = client.request(method, base + path, json=body)
            except httpx.TransportError as error:
                last = error
                continue
            self._bases = [base]  # what was read must be of the one that is written to
            if answer.is_error:
                raise SilenceRefused(f"{base}{path}: {answer.status_code}: {answer.text.strip()[:500]}")
            return answer
        where = ", ".join(self._bases) or "no address"
        raise MonitoringUnreachable(f"no Alertmanager answers ({where}): {last}") from last


def apply(alertmanager: Alertmanager, windows: Iterable[MaintenanceWindow], now: dt.datetime) -> Applied:
    """Silences for the windows that have not ended, and no other of ours. Again: nothing is changed.

    The new silence stands before the old one goes, so that no alert slips out between them.
    """
    wanted = {window.id: window for window in windows if window.ends > now}
    ours = standing(alertmanager)
    kept = {
        one.window for one in ours if one.window in wanted and one.digest == digest_of(wanted[one.window])
    }
    made = sorted(wanted.keys() - kept)
    for window in made:
        alertmanager.create(silence_of(wanted[window], now))
    removed, seen = [], set()
    for one in ours:
        current = (
            one.window in kept and one.digest == digest_of(wanted[one.window]) and one.window not in seen
        )
        seen.add(one.window) if current else None
        if not current:
            alertmanager.expire(one.id)
            removed.append(one.window)
    return Applied(tuple(made), tuple(sorted(removed)), tuple(sorted(kept)))


def standing(alertmanager: Alertmanager) -> list[Silence]:
    """Silences of ours that are in force or wait."""
    found = []
    for told in alertmanager.silences():
        match = _COMMENT.match(told["comment"])
        if told["createdBy"] == MARK and told["status"]["state"] != "expired":
            window, digest = match.groups() if match else ("", "")
            found.append(Silence(told["id"], window, digest, told["status"]["state"]))
    return found


def silence_of(window: MaintenanceWindow, now: dt.datetime) -> dict[str, Any]:
    """As Alertmanager's API takes it. A beginning that has passed is now: the past cannot be silenced."""
    return {
        "matchers": matchers_of(window),
        "startsAt": max(window.starts, now).astimezone(dt.UTC).isoformat(),
        "endsAt": window.ends.astimezone(dt.UTC).isoformat(),
        "createdBy": MARK,
        "comment": f"maintenance {window.id} [{digest_of(window)}] {window.reason_en} / {window.reason_vi}",
    }


def matchers_of(window: MaintenanceWindow) -> list[dict[str, Any]]:
    """Alerts that carry an agency: the window is agreed with agencies, and operators who work in it want to
    see what happens to the platform.
    """
    agencies = _any_of(window.agencies) if window.agencies else ".+"
    found = [_matcher("agency", agencies)]
    if window.workloads:
        found.append(_matcher("server", _any_of(window.workloads)))
    return found


def digest_of(window: MaintenanceWindow) -> str:
    told = [
        *map(str, window.interval),
        *(json.dumps(one) for one in matchers_of(window)),
        window.reason_en,
        window.reason_vi,
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names))


def _matcher(name: str, pattern: str) -> dict[str, Any]:
    """Alertmanager anchors the expression itself."""
    return {"name": name, "value": pattern, "isRegex": True, "isEqual": True}

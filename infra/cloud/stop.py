"""Who stopped a server, by nova's instance actions: its agency, the platform, or nobody who asked nova."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.errors import CloudError, NotFound
from infra.cloud.reading import Reading

AGENCY, PLATFORM, NOBODY, UNKNOWN = "agency", "platform", "nobody", "unknown"
# The states of a server that does not run -> the actions that lead there.
STOPPING: Mapping[str, frozenset[str]] = {
    "shutoff": frozenset({"stop"}),
    "paused": frozenset({"pause"}),
    "suspended": frozenset({"suspend"}),
    "shelved": frozenset({"shelve"}),
    "shelved_offloaded": frozenset({"shelve", "shelveOffload"}),
    "rescue": frozenset({"rescue"}),
    "soft_deleted": frozenset({"delete"}),
}
_ALL_STOPPING = frozenset().union(*STOPPING.values())
_STARTING = frozenset({"create", "start", "reboot", "resume", "unpause", "unshelve", "unrescue", "restore"})


@dataclass(frozen=True)
class Stopped:
    """A server that does not run; `updated` is when nova last changed it, in nova's own words."""

    id: str
    state: str
    project: str
    agency: str
    updated: str


@dataclass
class Stops:
    """Reads instance actions of servers that do not run, each again only after nova changed the server.

    Kept between laps. An action by a user of the agency's own domain in its own project is the agency's; one
    by anybody else is the platform's. Where the last action started the server, or nova itself noted the
    stop, it was found off: nobody asked for it.
    """

    _known: dict[str, tuple[Stopped, str]] = field(default_factory=dict)
    _agencies: dict[str, str] = field(default_factory=dict)

    def read(self, reading: Reading, servers: Iterable[Stopped]) -> dict[str, str]:
        """Who stopped each server, by its id. One call for each server that is new here; what cannot be read
        is `unknown` and is asked again."""
        wanted = {server.id: server for server in servers}
        for gone in self._known.keys() - wanted.keys():
            del self._known[gone]
        fresh = [server for server in wanted.values() if self._known.get(server.id, (None,))[0] != server]
        found = dict(zip((one.id for one in fresh), reading.each(self._asker(reading), fresh), strict=True))
        for server in fresh:
            if found[server.id] != UNKNOWN:
                self._known[server.id] = (server, found[server.id])
        return {server: found.get(server) or self._known.get(server, (None, UNKNOWN))[1] for server in wanted}

    def _asker(self, reading: Reading) -> Any:
        def ask(server: Stopped) -> str:
            try:
                body = reading.get("compute", f"/servers/{server.id}/os-instance-actions")
                action = _last(body["instanceActions"], STOPPING[server.state])
                return self._whose(reading, server, action) if action else NOBODY
            except CloudError:
                return UNKNOWN

        return ask

    def _whose(self, reading: Reading, server: Stopped, action: Mapping[str, Any]) -> str:
        user = action.get("user_id")
        if not user:
            return NOBODY
        if action.get("project_id") != server.project:
            return PLATFORM
        return AGENCY if self._agency_of(reading, str(user), server.agency) == server.agency else PLATFORM

    def _agency_of(self, reading: Reading, user: str, otherwise: str) -> str:
        """The name of the user's domain; `otherwise` for one that is gone, who had a role in the project."""
        if user not in self._agencies:
            try:
                domain = reading.get("identity", f"/users/{user}")["user"]["domain_id"]
                self._agencies[user] = str(reading.get("identity", f"/domains/{domain}")["domain"]["name"])
            except NotFound:
                return otherwise
        return self._agencies[user]


def _last(actions: Iterable[Mapping[str, Any]], stopping: frozenset[str]) -> Mapping[str, Any] | None:
    """The action that brought a server into its state, None when a later one brought it out again."""
    told = [
        one for one in actions if one["action"] in _ALL_STOPPING | _STARTING and one.get("message") != "Error"
    ]
    latest = max(told, key=lambda one: str(one.get("start_time")), default=None)
    return latest if latest is not None and latest["action"] in stopping else None

"""Taking something off a server, which may be busy with something else."""

from __future__ import annotations

from collections.abc import Callable

from infra.cloud.errors import Conflict
from infra.cloud.server import servers
from infra.provider.resource import Context

_REFUSALS = 2


class Detaching:
    """Asks as often as it takes while the server is busy. Nova's refusal counts when the server is not: once
    may be a race, more is a reason."""

    def __init__(self, context: Context, server_id: str) -> None:
        self._context = context
        self._server_id = server_id
        self._refused = 0

    def ask(self, request: Callable[[], None]) -> None:
        """Send the request; raises Conflict when Nova does not want to hear of it."""
        try:
            request()
        except Conflict:
            server = servers(self._context.cloud).find(self._server_id) or {}
            self._refused += not server.get("OS-EXT-STS:task_state")
            if self._refused > _REFUSALS:
                raise
        else:
            self._refused = 0

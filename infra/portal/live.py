"""A request's progress as it happens: server-sent events, `progress` at each change and `end` after the last.

The data of `progress` is JSON: `version` and `state` of the request, and `name` and `state` of each of its
steps. The stream ends by itself after some minutes; open it again. A comment comes while nothing changes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import anyio
from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.responses import StreamingResponse

from infra.domain.person import Person
from infra.errors import InfraError
from infra.portal import interface
from infra.portal.wiring import Wiring

LOOK_SECONDS = 1.0
LOOKS = 300
"""Then the stream ends; the browser opens another and proves again who it is."""
STILL_EVERY = 30
BEAT_EVERY = 15
"""Looks without a change after which a comment is sent, so that no proxy thinks the stream is dead."""
EXAMPLE = (
    'event: progress\nretry: 5000\ndata: {"version": 2, "state": "approved", "steps": [{"name": "submitted",'
    ' "state": "done"}]}\n\nevent: end\ndata: {}\n\n'
)
EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["progress", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer", "description": "Milliseconds before a stream is opened again."},
    },
}
DOCUMENTED = {"text/event-stream": {"schema": EVENT, "example": EXAMPLE}}
"""The stream in the OpenAPI document; the schema is that of one event."""
FINAL = {"returned", "rejected", "withdrawn", "fulfilled"}


def stream(
    request: Request, wired: Wiring, person: Person, id: str, still: Callable[[], bool]
) -> StreamingResponse:
    """Raises TooMany. `still` says whether who opened it may go on reading."""
    wired.rates.check_stream(person.id)

    async def told() -> AsyncIterator[str]:
        with wired.rates.stream(person.id):
            before, quiet = "", 0
            for look in range(1, LOOKS + 1):
                try:
                    if look % STILL_EVERY == 0 and not await run_sync(still):
                        return
                    found = await run_sync(wired.services.request, person, id)
                except InfraError:
                    return
                now = _progress(found)
                quiet = quiet + 1 if now == before else 0
                if now != before:
                    yield f"event: progress\nretry: 5000\ndata: {now}\n\n"
                elif quiet % BEAT_EVERY == 0:
                    yield ": still here\n\n"
                before = now
                if found.summary.state in FINAL:
                    yield "event: end\ndata: {}\n\n"
                    return
                await anyio.sleep(LOOK_SECONDS)

    return StreamingResponse(told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _progress(found: interface.Request) -> str:
    steps = [{"name": one.name, "state": one.state.value} for one in found.steps]
    return json.dumps({"version": found.version, "state": found.summary.state, "steps": steps})

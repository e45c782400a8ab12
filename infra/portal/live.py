"""Progress as it happens: server-sent events, `progress` at each change and `end` after the last.

The data of `progress` is JSON: `version` and `state` of the request or deployment, and `name` and `state` of
each of its steps. The stream ends by itself after some minutes; open it again. A comment comes while nothing
changes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import anyio
from anyio.to_thread import run_sync
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


@dataclass(frozen=True)
class Progress:
    """`told` is what stands now, as JSON: a page has it too, and is made anew when another is told. `over` is
    whether nothing more will come.
    """

    told: str
    over: bool


def stream(
    wired: Wiring, person: Person, look: Callable[[], Progress], still: Callable[[], bool]
) -> StreamingResponse:
    """Raises TooMany. `still` says whether who opened it may go on reading."""
    wired.rates.check_stream(person.id)

    async def told() -> AsyncIterator[str]:
        with wired.rates.stream(person.id):
            before, quiet = "", 0
            for number in range(1, LOOKS + 1):
                try:
                    if number % STILL_EVERY == 0 and not await run_sync(still):
                        return
                    found = await run_sync(look)
                except InfraError:
                    return
                now = found.told
                quiet = quiet + 1 if now == before else 0
                if now != before:
                    yield f"event: progress\nretry: 5000\ndata: {now}\n\n"
                elif quiet % BEAT_EVERY == 0:
                    yield ": still here\n\n"
                before = now
                if found.over:
                    yield "event: end\ndata: {}\n\n"
                    return
                await anyio.sleep(LOOK_SECONDS)

    return StreamingResponse(told(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def of_request(found: interface.Request) -> Progress:
    steps = [{"name": one.name, "state": one.state.value} for one in found.steps]
    return _progress(found.version, found.summary.state, steps, over=found.summary.state in FINAL)


def of_deployment(found: interface.Deployment) -> Progress:
    """Of the last time that its disk was to be made new, and of its snapshots that are being made."""
    rebuild, snapshots = found.upkeep.rebuild, found.upkeep.snapshots
    phases = rebuild.phases if rebuild else ()
    steps = [{"name": one.label.en, "state": one.state} for one in phases]
    steps += [{"name": one.name, "state": one.state} for one in snapshots]
    return _progress(
        found.version, rebuild.state if rebuild else "", steps, over=not found.upkeep.under_way
    )  # fmt: skip


def _progress(version: int, state: str, steps: list[dict[str, str]], *, over: bool) -> Progress:
    return Progress(json.dumps({"version": version, "state": state, "steps": steps}), over)

"""After a create whose answer was lost: what it made, if the service heard it."""

from __future__ import annotations

from collections.abc import Callable

from infra.cloud.collection import Thing
from infra.provider.resource import Context

_LOOKS = 4
_PAUSE = 1.0  # seconds: a service that we gave up on may still be at it


def made_all_the_same(context: Context, look: Callable[[], Thing | None]) -> Thing | None:
    """What `look` finds, looked for a few times; None when nothing came."""
    for looked in range(_LOOKS):
        if looked:
            context.deadline.pause(_PAUSE)
        found = look()
        if found is not None:
            return found
    return None

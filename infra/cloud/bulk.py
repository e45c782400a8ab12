"""Creates of one kind that come while others are under way go to the service together, as one bulk request.

Neutron takes a list of things wherever it takes one, and does all of it or nothing; one request for ten rules
costs it a good deal less than ten requests. Nobody waits for company: a create goes out at once while fewer
than `AT_ONCE` requests of its kind are under way, and those that come meanwhile share the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.errors import CloudError, Conflict, NotFound, Refused

Thing = dict[str, Any]
Single = Callable[[Thing], Thing]
Several = Callable[[Sequence[Thing]], Sequence[Thing]]
AT_ONCE = 2
"""Requests of one kind under way at a time: as many as the usual service has processes."""
LARGEST = 30
"""Things in one request: its answer must come well before anybody's patience ends."""


@dataclass
class _Wish:
    """One thing to create. `ready` is set when it was sent, or when it is to send a `batch` that begins with
    itself. After that it is `made` or `failed`, or neither if its bulk request was refused.
    """

    values: Thing
    batch: list[_Wish] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    made: Thing | None = None
    failed: CloudError | None = None


class Creates:
    """Creates of one kind: `single` makes one thing, `several` many at once, in their order, all or none."""

    def __init__(self, single: Single, several: Several) -> None:
        self._single = single
        self._several = several
        self._lock = threading.Lock()
        self._waiting: list[_Wish] = []
        self._under_way = 0

    def create(self, values: Thing) -> Thing:
        """The new thing; raises what the service says of it."""
        wish = _Wish(values)
        with self._lock:
            at_once = self._under_way < AT_ONCE
            if at_once:
                self._under_way += 1
            else:
                self._waiting.append(wish)
        if at_once:
            self._send([wish])
        else:
            wish.ready.wait()
            if wish.batch:
                self._send(wish.batch)
        if wish.failed is not None:
            raise type(wish.failed)(str(wish.failed))
        return wish.made if wish.made is not None else self._single(values)

    def _send(self, batch: list[_Wish]) -> None:
        try:
            if len(batch) > 1:
                made = self._several([wish.values for wish in batch])
            else:
                made = [self._single(batch[0].values)]
            for wish, thing in zip(batch, made, strict=True):
                wish.made = thing
        except CloudError as failed:
            # A refusal of many says nothing of each: everybody asks alone. Of anything else (an answer that
            # was lost) everybody hears, and looks whether its own thing was made.
            if len(batch) == 1 or not isinstance(failed, Refused | Conflict | NotFound):
                for wish in batch:
                    wish.failed = failed
        finally:
            for wish in batch:
                wish.ready.set()
            self._hand_on()

    def _hand_on(self) -> None:
        """Give the place to those who wait: the first of them sends for all."""
        with self._lock:
            if not self._waiting:
                self._under_way -= 1
                return
            batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
        batch[0].batch = batch
        batch[0].ready.set()

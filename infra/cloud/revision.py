"""Changes to a list inside a thing that several writers share: a router's routes, a port's security groups.

Neutron takes such a list as a whole, so that a writer has to read it, change it and write it back. Writers
of this process take turns; against others Neutron is told which revision was read (`If-Match`), and refuses
a change of any other.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.errors import Conflict, Refused

_TRIES = 20
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
_turns_lock = threading.Lock()


def amend(
    collection: Collection,
    identity: str,
    attribute: str,
    change: Callable[[list[Any]], list[Any]],
    pause: Callable[[float], None] = time.sleep,
) -> Thing:
    """The thing after `change` was made to its list `attribute`; nothing is sent if that changes nothing.

    `change` may be called several times and must not change its argument. Raises NotFound where the thing is
    gone, and Conflict if others change it faster than we can.
    """
    with _turns_lock:
        turn = _turns[identity]
    with turn:
        for attempt in range(1, _TRIES + 1):
            thing = collection.get(identity)
            before = list(thing.get(attribute) or [])
            after = change(before)
            if after == before:
                return thing
            try:
                return _change(collection, thing, {attribute: after})
            except Refused as refused:
                if not _moved_on(refused):
                    raise
            pause(random.uniform(0.0, 0.1 * attempt))  # noqa: S311  (spreads writers, keeps no secret)
    raise Conflict(
        f"{collection.singular} {identity} was changed by somebody else each of the {_TRIES} times that its "
        f"{attribute} were to be changed; try again when fewer write to it"
    )


def _change(collection: Collection, thing: Thing, values: Thing) -> Thing:
    path, revision = f"{collection.path}/{thing['id']}", thing.get("revision_number")
    headers = None if revision is None else {"If-Match": f"revision_number={revision}"}
    body = collection.service.request("PUT", path, json={collection.singular: values}, headers=headers)
    return dict(body[collection.singular])


def _moved_on(refused: Refused) -> bool:
    """Whether the thing is of another revision by now: 412, which Refused does not name."""
    return ": 412 " in str(refused)

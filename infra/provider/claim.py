"""Which resource of this process a thing belongs to, for things in which Neutron keeps no mark.

Such a thing is found again by what it is (a rule for the same traffic, a route to the same place). That must
not make two resources of a program share one: whoever deletes its own would delete the other's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, NotFound, Refused, Unavailable
from infra.provider.resource import Context, NotOurs

_owners: dict[str, str] = {}
_lock = threading.Lock()


def claim(identity: str, mark: str, what: str) -> None:
    """This thing belongs to the resource with this mark; raises NotOurs if it belongs to another one."""
    with _lock:
        owner = _owners.setdefault(identity, mark)
    if owner != mark:
        raise NotOurs(
            f"{what} is there already (id {identity}) and belongs to another resource of this run: remove "
            "one of the two from the program"
        )


def release(identity: str) -> None:
    """This thing is gone."""
    with _lock:
        _owners.pop(identity, None)


def made_or_found(
    context: Context, what: str, make: Callable[[], Thing], find: Callable[[], Thing | None]
) -> Thing:
    """What `make` makes; where it is refused, or its answer lost, what `find` finds. Claimed for the
    context's mark."""
    try:
        thing = make()
    except (Conflict, NotFound, Refused, Unavailable):
        found = find()
        if found is None:
            raise
        thing = found
    claim(str(thing["id"]), context.mark, what)
    return thing

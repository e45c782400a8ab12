"""What a fake cloud holds, in a form that is the same for two clouds in which the same was made."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from tests.fakes.openstack import FakeOpenStack

_CHANCE = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|pulumi:[0-9a-f]{24}")
_ADDRESSES = re.compile(r"fa:16:3e[0-9a-f:]+|\b(?:\d{1,3}\.){3}\d{1,3}\b(?!/)")


def content(fake: FakeOpenStack) -> Counter[str]:
    """Everything, with ids put as the names of what they stand for; chosen addresses do not count."""
    named = {
        str(identity): f"<{kind} {thing.get('name', '')}>"
        for kind, held in fake.things.items()
        for identity, thing in held.items()
    }
    found: Counter[str] = Counter()
    for kind, held in fake.things.items():
        for thing in held.values():
            found[f"{kind} {_settled(thing, named)}"] += 1
    for other in (fake.assignments, fake.quotas, fake.keypairs):
        found.update(_settled(one, named) for one in other)
    return found


def _settled(thing: Any, named: dict[str, str]) -> str:
    text = json.dumps(thing, sort_keys=True, default=str)
    text = _CHANCE.sub(lambda found: named.get(found.group(), "<id>"), text)
    return _ADDRESSES.sub("<address>", text)

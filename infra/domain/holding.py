"""What an agency holds in the cloud, thing by thing, as it is counted, confirmed and proved gone."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

GIB = 1024**3


@dataclass(frozen=True, order=True)
class Holding:
    """One thing. `kind` is a word of `infra.cloud.holding` (`server`, `floating IP`), `id` the cloud's own
    id, or for what has none the parts that name it, with slashes (`role/holder/scope`).

    `bytes` is the size of its disk or data, 0 for what has none; `told` is all that the API said of it. Two
    holdings are equal when kind, id, name and size are: what changes by itself (states, times) does not
    count.
    """

    kind: str
    id: str
    name: str = ""
    bytes: int = 0
    told: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False, repr=False)


@dataclass(frozen=True)
class Holdings:
    """Everything of one agency at one moment. `looked_through` says how many things of each kind the cloud
    showed, whosever: that none of them is the agency's counts only where the kind was read at all.
    """

    things: tuple[Holding, ...] = ()
    looked_through: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Holding]:
        return iter(self.things)

    def __len__(self) -> int:
        return len(self.things)

    def of(self, *kinds: str) -> list[Holding]:
        """The things of these kinds, in the order of the reading."""
        return [thing for thing in self.things if thing.kind in kinds]

    def counts(self) -> dict[str, int]:
        """Kind -> how many, for the kinds of which there is one."""
        return dict(sorted(Counter(thing.kind for thing in self.things).items()))

    def ids(self, *kinds: str) -> set[str]:
        return {thing.id for thing in self.of(*kinds)}

    def digest(self) -> str:
        """SHA-256 over kind, id, name and size of every thing: what a second person confirms."""
        return digest_of([[one.kind, one.id, one.name, one.bytes] for one in sorted(self.things)])

    def beyond(self, confirmed: Iterable[Holding]) -> list[Holding]:
        """What is here and was not among `confirmed`."""
        known = set(confirmed)
        return [thing for thing in self.things if thing not in known]


def digest_of(value: Any) -> str:
    """SHA-256 of a plain value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: the same value always makes the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

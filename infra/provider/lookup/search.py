"""Functions that search one collection of the cloud: for one thing, or for the ids of many."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.cloud.collection import Collection
from infra.cloud.connection import Cloud
from infra.provider.lookup.function import Answer, Function, Given, Thing, fitting, only, shown
from infra.provider.property import Property

SORTING = (
    Property("sortKey", kept=True),
    Property("sortDirection", kept=True, rule=lambda value: one_of("asc", "desc")(value.lower())),
)
"""The arguments by which a search for many ids is put in order."""


def one_of(*values: str) -> Callable[[str], str | None]:
    """The rule that a value is one of these."""
    return lambda value: None if value in values else f"must be one of {', '.join(values)}, not {value!r}"


def ip_version(value: int) -> str | None:
    """The rule for `ipVersion`."""
    return None if value in (4, 6) else f"must be 4 or 6, not {value}"


def pattern(value: str) -> str | None:
    """The rule for a regular expression."""
    try:
        re.compile(value)
    except re.error as wrong:
        return f"is not a regular expression: {wrong}"
    return None


def candidates(collection: Collection, properties: tuple[Property, ...], given: Given) -> list[Thing]:
    """The things of a collection as the arguments say. The service filters by those that every service
    understands, the rest is looked at here; when nothing fits, a listing that reads share is not believed."""
    plain = {"id", "name", "network_id", "port_id", "device_id", "domain_id", "project_id", "tenant_id"}
    filters: dict[str, Any] = {
        item.key: given[item.name]
        for item in properties
        if item.name in given and item.key in plain and not item.kept
    }
    found = fitting(properties, collection.look_where(**filters), given)
    return found or fitting(properties, collection.list(**filters), given)


def one(
    token: str,
    noun: str,
    collection: Callable[[Cloud], Collection],
    properties: tuple[Property, ...],
    *,
    refine: Callable[[Cloud, list[Thing], Given], list[Thing]] | None = None,
    beside: Callable[[Cloud, Thing], Answer] | None = None,
) -> Function:
    """A function that answers the one thing that fits. `refine` knows the arguments that are no attributes,
    `beside` the answers that are none."""

    def find(cloud: Cloud, given: Given) -> Answer:
        things = candidates(collection(cloud), properties, given)
        thing = only(noun, refine(cloud, things, given) if refine else things, given)
        return {**shown(properties, thing), **(beside(cloud, thing) if beside else {})}

    return Function(token, properties, find)


def named_like(things: list[Thing], given: Given) -> list[Thing]:
    """Those whose name the argument `nameRegex` finds; a thing without a name is never found."""
    if "nameRegex" not in given:
        return things
    wanted = re.compile(given["nameRegex"])
    return [thing for thing in things if thing.get("name") and wanted.search(thing["name"])]


def in_order(things: list[Thing], given: Given) -> list[Thing]:
    """By the attribute `sortKey`, as it stands in the cloud's own answer; as the cloud lists them without."""
    key = given.get("sortKey")
    if not key:
        return things
    down = str(given.get("sortDirection", "")).lower() == "desc"
    held = [thing for thing in things if thing.get(key) is not None]
    bare = [thing for thing in things if thing.get(key) is None]
    return [*sorted(held, key=lambda thing: _rank(thing[key]), reverse=down), *bare]


def _rank(value: Any) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def ids_of(things: list[Thing], between: str = ",") -> Answer:
    """`ids`, and the `id` that the official provider makes of them."""
    ids = [str(thing["id"]) for thing in things]
    return {"ids": ids, "id": checksum(between.join(ids))}


def checksum(text: str) -> str:
    """The official provider's id of an answer that has none: a CRC-32 in decimal."""
    return str(zlib.crc32(text.encode()))


def moment(value: Any) -> datetime | None:
    """A time as one of the services writes it, None when there is none; without a zone it is UTC."""
    if not value:
        return None
    found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rfc3339(value: Any) -> str:
    """A time as the official provider writes most of them (2026-01-31T08:00:00Z)."""
    found = moment(value)
    return found.strftime("%Y-%m-%dT%H:%M:%SZ") if found else ""


def with_zone(value: Any) -> str:
    """A time as the official provider writes those of servers (2026-01-31 08:00:00 +0000 UTC)."""
    found = moment(value)
    return found.strftime("%Y-%m-%d %H:%M:%S +0000 UTC") if found else ""

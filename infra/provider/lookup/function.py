"""What a function of the package takes and answers, and what follows from that for all of them.

A function's properties are declared as a resource's are. One that is not an `output` is an argument, and is
answered too: as the cloud has it, or as it was given where it is `kept` (a way to search, not an attribute of
what is found).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.errors import InfraError
from infra.provider import mark as marking
from infra.provider.property import Failure, Property, check

Thing = Mapping[str, Any]
Given = Mapping[str, Any]
Answer = dict[str, Any]
ID = Property("id", output=True)
REGION = Property("region", kept=True)
_NOTHING: dict[str, Any] = {
    "string": "", "integer": 0, "number": 0, "boolean": False, "strings": [], "map": {}, "object": {},
    "objects": [], "maps": [],
}  # fmt: skip


class ArgumentsRefused(InfraError):
    """A function was called with arguments that it cannot work with; the message names each of them."""

    code = "arguments_refused"


class NothingMatches(NotFound):
    """Nothing in the cloud is as the arguments say; look at what it has, or change the arguments."""

    code = "nothing_matches"


class SeveralMatch(InfraError):
    """More than one thing is as the arguments say, and the function answers one; add arguments."""

    code = "several_match"


@dataclass(frozen=True)
class Function:
    """One function. `find` gets the checked arguments and returns the answer by property name.

    `apart`: groups of arguments of which the first stands alone (an id, beside names and sizes). `echoes`:
    the answer is of many things, so arguments come back only as they were given.
    """

    token: str
    properties: tuple[Property, ...]
    find: Callable[[Cloud, Given], Answer]
    apart: tuple[tuple[str, ...], ...] = ()
    echoes: bool = False

    @property
    def secrets(self) -> frozenset[str]:
        """The properties that are always secret."""
        return frozenset(item.name for item in self.properties if item.secret)

    def check(self, given: Given) -> tuple[Answer, list[Failure]]:
        """The arguments in their proper types with defaults, and all that is wrong with them. An empty string
        is no argument, as in the official provider."""
        said = {name: value for name, value in given.items() if value is not None and value != ""}
        checked, failures = check(self.properties, said)
        for first, *others in self.apart:
            failures += [
                (other, f"cannot be given together with {first}")
                for other in others
                if first in said and other in said
            ]
            if first in said:
                checked = {name: held for name, held in checked.items() if name in said or name not in others}
        return checked, failures

    def call(self, cloud: Cloud, given: Given) -> Answer:
        """The whole answer; raises ArgumentsRefused, NothingMatches or SeveralMatch."""
        checked, failures = self.check(given)
        if failures:
            wrong = "; ".join(f"{path}: {why}" for path, why in failures)
            raise ArgumentsRefused(f"{self.token.rpartition(':')[2]}: {wrong}")
        region = str(checked.get("region") or cloud.region_name)
        found = self.find(cloud.in_region(region), checked)
        return self._complete({**found, "region": region}, checked)

    def _complete(self, found: Answer, checked: Given) -> Answer:
        """Every property: what is kept as it was given, and what the cloud leaves empty as an empty value."""
        answer = {}
        for item in self.properties:
            value = found.get(item.name)
            echoed = item.kept or (self.echoes and not item.output and not item.chosen_by_cloud)
            if value is None:
                value = checked.get(item.name) if echoed else _NOTHING[item.kind]
            if value is not None:
                answer[item.name] = value
        return answer


def shown(properties: Iterable[Property], thing: Thing) -> Answer:
    """The properties of a thing in the kinds that the package promises, without our marks."""
    return {
        item.name: _value(item, thing[item.key])
        for item in properties
        if not item.kept and thing.get(item.key) is not None
    }


def _value(item: Property, held: Any) -> Any:
    match item.kind:
        case "string":
            text = _text(held)
            value: Any = marking.without_mark(text) if item.key == "description" else text
        case "integer":
            value = int(held or 0)
        case "number":
            value = float(held)
        case "strings":
            value = marking.visible(held) if item.key == "tags" else [_text(one) for one in held]
        case "map":
            value = texts(held)
        case "maps":
            value = [texts(row) for row in held]
        case "objects":
            value = [shown(item.fields, row) for row in held]
        case _:
            value = held
    return value


def texts(held: Mapping[str, Any]) -> dict[str, str]:
    """A map as the package has maps, without our mark."""
    return {key: _text(one) for key, one in held.items() if key != marking.ATTRIBUTE}


def _text(held: Any) -> str:
    return str(held).lower() if isinstance(held, bool) else str(held)


def fitting(properties: Iterable[Property], things: Iterable[Thing], given: Given) -> list[Thing]:
    """The things whose attributes are as the arguments say: lists and maps hold at least what was given."""
    asked = [item for item in properties if item.name in given and not item.kept and not item.output]
    return [thing for thing in things if all(_fits(item, thing, given[item.name]) for item in asked)]


def _fits(item: Property, thing: Thing, wanted: Any) -> bool:
    held = thing.get(item.key)
    present = _NOTHING[item.kind] if held is None else _value(item, held)
    if item.kind == "strings":
        return set(wanted) <= set(held or ())
    if item.kind == "map":
        return all(present.get(key) == value for key, value in wanted.items())
    if item.kind == "string" and item.key in ("status", "mac_address"):
        return bool(present.lower() == wanted.lower())
    return bool(present == wanted)


def only(noun: str, things: list[Thing], given: Given, way_out: str = "") -> Thing:
    """The one thing; raises NothingMatches or SeveralMatch, saying what was asked for."""
    asked = ", ".join(f"{name} {value}" for name, value in given.items()) or "no arguments"
    if not things:
        raise NothingMatches(f"no {noun} matches ({asked}): change the arguments")
    if len(things) > 1:
        some = ", ".join(str(thing.get("id") or thing.get("name")) for thing in things[:5])
        more = f" and {len(things) - 5} more" if len(things) > 5 else ""
        advice = way_out or "add arguments until one is left"
        raise SeveralMatch(f"{len(things)} {noun}s match ({asked}): {some}{more}; {advice}")
    return things[0]

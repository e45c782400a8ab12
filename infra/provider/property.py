"""What a resource type says of one of its properties, and the checks and comparisons that follow from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from infra.provider.values import UNKNOWN, holds_unknown

Kind = Literal["string", "integer", "number", "boolean", "strings", "map", "maps", "object", "objects"]
_ENGLISH: dict[Kind, str] = {
    "string": "a string", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "strings": "a list of strings", "map": "a map of strings", "maps": "a list of maps of strings",
    "object": "an object",
    "objects": "a list of objects",
}  # fmt: skip


@dataclass(frozen=True)
class Property:
    """One property of a resource type.

    `attribute` is the cloud's name for it ("" is the name in snake_case). `replaces`: the cloud cannot change
    it in place, or would destroy data doing so. `refers`: it holds the id of such a thing (see
    `infra.provider.references`). `chosen_by_cloud`: left out, the cloud picks a value, which is no
    difference. `output`: the cloud alone sets it. `kept`: the cloud does not tell it, so the state's value
    stays. `unordered`: the order of the list has no meaning. `rule` returns what is wrong with a value, None
    when nothing. `fields` are those of an object, or of each object in a list.
    """

    name: str
    kind: Kind = "string"
    attribute: str = ""
    required: bool = False
    default: Any = None
    replaces: bool = False
    chosen_by_cloud: bool = False
    output: bool = False
    kept: bool = False
    unordered: bool = False
    secret: bool = False
    rule: Callable[[Any], str | None] | None = None
    refers: str = ""
    fields: tuple[Property, ...] = ()

    @property
    def key(self) -> str:
        """The cloud's name for it."""
        return self.attribute or snake_case(self.name)


Failure = tuple[str, str]
"""The path of a property (`networks[0].port`) and what is wrong with it."""


def snake_case(name: str) -> str:
    """`adminStateUp` as `admin_state_up`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def check(properties: Sequence[Property], inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """The inputs in their proper types with defaults filled in, and all that is wrong with them."""
    known = {item.name: item for item in properties if not item.output}
    checked: dict[str, Any] = {}
    failures: list[Failure] = []
    for name, value in inputs.items():
        if name not in known:
            failures.append((name, "this type has no such input"))
            continue
        checked[name], wrong = _coerce(known[name], name, value)
        failures += wrong
    for name, item in known.items():
        if name not in checked and item.required:
            failures.append((name, "required, and missing"))
        elif name not in checked and item.default is not None:
            checked[name] = item.default
    return checked, failures


def _coerce(item: Property, path: str, value: Any) -> tuple[Any, list[Failure]]:
    if value is UNKNOWN:
        return value, []
    if item.kind == "objects":
        return _coerce_objects(item, path, value)
    if item.kind == "object":
        rows, failures = _coerce_objects(item, path, [value])
        return rows[0] if rows else value, [
            (where.replace(f"{path}[0]", path, 1), why) for where, why in failures
        ]
    converted = _converted(item.kind, value)
    if converted is None:
        return value, [(path, f"must be {_ENGLISH[item.kind]}, not {_shown(item, value)}")]
    if item.rule and not holds_unknown(converted):
        wrong = item.rule(converted)
        return converted, [(path, wrong)] if wrong else []
    return converted, []


def _coerce_objects(item: Property, path: str, value: Any) -> tuple[Any, list[Failure]]:
    if not isinstance(value, list):
        return value, [(path, f"must be {_ENGLISH['objects']}, not {_shown(item, value)}")]
    rows: list[Any] = []
    failures: list[Failure] = []
    for index, row in enumerate(value):
        where = f"{path}[{index}]"
        if row is UNKNOWN:
            rows.append(row)
        elif not isinstance(row, dict):
            failures.append((where, f"must be an object, not {_shown(item, row)}"))
        else:
            checked, wrong = check(item.fields, row)
            rows.append(checked)
            failures += [(f"{where}.{name}", why) for name, why in wrong]
    return rows, failures


def _converted(kind: Kind, value: Any) -> Any:
    """The value in its kind, None when it cannot be: "5" is taken for a number and "true" for a boolean."""
    if kind == "string" and isinstance(value, str | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(value)
    if kind in ("integer", "number") and not isinstance(value, bool):
        return _number(kind, value)
    if kind == "strings" and isinstance(value, list):
        items = [item if item is UNKNOWN else _converted("string", item) for item in value]
        return None if None in items else items
    if kind == "map" and isinstance(value, dict):
        held = {key: item if item is UNKNOWN else _converted("string", item) for key, item in value.items()}
        return None if None in held.values() else held
    return None


def _number(kind: Kind, value: Any) -> int | float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if number.is_integer():
        return int(number)
    return number if kind == "number" else None


def _shown(item: Property, value: Any) -> str:
    return "what was given (a secret)" if item.secret else repr(value)[:80]


@dataclass(frozen=True)
class Difference:
    """One property that differs between what is and what should be. `kind`: add, delete or update."""

    name: str
    kind: Literal["add", "delete", "update"]
    replaces: bool


def differences(
    properties: Sequence[Property],
    state: Mapping[str, Any],
    inputs: Mapping[str, Any],
    alike: Callable[[Property, Any, Any], bool] | None = None,
) -> Iterator[Difference]:
    """What would have to change in `state` for it to be what `inputs` say."""
    for item in properties:
        if item.output:
            continue
        wanted, present = inputs.get(item.name), state.get(item.name)
        if item.name not in inputs and item.chosen_by_cloud:
            continue
        if wanted is None:
            wanted = item.default
        if same(item, present, wanted) or (alike and wanted is not None and alike(item, present, wanted)):
            continue
        kind: Literal["add", "delete", "update"] = (
            "add" if _empty(present) else "delete" if _empty(wanted) else "update"
        )
        yield Difference(item.name, kind, item.replaces)


def same(item: Property, present: Any, wanted: Any) -> bool:
    """Whether two values of the property mean the same; an unknown one never does."""
    if holds_unknown(wanted) or holds_unknown(present):
        return False
    # The official provider writes 0 for a number that nobody has set.
    unset = wanted is None and item.kind in ("integer", "number") and present == 0
    if unset or (_empty(present) and _empty(wanted)):
        return True
    match item.kind:
        case "objects":
            return _same_rows(item, present or [], wanted or [])
        case "object":
            return _same_row(item, present or {}, wanted or {})
        case "boolean":
            return bool(present) == bool(wanted)
    if item.unordered and isinstance(present, list) and isinstance(wanted, list):
        present, wanted = sorted(present), sorted(wanted)
    return bool(present == wanted)


def _same_rows(item: Property, present: list[Any], wanted: list[Any]) -> bool:
    if len(present) != len(wanted):
        return False
    if item.unordered:
        left = [*present]
        for row in wanted:
            match = next((other for other in left if _same_row(item, other, row)), None)
            if match is None:
                return False
            left.remove(match)
        return True
    return all(_same_row(item, before, after) for before, after in zip(present, wanted, strict=True))


def _same_row(item: Property, present: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return next(differences(item.fields, present, wanted), None) is None


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})

"""The form of the inventory's values, and pydantic's complaints turned into sentences for people."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from infra.errors import Problem
from infra.inventory.wording import choose, shown

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
M = TypeVar("M", bound="Strict")


class Strict(BaseModel):
    """No unknown keys, no silent conversion: `"2"` is not a number and `no` is not a name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Located(Generic[T_co]):
    """A value and where it stands, so that rules across files can say so."""

    file: str
    key: str
    value: T_co

    def problem(self, below: str, value: Any, why: str, way_out: str) -> Problem:
        """A problem with `below` this place ("" for the place itself)."""
        key = ".".join(part for part in (self.key, below) if part)
        return Problem(self.file, key, shown(value, key), why, way_out)


@dataclass(frozen=True)
class Items(Generic[T_co]):
    """A list of the inventory: the entries in order, and the names of all, also of those that are not valid.

    `complete` is False if an entry is missing from `entries`: then sums over them mean nothing.
    """

    entries: tuple[Located[T_co], ...]
    names: frozenset[str]
    complete: bool

    @property
    def values(self) -> tuple[T_co, ...]:
        return tuple(entry.value for entry in self.entries)

    def each(self, convert: Callable[[T_co], U]) -> Items[U]:
        """The same list with every value converted."""
        entries = tuple(Located(entry.file, entry.key, convert(entry.value)) for entry in self.entries)
        return Items(entries, self.names, self.complete)


_WORDS = {
    "string_type": (
        "must be text",
        "write it as text, in quotes if it looks like a number, a date or yes/no",
    ),
    "int_type": ("must be a whole number", "write digits only, without quotes or units"),
    "int_from_float": ("must be a whole number", "write digits only, without quotes or units"),
    "float_type": ("must be a number", "write digits, with a point if need be, without quotes"),
    "finite_number": ("must be a finite number", "write digits, with a point if need be"),
    "bool_type": ("must be true or false", "write true or false, without quotes"),
    "list_type": ("must be a list", "write `- item` lines or [item, item]"),
    "dict_type": ("must be a mapping", "write `key: value` lines or {key: value}"),
    "model_type": ("must be a mapping", "write `key: value` lines or {key: value}"),
    "model_attributes_type": ("must be a mapping", "write `key: value` lines or {key: value}"),
    "union_tag_not_found": ("does not say its driver", "add `driver`; inventories/lab has an example"),
    "missing": ("is missing", "add it; inventories/lab says with a comment what it is"),
}


def validate(model: type[M], data: Any, file: str, prefix: str = "") -> tuple[M | None, tuple[Problem, ...]]:
    """`data` as a model, or every complaint about it. `prefix` is the dotted key of `data` in the file."""
    try:
        return model.model_validate(data), ()
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        return None, tuple(_problem(error, model, data, file, prefix) for error in errors)


def items(
    model: type[M], data: Sequence[Any], file: str, key: str, *, at_most: int, name: str = "name"
) -> tuple[Items[M], tuple[Problem, ...]]:
    """Each entry of a list as a model. `name` is the key that names an entry, `at_most` entries are read."""
    if len(data) > at_most:
        why, way_out = f"has {len(data)} entries; at most {at_most} are read", "remove what is not needed"
        return Items((), frozenset(), False), (Problem(file, key, "", why, way_out),)
    entries: list[Located[M]] = []
    problems: list[Problem] = []
    for index, raw in enumerate(data):
        place = f"{key}[{index}]"
        entry, wrong = validate(model, raw, file, place)
        problems.extend(wrong)
        if entry is not None:
            entries.append(Located(file, place, entry))
    named = (raw.get(name) for raw in data if isinstance(raw, dict))
    names = frozenset(value for value in named if isinstance(value, str))
    return Items(tuple(entries), names, len(entries) == len(data)), tuple(problems)


def _problem(error: ErrorDetails, model: type[Strict], data: Any, file: str, prefix: str) -> Problem:
    path = tuple(_path(error, data))
    key = dotted(prefix, path)
    kind, context = error["type"], error.get("ctx", {})
    value = "" if kind == "missing" else shown(error["input"], key)
    why, way_out = _WORDS.get(kind, (error["msg"].lower(), "correct it; inventories/lab has an example"))
    if kind == "rule":
        why, way_out = context["why"], context["way_out"]
    elif kind == "extra_forbidden":
        known = _known_keys(model, error["loc"][:-1])
        why, way_out = "is not a known key", choose(str(path[-1]), known, "remove it")
    elif kind in ("literal_error", "union_tag_invalid"):
        expected = context.get("expected") or context.get("expected_tags")
        why, way_out = "is not a known value", f"write {expected}"
        value = shown(context["tag"]) if "tag" in context else value
    elif kind in ("greater_than_equal", "less_than_equal", "greater_than"):
        word = {"ge": "at least", "le": "at most", "gt": "more than"}
        why = " and ".join(f"must be {word[name]} {limit}" for name, limit in context.items() if name in word)
        way_out = "write a number in that range"
    elif kind in ("too_short", "too_long"):
        limit = context.get("min_length") or context.get("max_length")
        why, way_out = (
            f"must have at {'least' if kind == 'too_short' else 'most'} {limit} entries",
            "add or remove some",
        )
    return Problem(file, key or "(whole file)", value, why, way_out)


def dotted(prefix: str, path: Sequence[str | int]) -> str:
    """A path as people write it: `agencies[3].servers[0].flavor`."""
    key = prefix
    for step in path:
        key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
    return key


def _path(error: ErrorDetails, data: Any) -> Iterator[str | int]:
    """Pydantic's location without the steps that are not in the data (the tags of unions)."""
    last = len(error["loc"]) - 1
    for index, step in enumerate(error["loc"]):
        in_list = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if in_list or (isinstance(data, dict) and step in data):
            data = data[step]
        elif not (index == last and error["type"] == "missing"):
            continue
        yield step


def _known_keys(model: type[Strict], location: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that a mapping at `location` may have."""
    annotation: Any = model
    for step in location:
        candidates = list(_models(annotation))
        fields = next((found.model_fields for found in candidates if step in found.model_fields), None)
        if fields is not None:
            annotation = fields[str(step)].annotation
        elif len(candidates) > 1:  # the tag of a union
            annotation = next((found for found in candidates if _is_tagged(found, step)), annotation)
        # Else an index of a list or a key of a dictionary: its models are those already held.
    found_models = list(_models(annotation))
    return tuple(found_models[0].model_fields) if found_models else ()


def _is_tagged(model: type[Strict], tag: str | int) -> bool:
    field = model.model_fields.get("driver")
    return field is not None and tag in get_args(field.annotation)


def _models(annotation: Any) -> Iterator[type[Strict]]:
    """The models that an annotation mentions, through lists, dictionaries, unions and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    elif get_origin(annotation) in (list, dict, tuple, Union, types.UnionType, Annotated):
        for argument in get_args(annotation):
            yield from _models(argument)

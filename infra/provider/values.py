"""Pulumi's property values as plain Python, and back.

Unknown values (outputs of things that a preview has not made) are the one object `UNKNOWN`; null values are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue

# The engine's stand-ins for unknown values, one per type (sdk/go/common/resource/plugin/rpc.go).
_UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_STRINGS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        _UNKNOWN_STRING,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown:
    """The type of `UNKNOWN`: a value that is not there before the cloud has made it."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()


def plain(value: PropertyValue) -> Any:
    """One value: str, bool, float or int, list, dict, None or UNKNOWN. Whole numbers come as int."""
    held = value.value
    if isinstance(held, Computed) or (isinstance(held, str) and held in _UNKNOWN_STRINGS):
        return UNKNOWN
    if isinstance(held, Mapping):
        return plain_map(held)
    if isinstance(held, tuple):
        return [plain(item) for item in held]
    if isinstance(held, float) and held.is_integer():
        return int(held)
    return held


def plain_map(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """The properties of a resource or of an object in it, without nulls and without a bridge's bookkeeping
    (`__defaults`, `__meta`).
    """
    return {
        key: plain(value)
        for key, value in values.items()
        if value.value is not None and not key.startswith("__")
    }


def secret_keys(values: Mapping[str, PropertyValue]) -> frozenset[str]:
    """The properties that hold a secret anywhere in them."""
    return frozenset(key for key, value in values.items() if value.contains_secret())


def wire(value: Any, *, secret: bool = False) -> PropertyValue:
    """A plain value for the engine."""
    return PropertyValue(_held(value), is_secret=secret)


def wire_map(values: Mapping[str, Any], secrets: frozenset[str] = frozenset()) -> dict[str, PropertyValue]:
    """A resource's properties for the engine; those in `secrets` are marked as such, None is left out."""
    return {key: wire(value, secret=key in secrets) for key, value in values.items() if value is not None}


def holds_unknown(value: Any) -> bool:
    """Whether the value, or anything inside it, is unknown."""
    if isinstance(value, dict):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    return value is UNKNOWN


def _held(value: Any) -> Any:
    if value is UNKNOWN:
        return _UNKNOWN_STRING
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [wire(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value

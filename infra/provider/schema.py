"""The package's schema in Pulumi's own form, made from the same declarations that the provider works by.

It holds what is served and no more. Tools read it (`pulumi package get-schema`, `pulumi import` when it
writes a program, SDK generators); the provider itself never does.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from infra.provider import configuration, functions, registry
from infra.provider.lookup.function import Function
from infra.provider.property import Property
from infra.provider.resource import Resource

PACKAGE = "openstack"
Spec = dict[str, Any]
_TEXT = {"type": "string"}
_PLAIN: dict[str, Spec] = {
    "string": _TEXT, "integer": {"type": "integer"}, "number": {"type": "number"},
    "boolean": {"type": "boolean"}, "strings": {"type": "array", "items": _TEXT},
    "map": {"type": "object", "additionalProperties": _TEXT},
    "maps": {"type": "array", "items": {"type": "object", "additionalProperties": _TEXT}},
}  # fmt: skip


def schema(version: str) -> Spec:
    """The whole schema, as JSON has it."""
    types: dict[str, Spec] = {}
    inputs = _properties(configuration.PROPERTIES, "openstack:index/Provider:Provider", types)
    return {
        "name": PACKAGE,
        "displayName": "OpenStack",
        "version": version,
        "description": "OpenStack as City Cloud's provider serves it, in the types of pulumi-openstack.",
        "keywords": ["pulumi", "openstack", "category/cloud"],
        "meta": {"moduleFormat": "(.*)(?:/[^/]*)"},
        "config": {"variables": inputs},
        "provider": {"inputProperties": inputs, "properties": inputs},
        "resources": {
            token: _resource(token, registry.resource(token), types) for token in registry.served()
        },
        "functions": {
            token: _function(token, functions.function(token), types) for token in functions.served()
        },
        "types": types,
    }


def _resource(token: str, kind: Resource, types: dict[str, Spec]) -> Spec:
    given = [item for item in kind.properties if not item.output]
    return {
        "description": (inspect.getdoc(type(kind)) or "").partition("\n\n")[0],
        "inputProperties": _properties(given, token, types),
        # A name that the program leaves out is made up.
        "requiredInputs": sorted(item.name for item in given if item.required and item.name != "name"),
        "properties": _properties(kind.properties, token, types),
        "required": sorted(item.name for item in kind.properties if item.required or item.output),
    }


def _function(token: str, found: Function, types: dict[str, Spec]) -> Spec:
    given = [item for item in found.properties if not item.output]
    must = sorted(item.name for item in given if item.required)
    told = sorted(item.name for item in found.properties if item.required or item.output)
    return {
        "inputs": {"type": "object", "properties": _properties(given, token, types), "required": must},
        "outputs": {
            "type": "object", "properties": _properties(found.properties, token, types), "required": told
        },
    }  # fmt: skip


def _properties(properties: Iterable[Property], owner: str, types: dict[str, Spec]) -> dict[str, Spec]:
    return {item.name: _property(item, owner, types) for item in properties}


def _property(item: Property, owner: str, types: dict[str, Spec]) -> Spec:
    spec = dict(_PLAIN.get(item.kind) or _with_fields(item, owner, types))
    if item.secret:
        spec["secret"] = True
    if item.replaces:
        spec["willReplaceOnChanges"] = True
    if isinstance(item.default, str | int | float | bool):
        spec["default"] = item.default
    return spec


def _with_fields(item: Property, owner: str, types: dict[str, Spec]) -> Spec:
    """A reference to the type of an object, which is written down beside."""
    module, _, name = owner.rpartition(":")[0].rpartition("/")
    own = f"{name[:1].upper() if not name.startswith('get') else 'g'}{name[1:]}{_singular(item)}"
    token = f"{module}/{own}:{own}"
    types[token] = {
        "type": "object",
        "properties": _properties(item.fields, token, types),
        "required": sorted(field.name for field in item.fields if field.required),
    }
    reference = {"$ref": f"#/types/{token}"}
    return {"type": "array", "items": reference} if item.kind == "objects" else reference


def _singular(item: Property) -> str:
    """The name of one of them, as the official package makes it: `allocationPools` is `AllocationPool`."""
    name = item.name[:1].upper() + item.name[1:]
    if item.kind != "objects":
        return name
    return re.sub(r"ies$", "y", name) if name.endswith("ies") else name.removesuffix("s")

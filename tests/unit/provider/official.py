"""What the official package promises of its types and functions, read off its own Python classes."""

from __future__ import annotations

import ast
import collections.abc
import importlib
import inspect
import re
import textwrap
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_openstack
from pulumi import _types

MODULES = ("identity", "compute", "networking", "blockstorage", "images")
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Shape:
    """One property: its kind as `infra.provider.property` has them, whether it must be given, and the
    properties of the objects in it.
    """

    kind: str
    required: bool = False
    fields: dict[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class Promise:
    """Inputs and outputs of a type or function. `outputs` has the inputs too: a state holds both."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def resource_class(token: str) -> Any:
    module, name = _parts(token)
    return getattr(importlib.import_module(f"pulumi_openstack.{module}"), name)


def resource(token: str) -> Promise:
    module, name = _parts(token)
    home = importlib.import_module(f"pulumi_openstack.{module}")
    arguments = getattr(home, f"{name}Args")
    outputs = _types.resource_types(getattr(home, name))
    return Promise(_inputs(arguments), {key: shape(kind) for key, kind in outputs.items()})


def secrets(token: str) -> set[str]:
    """The properties of a type that the package marks as secret, whatever the program does."""
    source = inspect.getsource(resource_class(token)._internal_init)
    listed = re.search(r"additional_secret_outputs=\[([^\]]*)\]", source)
    return set(re.findall(r'"(\w+)"', listed.group(1))) if listed else set()


def function(token: str) -> Promise:
    module = importlib.import_module(f"pulumi_openstack.{_parts(token)[0]}.{function_files()[token]}")
    called = next(name for name in module.__all__ if name.startswith("get_") and not name.endswith("_output"))
    answer = next(name for name in module.__all__ if name.endswith("Result") and name.startswith("Get"))
    kinds = typing.get_type_hints(getattr(module, called))
    source = inspect.getsource(getattr(module, called))
    names = re.findall(r"__args__\['(\w+)'\] = (\w+)", source)
    must = _must(getattr(module, f"{called}_output"))
    inputs = {wire: shape(kinds[own], required=own in must) for wire, own in names}
    held = _types.output_type_types(getattr(module, answer))
    return Promise(inputs, {key: shape(kind) for key, kind in held.items()})


def function_files() -> dict[str, str]:
    """Every function token of the five modules, and the file that it is in."""
    found = {}
    for module in MODULES:
        folder = Path(inspect.getfile(pulumi_openstack)).parent / module
        for file in sorted(folder.glob("get_*.py")):
            token = re.search(r"runtime\.invoke\('([^']+)'", file.read_text(encoding="utf-8"))
            assert token
            found[token.group(1)] = file.stem
    return found


def configuration() -> dict[str, Shape]:
    """The inputs of the provider itself."""
    return _inputs(pulumi_openstack.ProviderArgs)


def shape(kind: Any, *, required: bool = False) -> Shape:
    """A Python type of the package as one of our kinds."""
    kind = _bare(kind)
    if kind in _PLAIN:
        return Shape(_PLAIN[kind], required)
    origin = typing.get_origin(kind)
    if origin in (collections.abc.Sequence, list):
        inside = shape(typing.get_args(kind)[0])
        plural = {"string": "strings", "object": "objects", "map": "maps"}[inside.kind]
        return Shape(plural, required, inside.fields)
    if origin in (collections.abc.Mapping, dict):
        assert _bare(typing.get_args(kind)[1]) in (str, Any)
        return Shape("map", required)
    assert inspect.isclass(kind), kind
    if _types.is_input_type(kind):
        return Shape("object", required, _inputs(kind))
    return Shape("object", required, {key: shape(one) for key, one in _types.output_type_types(kind).items()})


def _inputs(arguments: Any) -> dict[str, Shape]:
    must = {
        name
        for name, parameter in inspect.signature(arguments.__init__).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    own = {wire: name for name, wire in _types.input_type_py_to_pulumi_names(arguments).items()}
    return {
        wire: shape(kind, required=own[wire] in must)
        for wire, kind in _types.input_type_types(arguments).items()
    }


def _must(output_form: Any) -> set[str]:
    """The arguments that must be given: only the annotations' text of the form for outputs tells them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(output_form))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return {
        one.arg
        for one in tree.args.args
        if one.annotation is not None
        and one.arg != "opts"
        and "Optional[Optional[" not in ast.unparse(one.annotation)
    }


def _bare(kind: Any) -> Any:
    """The type without `Optional`, `Input`, and the dictionaries that may stand for a class."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inside = [
            one
            for one in typing.get_args(kind)
            if one is not type(None)
            and typing.get_origin(one) not in (collections.abc.Awaitable, pulumi.Output)
            and not (inspect.isclass(one) and one.__name__.endswith("ArgsDict"))
        ]
        plain = [one for one in inside if not (inspect.isclass(one) and _types.is_output_type(one))]
        return _bare((plain or inside)[0])
    return kind


def _parts(token: str) -> tuple[str, str]:
    _, middle, name = token.split(":")
    return middle.partition("/")[0], name

"""What a command prints: its result on standard output (text or one JSON document), everything else on
standard error.

Also the options that many commands share.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, TypeVar

import click

from infra.errors import InfraError, Problems

F = TypeVar("F", bound=Callable[..., Any])


def output_option(function: F) -> F:
    """--output text|json, as parameter `output`."""
    return click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Form of the result on standard output.",
    )(function)


def inventory_option(function: F) -> F:
    """--inventory PATH, as parameter `inventory` (a Path)."""
    return click.option(
        "--inventory",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("inventories/lab"),
        show_default=True,
        help="Folder of the site: hosts.yml, group_vars/, platform.yaml, agencies.yaml.",
    )(function)


def emit(output: str, value: object, text: Callable[[], str]) -> None:
    """Print a result: as JSON, or what `text` makes of it."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False) if output == "json" else text())


def plain(value: object) -> Any:
    """Dataclasses, paths, addresses and times as what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else _text(value)


def _text(value: object) -> object:
    return str(value) if isinstance(value, (Path, IPv4Address, IPv4Interface, IPv4Network)) else value


def error_document(error: InfraError) -> dict[str, Any]:
    """`problems` is empty where the error is not about input."""
    problems = error.problems if isinstance(error, Problems) else []
    document: dict[str, Any] = {"code": error.code, "message": str(error), "problems": plain(problems)}
    for name in ("phase", "cause_code"):
        if hasattr(error, name):
            document[name.removesuffix("_code")] = getattr(error, name)
    for name in ("digest", "findings"):
        if getattr(error, name, None):
            document[name] = plain(getattr(error, name))
    return {"error": document}


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"

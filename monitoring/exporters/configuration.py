"""Files that tell an exporter how to work: read whole and checked, or refused with file, key and way out.

The house's own YAML reader is used (no anchors, no tags, no key twice); its pointers to an inventory become
pointers to the page that describes exporters' files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from infra.errors import Problem, Problems
from infra.inventory import document
from infra.inventory.schema import Strict, validate

S = TypeVar("S", bound=Strict)
PAGE = "monitoring/README.md"


class ConfigurationInvalid(Problems):
    """An exporter's file says something that cannot be done; what was in force stays in force."""

    code = "configuration_invalid"


def read(model: type[S], path: Path) -> S:
    """The file as a model; an empty file is a model of defaults. Raises ConfigurationInvalid."""
    found = document.read(path)
    if found.value is None and not found.content.strip() and path.is_file():
        return checked(model, {}, str(path))
    if found.value is None:
        raise ConfigurationInvalid(told(found.problems))
    return checked(model, found.value, str(path))


def checked(model: type[S], data: object, file: str) -> S:
    """`data` as a model. Raises ConfigurationInvalid with every problem."""
    valid, problems = validate(model, data, file)
    if valid is None:
        raise ConfigurationInvalid(told(problems))
    return valid


def told(problems: Iterable[Problem]) -> list[Problem]:
    """The problems with the page about exporters in place of the one about inventories."""
    return [
        replace(problem, way_out=f"{problem.way_out.split(';')[0]}; {PAGE} has an example")
        if "inventories/lab" in problem.way_out
        else problem
        for problem in problems
    ]

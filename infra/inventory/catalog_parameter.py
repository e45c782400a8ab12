"""What `catalog.yaml` says of asking for an item in the portal: its parameters, what they take, and
prices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.domain.change import CHANGEABLE
from infra.domain.parameter import (
    LARGEST_INTEGER,
    LONGEST_TEXT,
    ChangePolicy,
    Choice,
    Parameter,
    ParameterKind,
)
from infra.domain.price import PriceList
from infra.domain.quota import Quota
from infra.domain.words import NOTHING, Words
from infra.inventory.schema import Strict
from infra.inventory.value import Count, Name, Text, refuse
from infra.inventory.wording import choose

MAX_PARAMETERS, MAX_CHOICES = 20, 50
Finding = tuple[str, object, str, str]
"""Key below the item, value, why, way out."""


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", value):
        raise refuse("is not a parameter's name", "use 1 to 32 small letters, digits and underscores")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise refuse(f"is not a regular expression: {error}", "write one such as [a-z]{2,20}") from None
    return value


def _blueprint(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}/[1-9][0-9]{0,3}", value):
        raise refuse("is not a blueprint", "write its name and version, such as web-server/1")
    return value


Blueprint = Annotated[str, AfterValidator(_blueprint)]
Vnd = Annotated[int, Field(ge=0, le=1_000_000_000)]
Bound = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]


class PricesModel(Strict):
    """Whole VND for a month of 30 days."""

    core: Vnd = 0
    memory_gib: Vnd = 0
    volume_gib: Vnd = 0
    address: Vnd = 0

    def to_domain(self) -> PriceList:
        return PriceList(**self.model_dump())


class TakesModel(Strict):
    """What is taken from the quota; what is not named is not taken."""

    instances: Count = 0
    cores: Count = 0
    ram_mib: Count = 0
    volumes: Count = 0
    gigabytes: Count = 0
    floating_ips: Count = 0
    networks: Count = 0
    routers: Count = 0
    security_groups: Count = 0
    ports: Count = 0

    def to_domain(self) -> Quota:
        return Quota(**self.model_dump())


class ChoiceModel(Strict):
    value: Name
    label_vi: Text
    label_en: Text
    help_vi: Text | None = None
    help_en: Text | None = None
    takes: TakesModel = Field(default_factory=TakesModel)

    def to_domain(self) -> Choice:
        label = Words(self.label_vi, self.label_en)
        return Choice(self.value, label, words(self.help_vi, self.help_en), self.takes.to_domain())


class ParameterModel(Strict):
    name: Annotated[str, AfterValidator(_identifier)]
    kind: Literal["choice", "integer", "text", "switch", "ssh_key"]
    label_vi: Text
    label_en: Text
    help_vi: Text | None = None
    help_en: Text | None = None
    unit_vi: Text | None = None
    unit_en: Text | None = None
    required: bool = True
    default: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    choices: list[ChoiceModel] = Field(default_factory=list, max_length=MAX_CHOICES)
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: Annotated[str, Field(max_length=200), AfterValidator(_pattern)] = ""
    takes: TakesModel = Field(default_factory=TakesModel)
    takes_once: TakesModel = Field(default_factory=TakesModel)
    unless: dict[str, Annotated[list[Name], Field(min_length=1, max_length=MAX_CHOICES)]] = Field(
        default_factory=dict, max_length=MAX_PARAMETERS
    )
    change: Literal["allowed", "requested"] | None = None

    def to_domain(self) -> Parameter:
        return Parameter(
            self.name, ParameterKind(self.kind), Words(self.label_vi, self.label_en),
            words(self.help_vi, self.help_en), self.required, self.default,
            tuple(one.to_domain() for one in self.choices), self.minimum, self.maximum, self.pattern,
            words(self.unit_vi, self.unit_en), self.takes.to_domain(), self.takes_once.to_domain(),
            {name: tuple(values) for name, values in self.unless.items()},
            ChangePolicy(self.change) if self.change else None,
        )  # fmt: skip


def words(vi: str | None, en: str | None) -> Words:
    """A text that is there in both languages or in none; `findings` tells of one that is there in one."""
    return Words(vi, en) if vi and en else NOTHING


def findings(parameters: Sequence[ParameterModel]) -> Iterator[Finding]:
    """What is wrong with parameters that are each well-formed."""
    names = [one.name for one in parameters]
    for index, one in enumerate(parameters):
        key = f"parameters[{index}]"
        if one.name in names[:index]:
            yield f"{key}.name", one.name, "is the name of an earlier parameter", "choose another name"
        yield from (
            (f"{key}.{below}", value, why, out)
            for below, value, why, out in (*_findings(one), *_exclusions(one, parameters))
        )  # fmt: skip


def _findings(one: ParameterModel) -> Iterator[Finding]:
    for name in ("help", "unit"):
        vi, en = getattr(one, f"{name}_vi"), getattr(one, f"{name}_en")
        if (vi is None) != (en is None):
            missing = f"{name}_en" if en is None else f"{name}_vi"
            yield missing, "", "is missing, while the other language is there", "write both, or none"
    if one.kind == "choice":
        yield from _choices(one)
    elif one.choices:
        yield "choices", "", f"are of no use to a parameter of kind {one.kind}", "remove them"
    if one.kind == "integer" and (one.minimum is None or one.maximum is None):
        yield (
            "maximum",
            "",
            "is missing, or the minimum is",
            "say both: what is asked for has to end somewhere",
        )
    if one.minimum is not None and one.maximum is not None and one.minimum > one.maximum:
        yield "minimum", one.minimum, f"is above the maximum of {one.maximum}", "make it smaller"
    if one.kind not in ("integer", "switch") and one.takes != TakesModel():
        yield "takes", "", "counts for integers and switches only", "put it to the choices, or to the item"
    if one.kind != "integer" and one.takes_once != TakesModel():
        yield "takes_once", "", "counts for integers only", "put it to takes, to the choices, or to the item"
    if one.change and ParameterKind(one.kind) not in CHANGEABLE:
        why = f"is of no use to a parameter of kind {one.kind}: it is written into the guest once"
        yield "change", one.change, why, "remove it; choices, integers and switches can be changed"
    if one.kind != "text" and one.pattern:
        yield "pattern", one.pattern, "is for texts only", "remove it"
    if one.default and (wrong := one.to_domain().check(one.default)) is not None:
        yield "default", one.default, f"is refused by the parameter itself: {wrong.en}", "choose another"


def _exclusions(one: ParameterModel, parameters: Sequence[ParameterModel]) -> Iterator[Finding]:
    """What is wrong with `unless`: it has to name values that another parameter can have, and a parameter
    that may be left out.
    """
    others = {other.name: _values(other) for other in parameters if other.name != one.name}
    for name, values in one.unless.items():
        if not others.get(name):
            why = "names no other choice or switch of the item"
            yield f"unless.{name}", name, why, choose(name, [x for x in others if others[x]], "remove it")
            continue
        for index, value in enumerate(values):
            if value not in others[name]:
                why = f"is no value of {name}"
                yield f"unless.{name}[{index}]", value, why, choose(value, others[name], "remove it")
    must = one.required and one.kind != "switch"
    if one.unless and (must or one.default not in ("", "false")):
        why = "excludes a parameter that is there always, so some choices could never be made"
        yield "unless", "", why, "write required: false and no default"


def _values(one: ParameterModel) -> list[str]:
    return ["true", "false"] if one.kind == "switch" else [choice.value for choice in one.choices]


def _choices(one: ParameterModel) -> Iterator[Finding]:
    if not one.choices:
        yield "choices", "", "are missing", "list at least one"
    values = [choice.value for choice in one.choices]
    for index, value in enumerate(values):
        if value in values[:index]:
            yield f"choices[{index}].value", value, "is there already", "choose another"

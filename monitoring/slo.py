"""`slos/*.yaml` as typed data: what is wrong with a file is told with its key and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from infra.domain.slo import MINUTE_WINDOWS, Events, Fresh, Slo
from infra.errors import Problem, Problems
from infra.inventory import document
from infra.inventory.schema import Items, Strict, items, validate
from infra.inventory.value import Label, refuse

FOLDER = Path(__file__).parent / "slos"
MAX_SLOS = 200


class SloInvalid(Problems):
    """An SLO's file says something that no rules can be made of; the rules stay as they were."""

    code = "slo_invalid"


def _expression(value: str) -> str:
    if not value.strip() or value.count("(") != value.count(")") or value.count("{") != value.count("}"):
        raise refuse("is no expression of PromQL", "write a selector such as city_api_up")
    return " ".join(value.split())


def _label_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value) or value in ("slo", "window"):
        raise refuse("is not a label of the events", "write a label's name; slo and window are taken")
    return value


def _objective(value: float) -> float:
    if not 0 < value < 1:
        raise refuse("leaves no error budget, or no objective", "write a share such as 0.999")
    return value


Expression = Annotated[str, AfterValidator(_expression)]
LabelName = Annotated[str, AfterValidator(_label_name)]
Share = Annotated[float, AfterValidator(_objective)]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]


class FreshModel(Strict):
    collector: Label
    seconds: int = Field(ge=10, le=3600)


class EventsModel(Strict):
    kind: Literal["counters", "looks"]
    good: Expression
    total: Expression = "0"
    fresh: FreshModel | None = None


class SloModel(Strict):
    name: Label
    title: Sentence
    description: Sentence
    owner: Label
    per: list[LabelName] = Field(max_length=8)
    objective: Share
    objective_from: Expression = "0"
    events: EventsModel
    minimum_events: int = Field(ge=1, le=10**6)
    silence: Literal["1h", "6h"]
    needed: Expression = "0"
    optional: bool = False

    def to_domain(self) -> Slo:
        events, fresh = self.events, self.events.fresh
        return Slo(
            name=self.name, title=self.title, description=" ".join(self.description.split()),
            owner=self.owner, per=tuple(self.per), objective=self.objective,
            events=Events(
                events.kind, events.good, events.total if events.kind == "counters" else "",
                Fresh(fresh.collector, fresh.seconds) if fresh else None,
            ),
            minimum_events=self.minimum_events, silence=self.silence,
            objective_from=self.objective_from if "objective_from" in self.model_fields_set else "",
            needed=self.needed if "needed" in self.model_fields_set else "", optional=self.optional,
        )  # fmt: skip


class SlosModel(Strict):
    """The file as a whole; its entries are read one by one."""

    slos: list[Any]


def load_slos(folder: Path = FOLDER) -> tuple[Slo, ...]:
    """Every SLO of the folder's files, in the order of files and entries. Raises SloInvalid."""
    problems: list[Problem] = []
    found: list[Slo] = []
    seen: set[str] = set()
    for path in sorted(folder.glob("*.yaml")):
        entries, wrong = _read(path)
        problems += wrong
        for entry in entries.entries:
            if entry.value.name in seen:
                why = "is the name of another SLO too"
                problems.append(entry.problem("name", entry.value.name, why, "give it another name"))
            seen.add(entry.value.name)
            problems += _events_problems(entry.file, entry.key, entry.value)
            found.append(entry.value.to_domain())
    if problems:
        raise SloInvalid(problems)
    return tuple(found)


def _read(path: Path) -> tuple[Items[SloModel], list[Problem]]:
    source = document.read(path)
    problems = list(source.problems)
    if source.value is None:
        return Items((), frozenset(), False), problems
    problems += validate(SlosModel, source.value, source.file)[1]
    raw = source.value.get("slos")
    if not isinstance(raw, list):
        return Items((), frozenset(), False), problems
    entries, wrong = items(SloModel, raw, source.file, "slos", at_most=MAX_SLOS)
    return entries, problems + list(wrong)


def _events_problems(file: str, key: str, slo: SloModel) -> Iterator[Problem]:
    given = "total" in slo.events.model_fields_set
    if slo.events.kind == "counters" and not given:
        yield Problem(file, f"{key}.events.total", "", "is missing", "add the counter of all events")
    if slo.events.kind == "looks" and given:
        why = "is not counted where each look at a gauge is an event"
        yield Problem(file, f"{key}.events.total", slo.events.total, why, "remove it, or use counters")
    if slo.events.kind == "looks" and slo.events.fresh is None:
        why = "is missing: a gauge that an exporter no longer reads would look good for ever"
        yield Problem(file, f"{key}.events.fresh", "", why, "add {collector: NAME, seconds: 120}")
    if slo.silence not in MINUTE_WINDOWS:
        raise AssertionError("a silence is one of the windows")

"""`catalog.yaml`: what agencies can ask for, how it is probed and what is promised; absent where there are
only plain servers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from infra.domain import probe as domain
from infra.domain.catalog import DEFAULT_ITEM, Catalog, CatalogItem, MetricsEndpoint, ServiceObjective
from infra.domain.price import NO_PRICES, PriceList
from infra.domain.probe import DEFAULT_TIMEOUT_SECONDS, PLACEHOLDERS, Probe, unknown_placeholders
from infra.errors import InventoryInvalid, Problem
from infra.inventory import document
from infra.inventory.catalog_parameter import (
    MAX_PARAMETERS,
    Blueprint,
    ParameterModel,
    PricesModel,
    TakesModel,
    findings,
)
from infra.inventory.document import Document
from infra.inventory.schema import Items, Located, Strict, validate
from infra.inventory.value import AbsolutePath, Address, Label, Text, refuse
from infra.inventory.wording import choose, shown

MAX_ITEMS, MAX_PROBES = 200, 20


def _template(value: str) -> str:
    if not value or len(value) > 253 or not value.isprintable() or " " in value:
        raise refuse("is empty, longer than 253 characters or has spaces", "write a DNS name")
    if unknown := unknown_placeholders(value):
        some = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise refuse(f"names {{{unknown[0]}}}, which stands for nothing", f"use {some}, or no braces")
    return value


def _path(value: str) -> str:
    if not re.fullmatch(r"/[!-~]{0,500}", value):
        raise refuse("is not a path", "write it like /health, in printable ASCII")
    return value


def _body(value: str) -> str:
    way_out = "write a regular expression such as Welcome|Xin chào"
    if not value or len(value) > 200:
        raise refuse("is empty or longer than 200 characters", way_out)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what another release of Python will read in another way
            re.compile(value)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise refuse(f"is not a regular expression: {error}", way_out) from None
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0.1, le=3600)]
Template = Annotated[str, AfterValidator(_template)]
Path_ = Annotated[str, AfterValidator(_path)]


class ProbeModel(Strict):
    """`every` and `timeout` in seconds."""

    name: Label
    kind: str
    every: Seconds | None = None
    timeout: Seconds = DEFAULT_TIMEOUT_SECONDS

    @property
    def timing(self) -> dict[str, Any]:
        return {"name": self.name, "every_seconds": self.every, "timeout_seconds": self.timeout}

    def to_domain(self) -> Probe:
        raise NotImplementedError


class IcmpModel(ProbeModel):
    count: int = Field(default=3, ge=1, le=10)

    def to_domain(self) -> Probe:
        return domain.IcmpProbe(**self.timing, count=self.count)


class TcpModel(ProbeModel):
    port: Port

    def to_domain(self) -> Probe:
        return domain.TcpProbe(**self.timing, port=self.port)


class SshModel(ProbeModel):
    port: Port = 22

    def to_domain(self) -> Probe:
        return domain.SshProbe(**self.timing, port=self.port)


class HttpModel(ProbeModel):
    port: Port | None = None
    path: Path_ = "/"
    host: Template | None = None
    statuses: list[Annotated[int, Field(ge=100, le=599)]] = Field(default=[200], min_length=1, max_length=50)
    body: Annotated[str, AfterValidator(_body)] | None = None

    def to_domain(self) -> Probe:
        return domain.HttpProbe(**self.timing, **self._asked(80))

    def _asked(self, port: int) -> dict[str, Any]:
        return {"port": self.port or port, "path": self.path, "host": self.host or "",
                "statuses": tuple(self.statuses), "body": self.body or ""}  # fmt: skip


class HttpsModel(HttpModel):
    verify: bool = True
    ca_file: AbsolutePath | None = None
    certificate_days: int = Field(default=0, ge=0, le=3650)

    def to_domain(self) -> Probe:
        trust: dict[str, Any] = {
            "verify": self.verify,
            "ca_file": self.ca_file or "",
            "certificate_days": self.certificate_days,
        }
        return domain.HttpProbe(**self.timing, **self._asked(443), **trust, tls=True)


class DnsModel(ProbeModel):
    query: Template
    record: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    answers: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        default_factory=list, max_length=50
    )
    resolver: Address | None = None
    port: Port = 53

    def to_domain(self) -> Probe:
        resolver = str(self.resolver) if self.resolver else ""
        asked: dict[str, Any] = {
            "query": self.query,
            "record": self.record,
            "answers": tuple(self.answers),
            "port": self.port,
        }
        return domain.DnsProbe(**self.timing, **asked, resolver=resolver)


KINDS: dict[str, type[ProbeModel]] = {
    "icmp": IcmpModel, "tcp": TcpModel, "ssh": SshModel, "http": HttpModel, "https": HttpsModel, "dns":
    DnsModel, }  # fmt: skip


class ObjectiveModel(Strict):
    objective: float = Field(gt=0, lt=1)
    window_days: int = Field(default=30, ge=1, le=366)


class MetricsModel(Strict):
    name: Label
    port: Port
    path: Path_ = "/metrics"


class ItemModel(Strict):
    """An item; its probes are looked at one by one, as each kind has keys of its own."""

    name: Label
    kind: Literal["server", "network"]
    name_vi: Text
    name_en: Text
    probes: list[Any] = Field(default_factory=list, max_length=MAX_PROBES)
    slo: ObjectiveModel | None = None
    metrics: list[MetricsModel] = Field(default_factory=list, max_length=20)
    blueprint: Blueprint | None = None
    summary_vi: Text | None = None
    summary_en: Text | None = None
    parameters: list[ParameterModel] = Field(default_factory=list, max_length=MAX_PARAMETERS)
    takes: TakesModel = Field(default_factory=TakesModel)
    max_count: int = Field(default=5, ge=1, le=20)
    days: int = Field(default=365, ge=0, le=3650)
    security_level: int = Field(default=1, ge=1, le=5)

    def to_domain(self, probes: Sequence[Probe]) -> CatalogItem:
        slo = ServiceObjective(self.slo.objective, self.slo.window_days) if self.slo else None
        metrics = tuple(MetricsEndpoint(one.name, one.port, one.path) for one in self.metrics)
        return CatalogItem(
            self.name, self.kind, self.name_vi, self.name_en, tuple(probes), slo, metrics,
            self.blueprint or "", self.summary_vi or "", self.summary_en or "",
            tuple(one.to_domain() for one in self.parameters), self.takes.to_domain(), self.max_count,
            self.days, self.security_level,
        )  # fmt: skip


class CatalogModel(Strict):
    """The file as a whole; its items are read one by one, so that one that is wrong hides no other."""

    items: list[Any] = Field(min_length=1, max_length=MAX_ITEMS)
    prices: PricesModel = Field(default_factory=PricesModel)


@dataclass(frozen=True)
class CatalogReading:
    """What a catalog's file holds; `items` leaves out those that are not valid."""

    items: Items[CatalogItem]
    problems: tuple[Problem, ...]
    prices: PriceList = NO_PRICES

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.items.values, self.prices)


def understand(source: Document) -> CatalogReading:
    """The catalog in a file that was read; its problems are in the result."""
    if source.value is None:
        return CatalogReading(Items((), frozenset(), False), ())
    whole, problems = validate(CatalogModel, source.value, source.file)
    if whole is None:
        return CatalogReading(Items((), frozenset(), False), problems)
    found, wrong = [], list(problems)
    for index, raw in enumerate(whole.items):
        item, told = _item(raw, source.file, f"items[{index}]")
        wrong += told
        if item is not None:
            found.append(Located(source.file, f"items[{index}]", item))
    named = (raw.get("name") for raw in whole.items if isinstance(raw, dict))
    names = frozenset(name for name in named if isinstance(name, str))
    wrong += _across(source.file, found, names)
    return CatalogReading(
        Items(tuple(found), names, len(found) == len(whole.items)), tuple(wrong), whole.prices.to_domain()
    )


def load_catalog(path: Path) -> Catalog:
    """The catalog in the file `path`, read alone; raises InventoryInvalid with everything that is wrong."""
    source = document.read(path)
    reading = understand(source)
    if problems := [*source.problems, *reading.problems]:
        raise InventoryInvalid(problems)
    return reading.catalog


def _item(raw: Any, file: str, key: str) -> tuple[CatalogItem | None, list[Problem]]:
    model, problems = validate(ItemModel, raw, file, key)
    told = list(problems)
    if model is not None:
        told += _asking(model, file, key)
    probes: list[Probe] = []
    listed = raw.get("probes") if isinstance(raw, dict) else None
    for index, one in enumerate(listed[:MAX_PROBES] if isinstance(listed, list) else ()):
        probe, wrong = _probe(one, file, f"{key}.probes[{index}]")
        told += wrong
        probes += [probe] if probe is not None else []
    return (model.to_domain(probes) if model is not None and not told else None), told


def _asking(item: ItemModel, file: str, key: str) -> Iterator[Problem]:
    """What is wrong with how the item is asked for; nothing is where it has no blueprint and no
    parameters.
    """
    for below, value, why, way_out in findings(item.parameters):
        yield Problem(file, f"{key}.{below}", shown(value) if value != "" else "", why, way_out)
    if item.blueprint and not (item.summary_vi and item.summary_en):
        why = "is missing: people choose by it"
        yield Problem(file, f"{key}.summary_vi", "", why, "write summary_vi and summary_en, a sentence each")
    if item.parameters and not item.blueprint:
        why = "are asked for nothing: the item names no blueprint"
        yield Problem(file, f"{key}.parameters", "", why, "name the blueprint, or remove them")


def _probe(raw: Any, file: str, key: str) -> tuple[Probe | None, list[Problem]]:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if isinstance(raw, dict) and (not isinstance(kind, str) or kind not in KINDS):
        why = "is missing" if kind is None else "is not a known kind of probe"
        value = "" if kind is None else shown(kind)
        return None, [
            Problem(file, f"{key}.kind", value, why, choose(str(kind or ""), KINDS, "remove the probe"))
        ]
    model, problems = validate(KINDS[kind] if isinstance(kind, str) else ProbeModel, raw, file, key)
    if model is None:
        return None, list(problems)
    if model.every is not None and model.timeout > model.every:
        why = f"is longer than the {model.every:g} seconds from one probe to the next"
        return None, [
            Problem(file, f"{key}.timeout", f"{model.timeout:g}", why, "wait shorter, or probe less often")
        ]
    return model.to_domain(), []


def _across(file: str, items: Sequence[Located[CatalogItem]], names: frozenset[str]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for place in items:
        item = place.value
        if item.name in seen:
            yield place.problem(
                "name", item.name, f"is already the name of {seen[item.name]}", "choose another name"
            )
        seen.setdefault(item.name, place.key)
        yield from _repeated(place, "probes", [probe.name for probe in item.probes])
        yield from _repeated(place, "metrics", [endpoint.name for endpoint in item.metrics])
        if item.kind != "server" and (item.probes or item.metrics):
            yield place.problem(
                "probes", "", "only servers are probed", "remove it, or make the item a server"
            )
        if item.slo and not item.probes:
            why = "promises what no probe looks at"
            yield place.problem("slo", item.slo.ratio, why, "add a probe, or remove the promise")
    if DEFAULT_ITEM not in names:
        why = f"has no item {DEFAULT_ITEM}, which every server is that names no other"
        yield Problem(file, "items", "", why, "add it; inventories/lab has an example")


def _repeated(place: Located[CatalogItem], key: str, names: Sequence[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            why = f"is already the name of {key}[{names.index(name)}]"
            yield place.problem(f"{key}[{index}].name", name, why, "choose another name")

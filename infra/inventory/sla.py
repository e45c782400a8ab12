"""`sla.yaml`: the contract classes, and which holds for whom; absent where nothing is promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from infra.domain.sla import Contract, Credit, Terms
from infra.errors import InventoryInvalid, Problem
from infra.inventory import document
from infra.inventory.schema import Strict, validate
from infra.inventory.value import Label, Name, refuse
from infra.inventory.wording import choose, shown


def _percent(value: float) -> float:
    if not 0 < value <= 100:
        raise refuse("is not a share in percent", "write a number above 0 and at most 100, such as 99.5")
    return value


def _workload(value: str) -> str:
    if value.count("/") != 1 or not all(value.split("/")):
        raise refuse("names no server of an agency", "write it like sxd/web")
    return value


Percent = Annotated[float, AfterValidator(_percent)]
Server = Annotated[str, AfterValidator(_workload)]


class CreditModel(Strict):
    below_percent: Percent
    credit_percent: Percent

    def to_domain(self) -> Credit:
        return Credit(_share(self.below_percent), Decimal(str(self.credit_percent)))


class ClassModel(Strict):
    objective_percent: Percent
    unknown: Literal["counts_down", "excluded"]
    credits: list[CreditModel] = Field(default_factory=list, max_length=20)


class SlaModel(Strict):
    """`agencies`, `items` and `workloads` name a class; the narrowest that is given holds."""

    default_class: Name
    classes: dict[Name, ClassModel] = Field(min_length=1, max_length=50)
    agencies: dict[Label, Name] = Field(default_factory=dict)
    items: dict[Name, Name] = Field(default_factory=dict)
    workloads: dict[Server, Name] = Field(default_factory=dict)

    def to_domain(self) -> Contract:
        classes = {
            name: Terms(
                name, _share(one.objective_percent), one.unknown,
                tuple(credit.to_domain() for credit in one.credits),
            )
            for name, one in self.classes.items()
        }  # fmt: skip
        return Contract(
            classes, self.default_class, dict(self.agencies), dict(self.items), dict(self.workloads)
        )

    def problems(self, file: str) -> Iterator[Problem]:
        """What is wrong between the file's own parts."""
        named = {"default_class": self.default_class}
        for key, given in (("agencies", self.agencies), ("items", self.items), ("workloads", self.workloads)):
            named |= {f"{key}.{name}": value for name, value in given.items()}
        for key, value in named.items():
            if value not in self.classes:
                way_out = choose(value, self.classes, "add the class")
                yield Problem(file, key, shown(value), "is not one of the classes", way_out)
        for name, one in self.classes.items():
            yield from _credit_problems(file, f"classes.{name}.credits", one)


def _credit_problems(file: str, key: str, one: ClassModel) -> Iterator[Problem]:
    before: CreditModel | None = None
    for index, credit in enumerate(one.credits):
        place = f"{key}[{index}].below_percent"
        if credit.below_percent > one.objective_percent:
            why = f"is above the objective of {one.objective_percent} %"
            yield Problem(
                file, place, str(credit.below_percent), why, "credit only what missed the objective"
            )
        if before is not None and (
            credit.below_percent >= before.below_percent or credit.credit_percent <= before.credit_percent
        ):
            why = "is no further step than the one before it"
            way_out = "order steps by falling below_percent and rising credit_percent"
            yield Problem(file, place, str(credit.below_percent), why, way_out)
        before = credit


def _share(percent: float) -> Decimal:
    return Decimal(str(percent)) / 100


def to_contract(value: Mapping[str, Any], file: str) -> tuple[Contract | None, tuple[Problem, ...]]:
    """A contract from what a file says, or all that is wrong with it."""
    model, problems = validate(SlaModel, value, file)
    if model is None:
        return None, problems
    wrong = tuple(model.problems(file))
    return (None, wrong) if wrong else (model.to_domain(), ())


def read_sla(path: Path) -> Contract:
    """The contract of a file alone, as a monitoring server has it. Raises InventoryInvalid."""
    source = document.read(path)
    if source.value is None:
        raise InventoryInvalid(list(source.problems))
    contract, problems = to_contract(source.value, source.file)
    if contract is None:
        raise InventoryInvalid(list(problems))
    return contract

"""sla.yaml: what is promised to whom, and what is wrong with a promise is told with its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from infra.domain.sla import Credit, Terms
from infra.errors import InventoryInvalid
from infra.inventory.sla import read_sla

from .conftest import Folder

FILE, STEPS = "sla.yaml", "classes.good.credits"
TEXT = """classes:
  good: {objective_percent: 99.95, unknown: counts_down,
         credits: [{below_percent: 99.95, credit_percent: 10}, {below_percent: 99, credit_percent: 25.5}]}
  usual: {objective_percent: 99, unknown: excluded}
default_class: usual
agencies: {sotc: good}
items: {web-server: good}
workloads: {sonv/web: good}
"""


def test_a_contract_is_read_exactly_also_by_a_server_alone(lab: Folder) -> None:
    lab.write(FILE, TEXT)
    contract = lab.load().contract
    assert contract is not None
    credits = (Credit(Decimal("0.9995"), Decimal(10)), Credit(Decimal("0.99"), Decimal("25.5")))
    assert contract.terms("sotc", "x", "") == Terms("good", Decimal("0.9995"), "counts_down", credits)
    assert contract.terms("sonv", "web", "").name == "good"
    assert contract.terms("sonv", "db", "").name == "usual"
    assert read_sla(lab.path / FILE) == contract


def test_without_the_file_nothing_is_promised(lab: Folder) -> None:
    (lab.path / FILE).unlink()
    assert lab.load().contract is None
    with pytest.raises(InventoryInvalid, match="there is no such file"):
        read_sla(lab.path / FILE)


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        ("_percent: 99.95,", "_percent: 0,", "classes.good.objective_percent", "is not a share"),
        ("unknown: excluded", "unknown: up", "classes.usual.unknown", "is not a known value"),
        ("default_class: usual", "default_class: usuall", "default_class", "is not one of"),
        ("items: {web-server: good}", "items: {web-server: best}", "items.web-server", "is not one of"),
        ("agencies: {sotc", "agencies: {sotx", "agencies.sotx", "is not the code of an agency"),
        ("{web-server: good}", "{web-servr: good}", "items.web-servr", "is not an item of the catalog"),
        ("sonv/web", "sonx/web", "workloads.sonx/web", "is not the code of an agency"),
        ("credit_percent: 25.5", "credit_percent: 5", f"{STEPS}[1].below_percent", "is no further"),
        ("below_percent: 99.95", "below_percent: 99.99", f"{STEPS}[0].below_percent", "is above"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(lab: Folder, old: str, new: str, key: str, why: str) -> None:
    assert old in TEXT
    lab.write(FILE, TEXT.replace(old, new, 1))
    problem = lab.problem()
    assert (problem.file, problem.key) == (str(lab.path / FILE), key)
    assert problem.why.startswith(why)

"""SLOs as data: what is wrong is told with its place; the rules that are shipped are those of the data."""

from __future__ import annotations

import re
from pathlib import Path

import promql_parser
import pytest
import yaml

from infra.domain.slo import BURNS, MINUTE_WINDOWS, QUARTER_WINDOWS
from monitoring.slo import SloInvalid, load_slos
from monitoring.slo_rules import FILE, SUMMED, main, rendered, rules

SLOS = load_slos()
RULES = [rule for group in rules(SLOS) for rule in group["rules"]]
TEXT = """slos:
  - name: api-availability
    title: "The APIs answer"
    description: "An answer is good."
    owner: cloud-operations
    per: [service]
    objective: 0.999
    events: {kind: counters, good: city_good_total, total: city_all_total}
    minimum_events: 20
    silence: 1h
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "platform.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_the_rules_that_are_shipped_are_those_of_the_slos() -> None:
    assert FILE.read_text(encoding="utf-8") == rendered(SLOS), "run python -m monitoring.slo_rules"


def test_an_slo_that_cannot_be_used_ends_with_2_and_leaves_the_rules_as_they_were(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    main(folder, file)
    before = file.read_text(encoding="utf-8")
    (folder / "platform.yaml").write_text(TEXT.replace("objective:", "objectiv:"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(folder, file)
    assert ended.value.code == 2
    assert "slos[0].objectiv = 0.999: is not a known key; did you mean objective?" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == before


def test_what_is_written_is_what_was_meant() -> None:
    assert yaml.safe_load(rendered(SLOS))["groups"] == rules(SLOS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("record") or rule["alert"])
def test_every_rule_is_promql_and_none_averages_ratios(rule: dict[str, str]) -> None:
    promql_parser.parse(rule["expr"])
    assert not re.search(r"\bavg|_over_time\(slo:city_(errors|burn)", rule["expr"])


def test_the_windows_and_factors_are_the_workbooks() -> None:
    told = {(burn.severity, burn.factor, burn.long, burn.short) for burn in BURNS}
    assert told == {("page", 14.4, "1h", "5m"), ("page", 6, "6h", "30m"), ("notice", 1, "3d", "6h")}
    assert set(SUMMED) == {*MINUTE_WINDOWS, *QUARTER_WINDOWS}


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.name)
def test_each_slo_has_every_alert_with_a_guard_for_few_events(slo: object) -> None:
    mine = [rule for rule in RULES if "alert" in rule and rule["labels"]["slo"] == slo.name]  # type: ignore[attr-defined]
    assert {rule["alert"] for rule in mine} == {*(burn.alert for burn in BURNS), "SloSeriesAbsent"}
    burning = [rule for rule in mine if rule["alert"] != "SloSeriesAbsent"]
    assert all(f">= {slo.minimum_events}" in rule["expr"] for rule in burning)  # type: ignore[attr-defined]


def test_a_workload_costs_thirty_series() -> None:
    """A thousand workloads: 30,000 series, two samples each a minute for the counts of a minute."""
    assert sum("record" in rule and rule["labels"]["slo"] == "workload-availability" for rule in RULES) == 30


@pytest.mark.parametrize(
    ("old", "new", "key", "why"),
    [
        ("objective: 0.999", "objective: 1.0", "slos[0].objective", "leaves no error budget"),
        ("objective: 0.999", "objective: 99.9", "slos[0].objective", "leaves no error budget"),
        ("silence: 1h", "silence: 2h", "slos[0].silence", "is not a known value"),
        ("per: [service]", "per: [window]", "slos[0].per[0]", "is not a label"),
        ("good: city_good_total", "good: 'sum(city'", "slos[0].events.good", "is no expression"),
        (", total: city_all_total", "", "slos[0].events.total", "is missing"),
        ("kind: counters", "kind: looks", "slos[0].events.fresh", "is missing: a gauge"),
        ("minimum_events: 20", "minimum_event: 20", "slos[0].minimum_event", "is not a known key"),
        ("owner: cloud-operations\n", "owner: 5\n", "slos[0].owner", "must be text"),
        ("slos:", "slo:", "slo", "is not a known key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder: Path, old: str, new: str, key: str, why: str) -> None:
    assert old in TEXT
    (folder / "platform.yaml").write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(SloInvalid) as refused:
        load_slos(folder)
    found = {problem.key: problem for problem in refused.value.problems}
    assert found[key].why.startswith(why)
    assert found[key].file == str(folder / "platform.yaml")
    assert found[key].way_out


def test_two_slos_of_one_name_are_refused_across_files(folder: Path) -> None:
    (folder / "agency.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(SloInvalid, match=r"platform.yaml: slos\[0\].name"):
        load_slos(folder)

"""The project's rules, times divided by one number: minutes of an alert are seconds of a test.

Divided are `for`, `interval`, ranges, offsets and those numbers in expressions that are seconds of the wall
clock. What does not depend on time (ratios, counts, what a multiple of an exporter's own interval is) stays:
exporters get intervals that are divided alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[3] / "monitoring/rules"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = r"(?:\d+(?:ms|[smhd]))+"
_IN_EXPRESSION = re.compile(rf"(?<=[\[:])({_DURATION})(?=[\]:])|(?<=offset )({_DURATION})")
# Rule -> numbers of its expression that are seconds, as they are written there.
_SECONDS: Mapping[str, tuple[str, ...]] = {
    "SnapshotStale": (", 60)",),
    "DiscoveryStale": ("> 300",),
}


class RuleChanged(Exception):
    """A number that is to be divided is no longer in its rule; say in `_SECONDS` which one took its place."""


def scaled(factor: float, names: Collection[str]) -> dict[str, Any]:
    """The rules of the files of these names in one document."""
    groups = []
    for path in sorted(RULES / f"{name}.yaml" for name in names):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            if "interval" in group:
                group["interval"] = shorter(group["interval"], factor)
            group["rules"] = [_rule(rule, factor) for rule in group["rules"]]
            groups.append(group)
    return {"groups": groups}


def shorter(duration: str, factor: float) -> str:
    """`1m30s` divided, in milliseconds: at least one, for none would be refused."""
    parts = re.findall(r"(\d+)(ms|[smhd])", duration)
    milliseconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    return f"{max(1, round(milliseconds / factor))}ms"


def _rule(rule: dict[str, Any], factor: float) -> dict[str, Any]:
    for key in ("for", "keep_firing_for"):
        if key in rule:
            rule[key] = shorter(rule[key], factor)
    text = str(rule["expr"])
    for number in _SECONDS.get(rule.get("alert", ""), ()):
        if number not in text:
            raise RuleChanged(f"{rule['alert']}: {number!r} is not in {text!r}")
        text = text.replace(number, re.sub(r"\d+", lambda found: f"{int(found[0]) / factor:g}", number))
    rule["expr"] = _IN_EXPRESSION.sub(lambda found: shorter(found[0], factor), text)
    return rule

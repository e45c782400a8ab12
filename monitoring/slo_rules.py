"""Recording rules and alerts from the SLOs. `python -m monitoring.slo_rules` writes `rules/slo.yaml`.

Everything is counts: the events of a minute are the difference of two looks at a counter (exact, and two
samples are read instead of a minute's), longer windows are sums of these, and a ratio is the quotient of two
sums. Averages of ratios, as other generators use them, are wrong as soon as traffic is uneven. A counter that
began anew counts from 0. Windows over six hours are summed from quarters of an hour, as a month has 43,200
minutes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from infra.domain.slo import (
    ABSENT_ALERT,
    BUDGET_WINDOW,
    BURNS,
    MINUTE_WINDOWS,
    QUARTER_WINDOWS,
    Burn,
    Slo,
)
from infra.errors import InfraError
from monitoring.slo import FOLDER, load_slos

FILE = Path(__file__).parent / "rules/slo.yaml"
GOOD, TOTAL = "slo:city_events_good:increase", "slo:city_events:increase"
ERRORS, OBJECTIVE = "slo:city_errors:ratio", "slo:city_objective:ratio"
BURN, LEFT = "slo:city_burn_rate:ratio", "slo:city_budget_left:ratio"
SUMMED = {
    "5m": "4m30s", "30m": "29m30s", "1h": "59m30s", "6h": "5h59m30s", "3d": "2d23h53m", "30d": "29d23h53m",
}  # fmt: skip
"""Ranges that hold as many counts as the window has minutes or quarters: a range has both its ends."""
SLOW_SECONDS = 240
"""Between evaluations of long windows; under five minutes, as Prometheus forgets what is older."""


def rules(slos: Sequence[Slo]) -> list[dict[str, Any]]:
    """Groups of rules. Those of an SLO that build on each other are in one group."""
    return [group for slo in slos for group in _groups(slo)]


def _groups(slo: Slo) -> Iterator[dict[str, Any]]:
    fast = [*_minute(slo), *_windows(slo, MINUTE_WINDOWS, "1m")]
    alerts = [_burn_alert(slo, burn) for burn in BURNS if burn.severity == "page"]
    yield {
        "name": f"slo-{slo.name}", "interval": "1m",
        "rules": [*fast, *alerts, _absent_alert(slo)],
    }  # fmt: skip
    yield {"name": f"slo-{slo.name}-quarter", "interval": "15m", "rules": list(_quarter(slo))}
    slow = [*_windows(slo, QUARTER_WINDOWS, "15m"), _budget(slo)]
    notices = [_burn_alert(slo, burn) for burn in BURNS if burn.severity == "notice"]
    yield {"name": f"slo-{slo.name}-slow", "interval": f"{SLOW_SECONDS}s", "rules": [*slow, *notices]}


def _minute(slo: Slo) -> Iterator[dict[str, Any]]:
    """Events of the minute, and the objective that holds."""
    events = slo.events
    if events.kind == "looks":
        fresh = ""
        if events.fresh is not None:
            age = f"city_exporter_collector_age_seconds{{collector={_text(events.fresh.collector)}}}"
            fresh = f" and on () (max({age}) < {events.fresh.seconds})"
        good = f"{_sum(slo, f'sum_over_time({_ranged(events.good)})')}{fresh}"
        total = f"{_sum(slo, f'count_over_time({_ranged(events.good)})')}{fresh}"
    else:
        good, total = _sum(slo, _difference(events.good)), _sum(slo, _difference(events.total))
    yield _record(GOOD, slo, good, "1m")
    yield _record(TOTAL, slo, total, "1m")
    # Of the last hour, so that errors of before are judged while nobody can look.
    seen = f"sum_over_time({_series(TOTAL, slo, '1m')}[{SUMMED['1h']}])"
    plain = f"max without (window) ({seen} * 0 + {slo.objective})"
    if slo.objective_from:
        own = f"max by ({', '.join(slo.per)}) ({slo.objective_from})"
        labelled = f"label_replace({own}, {_text('slo')}, {_text(slo.name)}, {_text('')}, {_text('')})"
        plain = f"({labelled} < 1) or {plain}"
    yield _record(OBJECTIVE, slo, plain)


def _difference(counter: str) -> str:
    """Events since a minute ago; after a restart those since the restart."""
    return f"({counter} - {counter} offset 1m >= 0) or ({counter} and {counter} offset 1m)"


def _ranged(gauge: str) -> str:
    return f"{gauge}[1m]"


def _quarter(slo: Slo) -> Iterator[dict[str, Any]]:
    for name in (GOOD, TOTAL):
        yield _record(name, slo, f"sum_over_time({_series(name, slo, '1m')}[14m30s])", "15m")


def _windows(slo: Slo, windows: Sequence[str], counted: str) -> Iterator[dict[str, Any]]:
    """Events, errors and burn of each window. Before the first quarter of an hour is counted, long windows
    are summed from minutes.
    """
    for window in windows:
        for name in (GOOD, TOTAL):
            expression = f"sum_over_time({_series(name, slo, counted)}[{SUMMED[window]}])"
            if counted != "1m":
                early = f"sum_over_time({_series(name, slo, '1m')}[{SUMMED['1h']}])"
                expression = f"{expression} or ignoring (window) {early}"
            yield _record(name, slo, expression, window)
        good, total = _series(GOOD, slo, window), _series(TOTAL, slo, window)
        yield _record(ERRORS, slo, f"clamp_min(1 - ({good} or {total} * 0) / ({total} > 0), 0)", window)
        allowed = f"(1 - {_series(OBJECTIVE, slo)})"
        yield _record(BURN, slo, f"{_series(ERRORS, slo, window)} / ignoring (window) {allowed}", window)


def _budget(slo: Slo) -> dict[str, Any]:
    return _record(LEFT, slo, f"1 - max without (window) ({_series(BURN, slo, BUDGET_WINDOW)})")


def _burn_alert(slo: Slo, burn: Burn) -> dict[str, Any]:
    long, short = (f"{_series(BURN, slo, window)} > {burn.factor:g}" for window in (burn.long, burn.short))
    enough = f"{_series(TOTAL, slo, burn.long)} >= {slo.minimum_events}"
    whose = "".join(f" {name} {{{{ $labels.{name} }}}}" for name in slo.per if name != "server_id")
    return {
        "alert": burn.alert,
        "expr": f"{long}\nand ignoring (window) {short}\nand ignoring (window) {enough}",
        "for": burn.hold,
        "labels": {"severity": burn.severity, "owner": slo.owner, "slo": slo.name},
        "annotations": {
            "summary": (
                f"{slo.title}: the error budget burns {{{{ $value | humanize }}}} times as fast as it may"
                f"{' for' + whose if whose else ''}"
            ),
            "description": (
                f"{slo.description} Errors of the last {burn.long} and of the last {burn.short} are more than"
                f" {burn.factor:g} times what the objective allows; that is {burn.spent}."
            ),
            "runbook_url": "{{ $externalURL }}/consoles/" + burn.alert + ".md",
        },
    }  # fmt: skip


def _absent_alert(slo: Slo) -> dict[str, Any]:
    """No event at all is no good news. `needed` keeps a site quiet that has nothing to watch, unless nobody
    can tell whether it has; what is optional stays quiet then, too.
    """
    expression = f"absent({_series(TOTAL, slo, slo.silence)} > 0)"
    if slo.needed:
        unknown = "" if slo.optional else " or absent(city_exporter_collector_success == 1)"
        expression += f"\nand on () (count({slo.needed}) > 0{unknown})"
    return {
        "alert": ABSENT_ALERT,
        "expr": expression,
        "for": "10m",
        "labels": {"severity": "notice", "owner": slo.owner, "slo": slo.name},
        "annotations": {
            "summary": f"Nobody knows whether this holds: {slo.title}",
            "description": (
                f"No event of the SLO {slo.name} was counted in the last {slo.silence}. Its alerts cannot"
                " fire until there are events again."
            ),
            "runbook_url": "{{ $externalURL }}/consoles/" + ABSENT_ALERT + ".md",
        },
    }  # fmt: skip


def _record(name: str, slo: Slo, expression: str, window: str = "") -> dict[str, Any]:
    labels = {"slo": slo.name, **({"window": window} if window else {})}
    return {"record": name, "expr": expression, "labels": labels}


def _series(name: str, slo: Slo, window: str = "") -> str:
    more = f", window={_text(window)}" if window else ""
    return f"{name}{{slo={_text(slo.name)}{more}}}"


def _sum(slo: Slo, expression: str) -> str:
    return f"sum by ({', '.join(slo.per)}) ({expression})"


def _text(value: str) -> str:
    return json.dumps(value)


def rendered(slos: Sequence[Slo]) -> str:
    """The rules' file: YAML in which every text is written as JSON, so that nothing in it can be taken for
    YAML.
    """
    lines = [
        "# Written by `python -m monitoring.slo_rules` from monitoring/slos; change it there.",
        "groups:",
    ]
    for group in rules(slos):
        lines += [f"  - name: {group['name']}", f"    interval: {group['interval']}", "    rules:"]
        for rule in group["rules"]:
            for number, (key, value) in enumerate(rule.items()):
                lines.append(
                    f"      {'-' if number == 0 else ' '} {key}: {json.dumps(value, ensure_ascii=False)}"
                )
    return "\n".join(lines) + "\n"


def main(folder: Path = FOLDER, file: Path = FILE) -> None:
    """Entry point. Ends with 2 when an SLO cannot be used; the rules stay as they were."""
    try:
        text = rendered(load_slos(folder))
    except InfraError as error:
        sys.stderr.write(f"{error} [{error.code}]\n")
        sys.exit(2)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

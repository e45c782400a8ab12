"""Faults: what is done to a stand, what has to be seen of it, and what was seen."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tests.cloud.monitoring.setting import FACTOR
from tests.cloud.monitoring.stand import PATIENCE_SECONDS, Series, Stand, heard, until

JOBS = ("capacity", "uptime")
PROJECTS = "faults-"
"""How the names of projects begin that faults make."""
SLOW = ("quotas", "drift")
"""Collectors that cost a call for each project or hypervisor; only faults that need them have them."""
_SELDOM = {"images", *SLOW}
"""Collectors that may or may not lap while a fault lasts."""
# What tells alerts of one name apart.
_WHICH = (
    "collector",
    "service",
    "hypervisor",
    "server",
    "host",
    "instance",
    "resource_class",
    "flavor",
    "job",
)
_LABELS = {
    "ExporterDown": "job",
    "AgentDown": "host",
    "AgencyWorkloadDown": "server_id",
    "AgencyServiceInterrupted": "server_id",
}
Failing = Mapping[str, Mapping[str, str]]
"""By job and collector: the code of its failures."""


@dataclass(frozen=True)
class Fault:
    """`strike` does it, `mend` undoes it. `fires` are alerts by name, each with the values that tell its
    series apart: exactly these fire, but for names in `later`, which follow when the fault lasts. `quiet` are
    the names that somebody might expect and that must not fire. `failing` are the collectors that fail.
    `lost` says whether a series that was there may go. `seen` looks at more and tells what it saw, sentence
    by sentence. `hold` is in seconds. `recall_seconds` is how old the cloud's answers may be; see
    `fault_proxy.Lane`; the service `direct` is asked each time. `inhibited` are held back by Alertmanager, of
    `partly` all but the one of this value. Times are divided by `factor`. `without` are collectors that are
    left out.
    """

    name: str
    title: str
    strike: Callable[[Stand], None]
    mend: Callable[[Stand], None]
    fires: Callable[[Stand], Mapping[str, set[str]]] = lambda stand: {}
    quiet: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    inhibited: tuple[str, ...] = ()
    failing: Failing = field(default_factory=dict)
    kept: str = "every series stays"
    lost: Callable[[Stand, str, Mapping[str, str]], bool] = lambda stand, name, labels: False
    seen: Callable[[Stand, Mapping[str, Series]], Iterable[str]] = lambda stand, before: ()
    hold: float = 10.0
    shifted: bool = False
    intervals: Mapping[str, float] = field(default_factory=dict)
    recall_seconds: float = 8.0
    direct: str = ""
    partly: Mapping[str, str] = field(default_factory=dict)
    factor: float = FACTOR
    without: tuple[str, ...] = SLOW


@dataclass
class Verdict:
    """What was seen of a fault, in the page's words, and what was not as it has to be."""

    title: str
    exported: str = ""
    fires: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def judge(fault: Fault, stand: Stand) -> Verdict:
    """Strike, look, mend, and see the stand become calm again."""
    verdict = Verdict(fault.title, quiet=[*fault.quiet])
    before = {job: stand.series(job) for job in JOBS}
    began = time.time()
    fault.strike(stand)
    struck = time.monotonic()
    expected = {name: {*which} for name, which in fault.fires(stand).items()}
    deadline = struck + PATIENCE_SECONDS
    while time.monotonic() < deadline and (
        time.monotonic() < struck + fault.hold or not _covers(_fired(stand, began), expected)
    ):
        time.sleep(0.5)
    after = {job: stand.series(job) for job in JOBS}
    fired = _fired(stand, began)
    _look_at_alerts(fault, fired, expected, verdict)
    _look_at_inhibited(fault, stand, verdict)
    notes = _noted(fault, stand, before, verdict)
    fault.mend(stand)
    failing = _look_at_collectors(fault, before, after, verdict)
    kept = _look_at_series(fault, stand, before, after, verdict)
    verdict.exported = "; ".join(part for part in (kept, failing, *notes) if part)
    try:
        until(lambda: not _left(stand, expected), "the fault's end", why=lambda: _left(stand, expected))
    except AssertionError as never:
        verdict.problems.append(str(never))
    verdict.seconds = time.time() - began
    return verdict


def _left(stand: Stand, expected: Mapping[str, set[str]]) -> list[str]:
    """What of the fault has not ended. Alerts on hours and days of events are not waited for."""
    firing = [alert["labels"] for alert in stand.alerts() if alert["state"] == "firing"]
    left = [str(labels) for labels in firing if labels["alertname"] in expected]
    for job in JOBS:
        told = stand.series(job)
        left += [] if told else [f"{job} says nothing"]
        left += [
            str(labels) for (name, labels), value in told.items()
            if name == "city_exporter_collector_success" and not value
        ]  # fmt: skip
    return left


def _noted(fault: Fault, stand: Stand, before: Mapping[str, Series], verdict: Verdict) -> list[str]:
    try:
        return [*fault.seen(stand, before)]
    except AssertionError as unseen:
        verdict.problems.append(f"{unseen}")
        return []


def which(labels: Mapping[str, str]) -> str:
    """What tells an alert from others of its name."""
    name = labels["alertname"]
    if name in _LABELS:
        return labels.get(_LABELS[name], "")
    found = next((labels[label] for label in _WHICH if labels.get(label)), "")
    return f"{labels['job']}/{found}" if name == "SnapshotStale" and "job" in labels else found


def _fired(stand: Stand, began: float) -> dict[str, set[str]]:
    """Alerts that have fired at any time since."""
    window = max(1, int((time.time() - began) * 1000))
    rows = stand.query(f'max_over_time(ALERTS{{alertstate="firing"}}[{window}ms])')
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if heard({"labels": row["metric"]}):
            found[row["metric"]["alertname"]].add(which(row["metric"]))
    return found


def _covers(fired: Mapping[str, set[str]], expected: Mapping[str, set[str]]) -> bool:
    return all(wanted <= fired.get(name, set()) for name, wanted in expected.items())


def _look_at_alerts(
    fault: Fault, fired: Mapping[str, set[str]], expected: Mapping[str, set[str]], verdict: Verdict
) -> None:
    for name in sorted(expected.keys() | fired.keys()):
        wanted, found = expected.get(name, set()), fired.get(name, set())
        if missing := wanted - found:
            verdict.problems.append(f"{name} did not fire for {sorted(missing)}")
        if name not in fault.later and (surplus := found - wanted):
            verdict.problems.append(f"{name} fired for {sorted(surplus)}")
        if name in fault.quiet and found - wanted:
            verdict.problems.append(f"{name} must be quiet")
    verdict.fires = [_shown(name, expected[name], fault) for name in sorted(expected)]
    verdict.later = [name for name in fault.later if name not in expected]


def _shown(name: str, series: set[str], fault: Fault) -> str:
    told = sorted(
        one for one in series if one in {"all"} or name in {"SnapshotStale", "ExporterDown", "ApiDown"}
    )
    shown = f"`{name}`" + (f" ({', '.join(told)})" if told else "")
    if name in fault.partly:
        return f"{shown}, inhibited but for {fault.partly[name]}"
    return f"{shown}, inhibited" if name in fault.inhibited else shown


def _look_at_inhibited(fault: Fault, stand: Stand, verdict: Verdict) -> None:
    """What people are told is what Alertmanager does not hold back."""

    def wrong() -> list[str]:
        held: dict[str, set[bool]] = defaultdict(set)
        told = stand.told()
        for alert in told:
            held[alert["labels"]["alertname"]].add(bool(alert["status"]["inhibitedBy"]))
        found = [f"{name} is not inhibited" for name in fault.inhibited if held.get(name, set()) != {True}]
        for name, cause in fault.partly.items():
            free = {which(alert["labels"]) for alert in told if not alert["status"]["inhibitedBy"]
                    and alert["labels"]["alertname"] == name}  # fmt: skip
            found += [] if free == {cause} else [f"of {name} not inhibited: {sorted(free)}"]
        return found + [
            f"{name} is inhibited" for name, by in held.items()
            if True in by and name not in {*fault.inhibited, *fault.partly, *fault.later}
        ]  # fmt: skip

    deadline = time.monotonic() + 10
    while wrong() and time.monotonic() < deadline:
        time.sleep(0.5)
    verdict.problems += wrong()


def _look_at_collectors(
    fault: Fault, before: Mapping[str, Series], after: Mapping[str, Series], verdict: Verdict
) -> str:
    told = []
    for job in JOBS:
        wanted = fault.failing.get(job, {})
        if not after[job]:
            continue
        found = failures(before[job], after[job])
        told += [f"{job}: " + ", ".join(f"`{one}`" for one in sorted(wanted))] if wanted else []
        for collector in sorted(wanted.keys() | found.keys() - _SELDOM):
            codes = found.get(collector, set())
            if not codes & {*wanted.get(collector, "").split("|")} or codes - {
                *wanted.get(collector, "").split("|")
            }:
                verdict.problems.append(
                    f"{job} {collector}: failures {sorted(codes)}, not {wanted.get(collector, 'none')}"
                )
            good = after[job].get(("city_exporter_collector_success", (("collector", collector),)))
            if collector in wanted and good != 0:
                verdict.problems.append(f"{job} {collector}: success is {good}")
    codes = {
        code for wanted in fault.failing.values() for told in wanted.values() for code in told.split("|")
    }
    if not told:
        return ""
    return (
        f"success 0 and failures by {', '.join(f'`{code}`' for code in sorted(codes))} of {'; '.join(told)}"
    )


def failures(before: Series, after: Series) -> dict[str, set[str]]:
    """Codes of the failures since, by collector. An exporter that was started anew counts from 0."""
    found: dict[str, set[str]] = defaultdict(set)
    for (name, labels), value in after.items():
        if name == "city_exporter_collector_failures_total" and value != before.get((name, labels), 0.0):
            told = dict(labels)
            found[told["collector"]].add(told["code"])
    return found


def _look_at_series(
    fault: Fault, stand: Stand, before: Mapping[str, Series], after: Mapping[str, Series], verdict: Verdict
) -> str:
    gone = [
        (name, dict(labels))
        for job in JOBS
        for name, labels in before[job].keys() - after[job].keys()
        if not name.startswith("city_exporter_") and not _passing(name, dict(labels))
    ]
    surplus = [(name, labels) for name, labels in gone if not fault.lost(stand, name, labels)]
    if surplus:
        verdict.problems.append(f"{len(surplus)} series went, such as {surplus[0]}")
    return fault.kept


def _passing(name: str, labels: Mapping[str, str]) -> bool:
    """Series that come and go with what is seen at the moment, or are of a project that another fault makes
    and deletes beside this one.
    """
    seldom = ("city_workload_since", "city_workload_probe_phase", "city_agency_probe_lateness")
    return labels.get("project", "").startswith(PROJECTS) or name.startswith(seldom)

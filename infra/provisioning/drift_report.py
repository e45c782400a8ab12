"""The report on drift as it is kept: JSON in the site's folder, metrics for Prometheus on its servers."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from infra.domain.drift import (
    KINDS,
    Delivered,
    DriftReport,
    Finding,
    Orphan,
    PropertyDrift,
    StackDrift,
    moment,
    oldest,
)
from infra.provisioning import textfile
from infra.provisioning.site import SiteContext

METRICS_FILE = "city_drift.prom"


def file_of(site_dir: Path) -> Path:
    """The last report of a site."""
    return site_dir / "drift.json"


def write_report(file: Path, report: DriftReport) -> None:
    """All at once, readable by the site's owner only: it names what agencies have."""
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    told = json.dumps(dataclasses.asdict(report), indent=1, ensure_ascii=False, default=str)
    fresh.write_text(told, encoding="utf-8")
    os.replace(fresh, file)


def read_report(file: Path) -> DriftReport | None:
    """The report that `write_report` left, None where there is none that this release understands."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        stacks = tuple(_stack(one) for one in told.pop("stacks"))
        orphans = tuple(Orphan(**one) for one in told.pop("orphans"))
        return DriftReport(**told, stacks=stacks, orphans=orphans)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def joined(before: DriftReport | None, now: DriftReport, codes: frozenset[str]) -> DriftReport:
    """`now`, and of stacks that still exist (`codes`) and were left out of it what `before` told. A stack
    that could not be read keeps the time of its last whole reading; so do the orphans.
    """
    if before is None:
        return now
    old = {stack.agency: stack for stack in before.stacks}
    read = [
        dataclasses.replace(stack, read_at=stack.read_at or _read_at(old.get(stack.agency)))
        for stack in now.stacks
    ]
    fresh = {stack.agency for stack in read}
    rest = [stack for stack in before.stacks if stack.agency in codes - fresh]
    every = tuple(sorted([*read, *rest], key=lambda stack: stack.agency))
    return dataclasses.replace(
        now, stacks=every, orphans_read_at=now.orphans_read_at or before.orphans_read_at
    )


def families(report: DriftReport) -> Iterator[Metric]:
    """What Prometheus is told. A stack that could not be read has no counts: unknown is not none."""
    counted = GaugeMetricFamily(
        "city_drift_resources",
        "Resources of the agency's zone that are not as the code says (citycloud zone drift).",
        labels=["agency", "kind"],
    )
    unread = GaugeMetricFamily(
        "city_drift_stack_unread", "Whether the agency's stack could not be read whole.", labels=["agency"]
    )
    read = GaugeMetricFamily(
        "city_drift_stack_read_timestamp_seconds",
        "When the agency's stack was last read whole, 0 for never.",
        labels=["agency"],
    )
    for stack in report.stacks:
        unread.add_metric([stack.agency], bool(stack.unread))
        read.add_metric([stack.agency], _seconds(stack.read_at))
        for kind in KINDS if not stack.unread else ():
            counted.add_metric([stack.agency, kind], stack.count(kind))
    yield from (counted, unread, read, *_orphan_families(report))
    taken = GaugeMetricFamily("city_drift_run_timestamp_seconds", "When drift was last looked for.")
    taken.add_metric([], _seconds(report.taken_at))
    last = GaugeMetricFamily("city_drift_run_duration_seconds", "Time that the last look for drift took.")
    last.add_metric([], report.seconds)
    yield from (taken, last)


def _orphan_families(report: DriftReport) -> Iterator[Metric]:
    counted = GaugeMetricFamily(
        "city_drift_orphans", "Things that no project, stack or request owns.", labels=["kind"]
    )
    made = GaugeMetricFamily(
        "city_drift_oldest_orphan_created_timestamp_seconds",
        "When the oldest orphan of the kind was made; absent where the cloud keeps no time of the kind.",
        labels=["kind"],
    )
    read = GaugeMetricFamily(
        "city_drift_orphans_read_timestamp_seconds", "When orphans were last looked for, 0 for never."
    )
    if not report.orphans_unread:
        for kind, count in sorted(Counter(orphan.kind for orphan in report.orphans).items()):
            counted.add_metric([kind], count)
        for kind, when in sorted(oldest(report.orphans).items()):
            made.add_metric([kind], when.timestamp())
    read.add_metric([], _seconds(report.orphans_read_at))
    yield from (counted, made, read)


def exposition(report: DriftReport) -> str:
    """The metrics in Prometheus' text form."""
    return textfile.exposition(lambda: families(report))


def deliver(site: SiteContext, report: DriftReport) -> Delivered:
    """Report into the site's folder, metrics to every monitoring server; tells which of them it did not
    reach.
    """
    file = file_of(site.paths.directory)
    write_report(file, report)
    reached, failures = textfile.deliver_text(site, METRICS_FILE, exposition(report))
    return Delivered(str(file), reached, failures)


def _seconds(when: str) -> float:
    told = moment(when)
    return told.timestamp() if told is not None else 0.0


def _read_at(before: StackDrift | None) -> str:
    return before.read_at if before is not None else ""


def _stack(told: Mapping[str, Any]) -> StackDrift:
    findings = tuple(
        Finding(**{**one, "changes": tuple(PropertyDrift(**change) for change in one["changes"])})
        for one in told["findings"]
    )
    return StackDrift(**{**told, "findings": findings})

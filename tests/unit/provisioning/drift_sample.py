"""A report on drift with one of everything, and the metrics that it makes."""

from __future__ import annotations

from infra.domain.drift import DriftReport, Finding, Orphan, PropertyDrift, StackDrift
from infra.provisioning.drift_report import families

TAKEN = "2026-11-24T03:00:00+00:00"


def make_finding(kind: str = "foreign", identity: str = "11112222", agency: str = "sxd") -> Finding:
    changes = (PropertyDrift("mtu", 1442, 1400),) if kind == "changed" else ()
    return Finding(
        identity, kind, agency, "openstack:networking/network:Network", "network", "net-1",  # type: ignore[arg-type]
        f"Network network: {kind}", "" if kind == "foreign" else "urn:1", changes,
        "2026-11-20T00:00:00+00:00" if kind == "foreign" else "",
    )  # fmt: skip


def make_orphan(kind: str = "volume", created: str = "2026-11-01T00:00:00+00:00") -> Orphan:
    return Orphan(
        f"{kind}-1"[:8], kind, "old", f"{kind}-id", "gone", created, f"{kind} old: its project is gone"
    )


def make_stack(agency: str, *findings: Finding, unread: str = "", read_at: str = TAKEN) -> StackDrift:
    return StackDrift(agency, f"lab-{agency}", 20, TAKEN, "" if unread else read_at, findings, unread)


def make_report(*stacks: StackDrift, orphans: tuple[Orphan, ...] = (), taken: str = TAKEN) -> DriftReport:
    return DriftReport("lab", taken, 1.5, stacks, orphans, taken)


REPORT = make_report(
    make_stack("sxd", make_finding(), make_finding("changed", "33334444")),
    make_stack("stc", unread="the cloud did not answer"),
    orphans=(make_orphan(), make_orphan("allocation", "")),
)
DRIFT = {family.name for family in families(REPORT)}

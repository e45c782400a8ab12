"""Faults of the cloud's services: what each does to the world of a stand, and what has to come of it."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.cloud.monitoring.fault import SLOW, Fault
from tests.cloud.monitoring.setting import INTERVALS
from tests.cloud.monitoring.stand import Series, Stand, until
from tests.cloud.provider.fault_proxy import Aim

ORDINARY = tuple(name for name in INTERVALS if name not in {"images", *SLOW})
GUESTS = ("AgencyWorkloadDown", "AgencyServiceInterrupted")
PLATFORM = ("HypervisorComputeDown", "HypervisorUnreachable", "AgentDown", *GUESTS)
WATCHERS = ("ExporterDown", "SnapshotStale", "CollectorFailing", "ApiDown")
CAPACITY = ("CapacityLow", "FlavorCapacityLow")
HOUR = 3600


def aimed(fault: str, service: str, **how: Any) -> Callable[[Stand], None]:
    """Every call to a service meets this."""

    def strike(stand: Stand) -> None:
        stand.lane.arm(Aim(fault, methods=(), server=re.escape(stand.services[service]), lasting=True, **how))

    return strike


def disarm(stand: Stand) -> None:
    stand.lane.disarm()


def stale(**jobs: Iterable[str]) -> set[str]:
    """SnapshotStale's series."""
    return {f"{job}/{collector}" for job, collectors in jobs.items() for collector in collectors}


def keystone_down() -> Fault:
    return Fault(
        "keystone-down", "Keystone is down",
        aimed("refused", "identity"), disarm,
        lambda stand: {
            "ApiDown": {"identity"},
            "SnapshotStale": stale(capacity=["projects"], uptime=["servers"]),
        },
        quiet=("ExporterDown", *PLATFORM, *CAPACITY), later=("CollectorFailing", "DiscoveryStale"),
        inhibited=("SnapshotStale",),
        failing={"capacity": {"projects": "unavailable"}, "uptime": {"servers": "unavailable"}},
        kept="every series stays with its age; tokens that are held go on being used",
        seen=lambda stand, before: _api_told(stand, "identity"),
    )  # fmt: skip


def started_without_keystone() -> Fault:
    def strike(stand: Stand) -> None:
        aimed("refused", "identity")(stand)
        for exporter in stand.exporters:
            exporter.end(signal.SIGKILL)
            exporter.start()
        for exporter in stand.exporters:
            exporter.ready()

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        facts = {
            name for name, _ in stand.series("capacity")
            if not name.startswith("city_exporter_")
        }  # fmt: skip
        assert not facts, f"an exporter that has read nothing tells {sorted(facts)}"
        since = stand.value("capacity", "city_exporter_collector_last_success_timestamp_seconds")
        assert since == 0, f"the last success is {since}"
        yield "last success 0, no age"

    return Fault(
        "started-without-keystone", "The exporters start while Keystone is down",
        strike, disarm,
        lambda stand: {
            "ApiDown": {"identity"},
            "SnapshotStale": stale(capacity=[*ORDINARY, "images"], uptime=["servers"]),
            "HypervisorComputeDown": {"all"}, "AgentDown": {"all"},
        },
        quiet=("ExporterDown", "HypervisorUnreachable", *GUESTS), inhibited=("SnapshotStale",),
        later=("CollectorFailing", "DiscoveryStale", "AgencyQuotaNearLimit", "AddressPoolLow", *CAPACITY),
        failing={
            "capacity": dict.fromkeys(ORDINARY, "unavailable"), "uptime": {"servers": "unavailable"},
        },
        kept="no fact, only `city_exporter_*`, which say so", lost=lambda stand, name, labels: True,
        seen=seen,
    )  # fmt: skip


def token_revoked(revoke: Callable[[str], None]) -> Fault:
    """`revoke` makes a token worthless, as its end does."""
    held = {"calls": 0, "logins": 0}

    def refused(stand: Stand) -> bool:
        """Whether Keystone refused a read that only exporters make."""
        return any(
            call.status == 401 and call.path.startswith(_LISTS) for call in stand.lane.calls[held["calls"] :]
        )

    def strike(stand: Stand) -> None:
        held["calls"], held["logins"] = len(stand.lane.calls), len(stand.lane.tokens)
        for token in [*stand.lane.tokens]:
            revoke(token)
        until(lambda: refused(stand), "a call is refused for its token")

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        assert len(stand.lane.tokens) > held["logins"], "nobody logged in again"
        yield "a call that Keystone refuses is made again with a new token"

    return Fault(
        "token-revoked", "The exporters' tokens expire", strike, disarm,
        quiet=(*WATCHERS, *PLATFORM), seen=seen, hold=20, direct="identity",
        kept="every series stays and is read as before: no lap is lost",
    )  # fmt: skip


_LISTS = ("/v3/projects", "/v3/domains")


def placement_slow() -> Fault:
    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        took = stand.value("capacity", "city_exporter_collector_duration_seconds", collector="capacity")
        assert took >= _SLOW_SECONDS, f"a lap took {took} s"
        good = stand.value("capacity", "city_exporter_collector_success", collector="capacity")
        assert good == 1, "the lap did not succeed"
        yield "the scrape is answered at its deadline and the lap goes on; the next one has its facts"

    return Fault(
        "placement-slow", "Placement is slow: a lap takes longer than a scrape may",
        aimed("slow", "placement", seconds=_SLOW_SECONDS), disarm,
        quiet=(*WATCHERS, *PLATFORM, *CAPACITY), seen=seen, hold=30,
        kept="every series stays, with an age of a few laps",
    )  # fmt: skip


_SLOW_SECONDS = 1.2


def placement_hangs() -> Fault:
    return Fault(
        "placement-hangs", "Placement takes calls and never answers",
        aimed("time-out before the effect", "placement"), disarm,
        lambda stand: {"ApiDown": {"placement"}, "SnapshotStale": stale(capacity=["capacity"])},
        quiet=("ExporterDown", *PLATFORM, *CAPACITY), later=("CollectorFailing",),
        inhibited=("SnapshotStale",),
        failing={"capacity": {"capacity": "unavailable|waited_too_long"}},
        kept="every series stays; all other collectors go on, each scrape is answered at its deadline",
        seen=lambda stand, before: _api_told(stand, "placement"),
    )  # fmt: skip


def nova_fails(hours: int = 0) -> Fault:
    """`hours` is how wrong the exporters' clock is meanwhile."""

    def strike(stand: Stand) -> None:
        stand.clock.write_text(str(hours * HOUR))
        time.sleep(5 if hours else 0)  # a lap succeeds by the wrong clock
        aimed("500", "compute")(stand)

    def mend(stand: Stand) -> None:
        stand.clock.write_text("0")
        disarm(stand)

    ahead = ", with the exporters' clock an hour ahead" if hours else ""
    return Fault(
        f"nova-fails-{hours}", f"nova-api answers 500{ahead}", strike, mend,
        lambda stand: {
            "ApiDown": {"compute"},
            "SnapshotStale": stale(capacity=["services", "capacity", "servers"], uptime=["servers"]),
        },
        quiet=("ExporterDown", *PLATFORM, *CAPACITY, "HypervisorUnwatched"),
        later=("CollectorFailing", "DiscoveryStale"), inhibited=("SnapshotStale",), shifted=bool(hours),
        failing={
            "capacity": dict.fromkeys(("services", "capacity", "servers"), "cloud_error"),
            "uptime": {"servers": "cloud_error"},
        },
        kept="every series stays with its age" + (", which no clock makes younger" if hours else ""),
        seen=lambda stand, before: _api_told(stand, "compute"),
    )  # fmt: skip


def _api_told(stand: Stand, service: str) -> Iterator[str]:
    down = {dict(labels)["service"] for (name, labels), value in stand.series("uptime").items()
            if name == "city_api_up" and not value}  # fmt: skip
    assert down == {service}, f"APIs that are down: {sorted(down)}"
    yield f'`city_api_up{{service="{service}"}}` 0, the others 1'


def project_deleted(make: Callable[[], tuple[str, str]], delete: Callable[[str], None]) -> Fault:
    """`make` gives (id, name) of a project, `delete` takes it away."""
    made = {"id": "", "name": ""}

    def strike(stand: Stand) -> None:
        made["id"], made["name"] = make()
        until(lambda: _of_project(stand), "the project's quotas are exported")
        aim = stand.lane.arm(
            Aim(
                "slow", methods=("GET",), path=f"os-quota-sets/{made['id']}", seconds=4.0,
                server=re.escape(stand.services["compute"]), lasting=True,
            )
        )  # fmt: skip
        until(lambda: aim.hits, "a lap asks for the project's quotas")
        delete(made["id"])
        laps = stand.value("capacity", "city_exporter_collector_laps_total", collector="quotas")
        until(
            lambda: (
                stand.value("capacity", "city_exporter_collector_laps_total", collector="quotas") >= laps + 2
            ),
            "two more laps",
        )

    def _of_project(stand: Stand) -> list[Any]:
        return [
            name for name, labels in stand.series("capacity")
            if name.startswith("city_agency_quota_") and dict(labels).get("project") == made["name"]
        ]  # fmt: skip

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        left = [
            name for name, labels in stand.series("capacity") if dict(labels).get("project") == made["name"]
        ]
        assert not left, f"of the deleted project there still is {sorted({*left})}"
        limited = stand.value("capacity", "city_exporter_collector_success", collector="quotas")
        assert limited == 1, "the lap failed"
        yield "the project's own end with the lap"

    return Fault(
        "project-deleted", "A project is deleted while a lap reads its quotas",
        strike, disarm, quiet=(*WATCHERS, *PLATFORM, "AgencyQuotaNearLimit"), seen=seen, hold=8,
        kept="every series of the others stays", intervals={"quotas": 10}, recall_seconds=5.0,
        without=("drift",),
    )  # fmt: skip

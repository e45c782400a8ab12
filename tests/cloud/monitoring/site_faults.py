"""Faults around the exporters: names, clocks, killed programs, a lost hypervisor."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.cloud.monitoring.fault import Fault
from tests.cloud.monitoring.service_faults import (
    CAPACITY,
    GUESTS,
    HOUR,
    ORDINARY,
    PLATFORM,
    WATCHERS,
    stale,
)
from tests.cloud.monitoring.stand import NAME, Series, Stand, until
from tests.cloud.provider.fault_proxy import Call


def names_unresolved() -> Fault:
    def strike(stand: Stand) -> None:
        stand.hosts.write_text("127.0.0.1 localhost\n")
        stand.lane.hasty = True

    def mend(stand: Stand) -> None:
        stand.hosts.write_text(f"127.0.0.1 localhost {NAME}\n")
        stand.lane.hasty = False

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        up = stand.value("uptime", "city_api_up")
        assert up == 0, f"{up} APIs are said to be up"
        yield "`city_api_up` 0 for all; guests are probed by address and stay up"

    return Fault(
        "names-unresolved", "The APIs' name does not resolve", strike, mend,
        lambda stand: {
            "ApiDown": {
                dict(labels)["service"] for name, labels in stand.series("uptime") if name == "city_api_up"
            },
            "SnapshotStale": stale(capacity=ORDINARY, uptime=["servers"]),
        },
        quiet=("ExporterDown", *PLATFORM, *CAPACITY), later=("CollectorFailing", "DiscoveryStale"),
        inhibited=("SnapshotStale",), partly={"ApiDown": "identity"},
        failing={"capacity": dict.fromkeys(ORDINARY, "unavailable"), "uptime": {"servers": "unavailable"}},
        kept="every series stays with its age", seen=seen,
    )  # fmt: skip


def clock_jumps() -> Fault:
    def strike(stand: Stand) -> None:
        for hours, seconds in ((1, 10), (-1, 30), (0, 2)):
            stand.clock.write_text(str(hours * HOUR))
            time.sleep(seconds)

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        after = stand.series("uptime")
        counted = "city_workload_condition_seconds_total"
        grown = {
            labels: value - before["uptime"].get((name, labels), 0.0)
            for (name, labels), value in after.items() if name == counted
        }  # fmt: skip
        assert grown, "no time was counted"
        assert max(grown.values()) < HOUR / 2, f"a jump was counted as time: {grown}"
        assert min(grown.values()) >= 0, f"a counter went back: {grown}"
        old = {job: max(_ages(stand.series(job))) for job in ("capacity", "uptime")}
        assert max(old.values()) < HOUR / 2, f"facts are {old} s old"
        yield (
            "ages and counted seconds go by a clock that does not jump; only `..._timestamp_seconds` tell "
            "the wrong time"
        )

    return Fault(
        "clock-jumps", "The exporters' clock jumps an hour ahead, then an hour back",
        strike, lambda stand: None, quiet=(*WATCHERS, "DiscoveryStale", *PLATFORM), seen=seen, shifted=True,
        hold=5,
    )  # fmt: skip


def _ages(series: Series) -> list[float]:
    return [value for (name, _), value in series.items() if name == "city_exporter_collector_age_seconds"]


def _stranded(stand: Stand, name: str, labels: Mapping[str, str]) -> bool:
    """What is free and of no use on a hypervisor on which nothing can be placed: not said."""
    return name.startswith("city_hypervisor_stranded_") and labels.get("hypervisor") == victim(stand)


def _counters(series: Series) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {key: value for key, value in series.items() if key[0] in _REMEMBERED}


_REMEMBERED = {
    "city_workload_condition_seconds_total",
    "city_workload_probes_total",
    "city_workload_probes_good_total",
}
_REMEMBER_SECONDS = 10.0  # from one writing of the uptime exporter's memory to the next


def _remembered(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
    after = stand.series("uptime")
    lost = {
        str(key): (value, after.get(key)) for key, value in _counters(before["uptime"]).items()
        if after.get(key, -1.0) < value - 2 * _REMEMBER_SECONDS
    }  # fmt: skip
    assert not lost, f"counters that were not remembered: {lost}"
    yield "after the restart counters go on where they were kept, at most ten seconds before the end"


def exporters_restarted() -> Fault:
    def strike(stand: Stand) -> None:
        time.sleep(12)  # the memory was written at least once
        for exporter in stand.exporters:
            exporter.end(signal.SIGKILL)
        time.sleep(0.5)
        for exporter in stand.exporters:
            exporter.start()
        for exporter in stand.exporters:
            exporter.ready()

    return Fault(
        "exporters-restarted", "The exporters are killed, and systemd starts them again",
        strike, lambda stand: None, quiet=(*WATCHERS, *PLATFORM, "SloSeriesAbsent"), seen=_remembered,
        hold=25, factor=3,
        kept="every series is back with the first laps",
    )  # fmt: skip


def exporters_gone() -> Fault:
    def strike(stand: Stand) -> None:
        for exporter in stand.exporters:
            exporter.end(signal.SIGKILL)

    def mend(stand: Stand) -> None:
        for exporter in stand.exporters:
            exporter.start()

    return Fault(
        "exporters-gone", "The exporters are killed, and nobody starts them again", strike, mend,
        lambda stand: {
            "ExporterDown": {"capacity", "uptime"}, "SnapshotStale": {"all"}, "ApiDown": {"all"},
            "HypervisorComputeDown": {"all"}, "AgentDown": {"all"},
        },
        quiet=("HypervisorUnreachable", "HypervisorUnwatched", *GUESTS),
        later=("DiscoveryStale", "AgencyQuotaNearLimit", "AddressPoolLow", *CAPACITY),
        inhibited=("SnapshotStale", "ApiDown", "HypervisorComputeDown", "AgentDown"),
        kept="nothing; `up` 0", lost=lambda stand, name, labels: True,
    )  # fmt: skip


def prometheus_restarted() -> Fault:
    kept: dict[str, Any] = {}

    def strike(stand: Stand) -> None:
        hypervisor = victim(stand)
        stand.edits.append(nova_misses(hypervisor, stand))
        until(lambda: _started(stand), "Alertmanager has the alert")
        until(lambda: _pending_since(stand), "an alert of half an hour is pending")
        kept["started"], kept["since"] = _started(stand), _pending_since(stand)
        time.sleep(12)  # more than Prometheus will be away, by which it moves the beginning
        kept["killed"] = time.time()
        stand.prometheus.end(signal.SIGKILL)
        time.sleep(3)
        stand.prometheus.start()
        stand.prometheus.ready()
        until(lambda: stand.query(f'ALERTS{{alertname="{_FIRING}",alertstate="firing"}}'), "it fires again")

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        assert _started(stand) == kept["started"], "for people the alert ended and began anew"
        since = float(_pending_since(stand))
        assert since < kept["killed"], f"{_PENDING} was pending since {kept['since']}, now since {since}"
        yield (
            "what fires goes on for people without an end; what has to wait for ten minutes or more does not "
            "begin to wait anew (`ALERTS_FOR_STATE`)"
        )

    return Fault(
        "prometheus-restarted",
        "Prometheus is killed and started again, with one alert firing and one pending",
        strike,
        lambda stand: stand.edits.clear(),
        lambda stand: {_FIRING: {victim(stand)}},
        quiet=(*WATCHERS, "HypervisorUnreachable", "TargetAbsent", "SloSeriesAbsent", *GUESTS), seen=seen,
        later=CAPACITY, hold=10, lost=_stranded, kept="",
    )  # fmt: skip


_FIRING, _PENDING = "HypervisorComputeDown", "CapacityHostLossUnsafe"


def _started(stand: Stand) -> str:
    found = [alert["startsAt"] for alert in stand.told() if alert["labels"]["alertname"] == _FIRING]
    return found[0] if found else ""


def _pending_since(stand: Stand) -> str:
    found = stand.query(f'ALERTS_FOR_STATE{{alertname="{_PENDING}"}}')
    return str(found[0]["value"][1]) if found else ""


def hypervisor_lost() -> Fault:
    def strike(stand: Stand) -> None:
        name = victim(stand)
        stand.edits += [nova_misses(name, stand), neutron_misses(name, stand)]
        stand.node_wires[name].cut()
        for wire in stand.guest_wires[name].values():
            wire.cut()

    def mend(stand: Stand) -> None:
        stand.edits.clear()
        stand.node_wires[victim(stand)].mend()
        for wire in stand.guest_wires[victim(stand)].values():
            wire.mend()

    def fires(stand: Stand) -> Mapping[str, set[str]]:
        guests = {*stand.guest_wires[victim(stand)]}
        return {
            "HypervisorUnreachable": {victim(stand)}, "HypervisorComputeDown": {victim(stand)},
            "AgentDown": {victim(stand)}, "AgencyWorkloadDown": guests, "AgencyServiceInterrupted": guests,
        }  # fmt: skip

    def seen(stand: Stand, before: Mapping[str, Series]) -> Iterator[str]:
        up = stand.value("capacity", "city_hypervisor_service_up", hypervisor=victim(stand))
        assert up == 0, "nova-compute is said to be up"
        silent = [
            stand.value("uptime", "city_workload_up", server_id=one)
            for one in stand.guest_wires[victim(stand)]
        ]
        assert not any(silent), "its servers are said to be up"
        absorbed = stand.value("capacity", "city_largest_hypervisor_loss_absorbable")
        yield (
            "`city_hypervisor_service_up` and its servers' `city_workload_up` 0 with the reason; its room is "
            "no longer free, and the next loss is judged without it"
        )
        assert absorbed == 0, "the loss of the next one is said to be absorbable"

    return Fault(
        "hypervisor-lost", "A hypervisor is lost with its servers", strike, mend, fires,
        quiet=(*WATCHERS, "HypervisorUnwatched"), later=CAPACITY,
        inhibited=("HypervisorComputeDown", "AgencyWorkloadDown", "AgentDown"), seen=seen,
        kept="every series stays, but what is stranded there (`city_hypervisor_stranded_*`)",
        lost=lambda stand, name, labels: (
            name == "city_workload_probe_duration_seconds" or _stranded(stand, name, labels)
        ),
    )  # fmt: skip


def victim(stand: Stand) -> str:
    """The hypervisor with the fewest servers that has one."""
    return min((len(wires), name) for name, wires in stand.guest_wires.items() if wires)[1]


def nova_misses(hypervisor: str, stand: Stand) -> Callable[[Call, bytes], bytes]:
    """Nova's answers while it has not heard of a hypervisor."""
    nova = stand.services["compute"]

    def edit(call: Call, body: bytes) -> bytes:
        path = call.path.partition("?")[0]
        if call.server != nova or not path.endswith(
            ("/os-services", "/os-hypervisors", "/os-hypervisors/detail")
        ):
            return body
        told = json.loads(body)
        for service in told.get("services", ()):
            if service["host"] == hypervisor:
                service["state"] = "down"
        for one in told.get("hypervisors", ()):
            if one["hypervisor_hostname"] == hypervisor:
                one["state"] = "down"
        return json.dumps(told).encode()

    return edit


def neutron_misses(host: str, stand: Stand) -> Callable[[Call, bytes], bytes]:
    neutron = stand.services["network"]

    def edit(call: Call, body: bytes) -> bytes:
        if call.server != neutron or not call.path.partition("?")[0].endswith("/agents"):
            return body
        told = json.loads(body)
        for agent in told.get("agents", ()):
            agent["alive"] = agent["alive"] and agent["host"] != host
        return json.dumps(told).encode()

    return edit

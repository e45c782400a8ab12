"""The canary exporter: what a run says when a step fails, and that nothing of a run stays."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.cloud.canary import Leftover, Perch, Place
from infra.cloud.errors import QuotaReached, Refused, Unavailable, WaitedTooLong, WentWrong
from infra.errors import InfraError
from monitoring.exporters import canary
from monitoring.exporters.canary import Canary, NoAnswer, reason_of

SOURCES = ("192.0.2.0/24",)
CANARY = {
    "city_canary_up": ("hypervisor",),
    "city_canary_runs_good": ("hypervisor",),
    "city_canary_runs": ("hypervisor",),
    "city_canary_failures": ("hypervisor", "step", "reason"),
    "city_canary_last_step_seconds": ("hypervisor", "step"),
    "city_canary_last_run_timestamp_seconds": ("hypervisor",),
    "city_canary_last_success_timestamp_seconds": ("hypervisor",),
    "city_canary_step_duration_seconds": ("hypervisor", "step"),
    "city_canary_skipped": ("hypervisor", "reason"),
    "city_canary_interval_seconds": (),
    "city_canary_leftovers": ("kind",),
    "city_canary_swept": ("kind",),
}


@dataclass
class Sky:
    """The cloud's side: what is there, and which step fails with what."""

    perches: list[Perch] = field(default_factory=lambda: [Perch("hv1", "hv1", "flavor", "image")])
    there: dict[str, str] = field(default_factory=dict)
    failing: dict[str, InfraError] = field(default_factory=dict)
    answering: bool = True

    def fail(self, step: str) -> None:
        if step in self.failing:
            raise self.failing[step]

    def place(self, cloud: Any, sources: Any) -> Place:
        self.fail("place")
        return Place("network", "outside", "group")

    def take_address(self, cloud: Any, where: Place, perch: Perch, watcher: str) -> dict[str, str]:
        self.fail("address")
        self.there[f"address of {perch.hypervisor}"] = "floating_ip"
        return {"id": "address", "floating_ip_address": "203.0.113.9"}

    def boot(self, cloud: Any, where: Place, perch: Perch, watcher: str, deadline: Any) -> dict[str, str]:
        self.there[f"server of {perch.hypervisor}"] = "server"
        self.fail("boot")
        return {"id": f"server of {perch.hypervisor}"}

    def leftovers(self, cloud: Any, where: Place, watcher: str, hypervisor: str = "") -> list[Leftover]:
        return [Leftover(kind, one) for one, kind in self.there.items() if one.endswith(hypervisor)]

    def remove(self, cloud: Any, thing: Leftover, deadline: Any) -> None:
        self.fail("delete")
        self.fail(f"delete {thing.id}")
        del self.there[thing.id]


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Sky:
    made = Sky()
    for name in ("place", "take_address", "boot", "leftovers", "remove"):
        monkeypatch.setattr(canary.cloud_side, name, getattr(made, name))
    monkeypatch.setattr(canary.cloud_side, "perches", lambda cloud: made.perches)
    monkeypatch.setattr(canary.cloud_side, "attach_address", lambda cloud, server, address: None)
    return made


@pytest.fixture
def bird(sky: Sky) -> Canary:
    return Canary(
        None,  # type: ignore[arg-type]  # nothing of it is used: the cloud's side is `sky`
        "mon1", SOURCES, 900.0, 60.0, reach=lambda address, seconds: sky.answering, clock=lambda: 1000.0,
    )  # fmt: skip


def samples(bird: Canary) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in bird.families()
        for sample in family.samples
    }


def test_the_families_are_those_of_the_table(bird: Canary) -> None:
    found = {family.name: tuple(family._labelnames) for family in bird.families()}  # type: ignore[attr-defined]
    assert found == CANARY


def test_a_good_run_counts_each_step_and_leaves_nothing(bird: Canary, sky: Sky) -> None:
    bird.round(threading.Event())
    found = samples(bird)
    assert found["city_canary_up", "hv1"] == 1
    assert found["city_canary_runs_good_total", "hv1"] == found["city_canary_runs_total", "hv1"] == 1
    for step in canary.STEPS:
        assert found["city_canary_step_duration_seconds_count", "hv1", step] == 1
        assert found["city_canary_step_duration_seconds_bucket", "hv1", step, "120.0"] == 1
    assert found["city_canary_last_success_timestamp_seconds", "hv1"] == 1000.0
    assert sky.there == {}


@pytest.mark.parametrize(
    ("step", "error", "reason"),
    [
        ("address", QuotaReached("no more addresses"), "quota"),
        ("boot", WentWrong("No valid host was found."), "no_valid_host"),
        ("boot", WaitedTooLong("waited 60 s"), "timeout"),
        ("delete", Unavailable("no answer"), "unavailable"),
    ],
)
def test_a_failed_step_is_named_with_its_reason_and_what_was_made_goes(
    bird: Canary, sky: Sky, step: str, error: InfraError, reason: str
) -> None:
    sky.failing[step] = error
    bird.round(threading.Event())
    found = samples(bird)
    assert found["city_canary_up", "hv1"] == 0
    assert found["city_canary_failures_total", "hv1", step, reason] == 1
    assert found["city_canary_runs_total", "hv1"] == 1
    assert found["city_canary_runs_good_total", "hv1"] == 0
    assert found["city_canary_last_success_timestamp_seconds", "hv1"] == 0
    assert (sky.there == {}) == (step != "delete")


def test_a_server_that_does_not_answer_is_a_failed_reach(bird: Canary, sky: Sky) -> None:
    sky.answering = False
    bird.round(threading.Event())
    assert samples(bird)["city_canary_failures_total", "hv1", "reach", "no_answer"] == 1
    assert sky.there == {}


def test_what_a_killed_run_left_is_removed_before_the_next(bird: Canary, sky: Sky) -> None:
    sky.there = {"server-0": "server", "address-0": "floating_ip"}
    bird.round(threading.Event())
    found = samples(bird)
    assert found["city_canary_swept_total", "server"] == found["city_canary_swept_total", "floating_ip"] == 1
    assert found["city_canary_leftovers", "server"] == 0
    assert sky.there == {}


def test_what_cannot_be_removed_is_told(bird: Canary, sky: Sky) -> None:
    sky.there = {"server-0": "server"}
    sky.failing["delete"] = Unavailable("no answer")
    sky.perches = []
    bird.round(threading.Event())
    found = samples(bird)
    assert (found["city_canary_leftovers", "server"], found["city_canary_swept_total", "server"]) == (1, 0)


def test_what_cannot_be_removed_keeps_no_canary_waiting(bird: Canary, sky: Sky) -> None:
    sky.there = {"server of hv0": "server", "address of hv0": "floating_ip"}
    sky.failing["delete server of hv0"] = WaitedTooLong("its hypervisor is dead")
    bird.round(threading.Event())
    found = samples(bird)
    assert found["city_canary_up", "hv1"] == 1
    assert found["city_canary_leftovers", "server"] == 1
    assert found["city_canary_swept_total", "floating_ip"] == 1
    assert sky.there == {"server of hv0": "server"}


def test_what_a_run_could_not_remove_is_told_at_once(bird: Canary, sky: Sky) -> None:
    sky.failing["delete server of hv1"] = WaitedTooLong("it is still there")
    bird.round(threading.Event())
    found = samples(bird)
    assert found["city_canary_failures_total", "hv1", "delete", "timeout"] == 1
    assert (found["city_canary_leftovers", "server"], found["city_canary_leftovers", "floating_ip"]) == (1, 0)


def test_runs_beside_each_other_leave_each_other_s_things_alone(sky: Sky) -> None:
    sky.perches = [Perch(f"hv{number}", "h", "flavor", "image") for number in range(3)]
    gate = threading.Barrier(3)  # all three stand before the first is deleted

    def reach(address: str, seconds: float) -> bool:
        gate.wait(timeout=30)
        return address != ""

    bird = Canary(None, "mon1", SOURCES, 900.0, 60.0, at_once=3, reach=reach)  # type: ignore[arg-type]
    bird.round(threading.Event())
    found = samples(bird)
    assert [found["city_canary_up", f"hv{number}"] for number in range(3)] == [1, 1, 1]
    assert sky.there == {}


def test_a_hypervisor_that_is_skipped_has_its_reason_and_one_that_vanished_has_nothing(
    bird: Canary, sky: Sky
) -> None:
    bird.round(threading.Event())
    sky.perches = [Perch("hv2", "hv2", skipped="disabled")]
    bird.round(threading.Event())
    found = samples(bird)
    assert found["city_canary_skipped", "hv2", "disabled"] == 1
    assert ("city_canary_up", "hv1") not in found


def test_each_reason_is_one_of_the_readme_s() -> None:
    errors = [NoAnswer(""), QuotaReached(""), Refused(""), WaitedTooLong(""), WentWrong("broken")]
    assert [reason_of(error) for error in errors] == ["no_answer", "quota", "refused", "timeout", "error"]
    assert reason_of(Unavailable("")) == "unavailable"


def test_a_round_that_could_not_begin_is_tried_again_soon(bird: Canary, sky: Sky) -> None:
    sky.failing["place"] = Unavailable("the cloud is just coming up")
    pauses: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            if len(pauses) == 2:
                sky.failing.clear()
            if len(pauses) == 3:
                self.set()
            return self.is_set()

    bird.work(Stop())
    settle, again, usual = pauses
    assert settle == canary.SETTLE_SECONDS
    assert again <= canary.RETRY_SECONDS < usual <= 900.0

"""What the public status page and the approver's page say of the cloud, by canned answers of Prometheus."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import httpx
import promql_parser
import pytest

from infra.domain.quota import Quota
from infra.domain.request import Request, RequestItem, RequestState
from infra.portal import capacity, status
from infra.portal.interface import Capacity
from infra.portal.joined import Kept
from infra.portal.service.ground import UNKNOWN_CAPACITY
from infra.portal.status import CloudView, together
from monitoring.prometheus import MonitoringUnreachable
from tests.unit.monitoring.exported import OURS, family, selected

ADDRESS = "192.0.2.5"
NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
GIB = float(1024**3)
Fact = tuple[dict[str, str], float]
ALL_UP: list[Fact] = [
    ({"asked": "api", "service": one}, 1)
    for one in ("identity", "compute", "placement", "image", "network", "block-storage")
]
CANARIES: list[Fact] = [({"asked": "canary_good"}, 3)]
LABELS = ["Signing in", "Creating and steering servers", "Networks", "Volumes"]


class Answering(httpx.BaseTransport):
    """A Prometheus that says the same to every query, or fails."""

    def __init__(self, facts: Sequence[Fact] | None) -> None:
        self.facts = facts
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.params["query"])
        if self.facts is None:
            raise httpx.ConnectTimeout("nobody answers")
        result = [{"metric": labels, "value": [1.0, str(value)]} for labels, value in self.facts]
        body = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return httpx.Response(200, content=json.dumps(body))


def view(facts: Sequence[Fact] | None) -> CloudView:
    return CloudView(ADDRESS, Answering(facts))


def states(facts: Sequence[Fact] | None) -> dict[str, str]:
    return {one.label.en: one.state for one in view(facts).status()}


def changed(service: str, value: float) -> list[Fact]:
    return [(labels, value if labels["service"] == service else found) for labels, found in ALL_UP]


@pytest.mark.parametrize("name", [*status.OF_PARTS, *capacity.QUESTIONS])
def test_a_question_is_promql_over_metrics_that_exist(name: str) -> None:
    asked = {**status.OF_PARTS, **capacity.QUESTIONS}[name]
    found = selected(asked)
    assert found
    assert {family(one) for one in found} <= OURS | {"ALERTS"}


@pytest.mark.parametrize("questions", [status.OF_PARTS, capacity.QUESTIONS], ids=["status", "capacity"])
def test_all_questions_are_one_query(questions: Mapping[str, str]) -> None:
    promql_parser.parse(together(questions))


def test_where_everything_answers_everything_is_up() -> None:
    assert states([*ALL_UP, *CANARIES]) == dict.fromkeys(LABELS, "up")


@pytest.mark.parametrize(
    ("service", "part"),
    [("identity", LABELS[0]), ("compute", LABELS[1]), ("image", LABELS[1]), ("network", LABELS[2]),
     ("block-storage", LABELS[3])],
)  # fmt: skip
def test_an_api_that_is_down_takes_its_part_down_and_no_other(service: str, part: str) -> None:
    found = states([*changed(service, 0), *CANARIES])
    assert found == {label: "down" if label == part else "up" for label in LABELS}


@pytest.mark.parametrize(
    ("fact", "part"),
    [
        (({"asked": "burning", "service": "identity"}, 1.0), LABELS[0]),
        (({"asked": "agent", "service": "network"}, 2.0), LABELS[2]),
        (({"asked": "agent", "service": "volume"}, 1.0), LABELS[3]),
        (({"asked": "canary_bad"}, 1.0), LABELS[1]),
        (({"asked": "creation_burning"}, 1.0), LABELS[1]),
    ],
)
def test_what_fails_in_part_is_told_in_both_languages(fact: Fact, part: str) -> None:
    found = {one.label.en: one for one in view([*ALL_UP, *CANARIES, fact]).status()}
    assert {label: one.state for label, one in found.items()} == {
        label: "degraded" if label == part else "up" for label in LABELS
    }
    assert found[part].note.vi
    assert found[part].note.en


def test_where_no_canary_works_no_server_can_be_made_whatever_the_apis_say() -> None:
    assert states([*ALL_UP, ({"asked": "canary_bad"}, 2)])[LABELS[1]] == "down"


def test_what_nobody_knows_is_unknown_and_not_good() -> None:
    assert states([]) == dict.fromkeys(LABELS, "unknown")
    assert states(None) == dict.fromkeys(LABELS, "unknown")
    assert [one.state for one in CloudView("").status()] == ["unknown"] * 4
    assert states(ALL_UP[:1])[LABELS[0]] == "up"
    assert states(ALL_UP[:1])[LABELS[2]] == "unknown"


def test_prometheus_is_asked_once_for_many_pages_also_when_it_does_not_answer() -> None:
    for facts in (ALL_UP, None):
        transport = Answering(facts)
        asked = CloudView(ADDRESS, transport)
        for _ in range(5):
            asked.status()
        assert len(transport.asked) == 1


class Hands:
    """Time that a test moves, and a call that it lets fail."""

    def __init__(self) -> None:
        self.now, self.calls, self.fails = 0.0, 0, False

    def call(self) -> int:
        self.calls += 1
        if self.fails:
            raise MonitoringUnreachable("nobody answers")
        return self.calls

    def clock(self) -> float:
        return self.now


def kept(hands: Hands, call: Callable[[], Any] | None = None, patience: float = 5.0) -> Kept[Any]:
    return Kept(
        call or hands.call, "test", fresh=15, stale=120, patience=patience, stopwatch=hands.clock
    )  # fmt: skip


def test_an_answer_is_kept_for_a_while_and_counts_for_longer_when_no_other_comes() -> None:
    hands = Hands()
    asked = kept(hands)
    assert (asked.value(), asked.value()) == (1, 1)
    hands.now = 16
    assert asked.value() == 2
    hands.now, hands.fails = 40, True
    assert asked.value() == 2
    hands.now = 16 + 119
    assert asked.value() == 2
    hands.now = 16 + 121
    assert asked.value() is None


def test_a_page_does_not_wait_for_what_hangs_and_takes_its_answer_when_it_comes() -> None:
    hands, go_on, done = Hands(), threading.Event(), threading.Event()

    def slow() -> str:
        go_on.wait(30)
        return "late"

    asked = kept(hands, slow, patience=0.01)
    assert asked.value() is None
    assert asked.value() is None
    joined = asked._joined.start()
    joined.add_done_callback(lambda _: done.set())
    go_on.set()
    assert done.wait(30)
    assert asked.value() == "late"


# Capacity -------------------------------------------------------------------------------------------------


def make_request(*items: tuple[str, int]) -> Request:
    parts = tuple(
        RequestItem("plain-server", "plain-server/1", count, {"size": flavor, "ssh_key": "x"},
                    Quota(instances=1) if flavor else Quota(networks=1))
        for flavor, count in items
    )  # fmt: skip
    return Request(
        "r1", 1, "sotc", "an", "An", RequestState.SUBMITTED, parts, "Thử", date(2027, 6, 30), "", False, 1, 1,
        1, NOW, NOW,
    )  # fmt: skip


def flavor_facts(name: str, fits: int, elsewhere: int, cores: int, gib: float) -> list[Fact]:
    of = {"flavor": name}
    return [
        ({"asked": "fits", **of}, fits), ({"asked": "fits_elsewhere", **of}, elsewhere),
        ({"asked": "VCPU", **of}, cores), ({"asked": "MEMORY_MB", **of}, gib * GIB),
        ({"asked": "DISK_GB", **of}, 0),
    ]  # fmt: skip


def room_facts(cores: float = 100, gib: float = 100, absorbable: int = 1) -> list[Fact]:
    return [
        *flavor_facts("small", 40, 25, 1, 1), *flavor_facts("large", 9, 6, 4, 8),
        ({"asked": "left", "resource_class": "VCPU"}, cores),
        ({"asked": "left", "resource_class": "MEMORY_MB"}, gib * GIB),
        ({"asked": "left", "resource_class": "DISK_GB"}, -5 * GIB),
        ({"asked": "absorbable"}, absorbable),
    ]  # fmt: skip


def numbers(found: Capacity) -> tuple[int | None, int | None, int | None]:
    return found.before, found.after, found.after_n_1


def test_what_is_asked_for_is_taken_off_what_fits() -> None:
    assert numbers(view(room_facts()).capacity(make_request(("small", 3)))) == (40, 37, 22)


def test_without_the_largest_hypervisor_the_scarcest_class_decides() -> None:
    assert numbers(view(room_facts(gib=20)).capacity(make_request(("small", 3)))) == (40, 37, 17)
    assert numbers(view(room_facts(cores=2)).capacity(make_request(("small", 3)))) == (40, 37, -1)


def test_where_running_servers_would_find_no_place_nothing_new_fits_and_it_says_so() -> None:
    found = view(room_facts(absorbable=0)).capacity(make_request(("small", 3)))
    assert numbers(found) == (40, 37, -3)
    assert "largest hypervisor" in found.note.en
    assert found.note.vi


def test_of_several_sizes_the_one_is_told_of_which_the_fewest_are_left() -> None:
    found = view(room_facts()).capacity(make_request(("small", 8), ("large", 1)))
    # eight small ones hold eight cores and eight GiB: as much as two large ones by the scarcer
    assert numbers(found) == (9, 6, 3)
    assert "large" in found.note.en


def test_a_request_without_servers_needs_no_room() -> None:
    found = view(room_facts()).capacity(make_request(("", 1)))
    assert numbers(found) == (None, None, None)
    assert found != UNKNOWN_CAPACITY


@pytest.mark.parametrize("missing", ["fits", "VCPU"])
def test_without_a_figure_of_it_nobody_knows(missing: str) -> None:
    facts = [one for one in room_facts() if one[0]["asked"] != missing]
    assert view(facts).capacity(make_request(("small", 3))) == UNKNOWN_CAPACITY


def test_without_figures_of_a_loss_only_that_is_unknown() -> None:
    for missing in ("left", "fits_elsewhere"):
        facts = [one for one in room_facts() if one[0]["asked"] != missing]
        assert numbers(view(facts).capacity(make_request(("small", 3)))) == (40, 37, None)


def test_a_size_that_the_cloud_does_not_know_is_unknown() -> None:
    assert view(room_facts()).capacity(make_request(("huge", 1))) == UNKNOWN_CAPACITY
    assert view(None).capacity(make_request(("small", 1))) == UNKNOWN_CAPACITY

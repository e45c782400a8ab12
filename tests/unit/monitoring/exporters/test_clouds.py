"""Several clouds by one exporter: names from clouds.yaml only, each for itself, and idle ones let go."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric

from infra.cloud.clouds_file import CloudUnknown
from monitoring.exporters.clouds import Clouds
from monitoring.exporters.listening import Request, Response

VIEWS = {"openstack-exporter": "compat"}


class Cloud:
    """Shows its name; `open` is when it answers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open = threading.Event()
        self.open.set()
        self.closed = False

    def metrics(self, request: Request) -> Iterable[Metric]:
        assert self.open.wait(60)
        return [self._family("city_cloud")]

    def compat(self, request: Request) -> Iterable[Metric]:
        return [self._family("openstack_cloud")]

    def close(self) -> None:
        self.closed = True

    def _family(self, name: str) -> Metric:
        family = GaugeMetricFamily(name, "x", labels=["name"])
        family.add_metric([self.name], 1)
        return family


class City:
    """Clouds that are made as they are asked for, by a clock that is set by hand."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.made: list[Cloud] = []
        self.now = 0.0
        self.clouds = Clouds(lambda: self.names, self.make, 100.0, clock=lambda: self.now)

    def make(self, name: str) -> Cloud:
        self.made.append(Cloud(name))
        return self.made[-1]

    def probe(self, **query: str) -> Response:
        return self.clouds.probe(VIEWS)(Request("/probe", {name: (value,) for name, value in query.items()}))


@pytest.fixture
def city() -> City:
    return City("north", "south")


def test_a_cloud_is_shown_by_its_name(city: City) -> None:
    answer = city.probe(cloud="south")
    assert answer.status == 200
    assert b'city_cloud{name="south"} 1.0' in answer.body


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"cloud": "east"}, b"no cloud 'east'; write cloud= with one of: north, south\n"),
        ({}, b"no cloud was named; write cloud= with one of: north, south\n"),
        ({"cloud": "north", "compat": "x"}, b"no view 'x'; write compat= with one of: openstack-exporter\n"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_those_that_are(
    city: City, query: dict[str, str], told: bytes
) -> None:
    answer = city.probe(**query)
    assert (answer.status, answer.body) == (400, told)
    assert city.made == []


def test_the_other_names_are_a_view_of_the_same_cloud(city: City) -> None:
    city.probe(cloud="north")
    answer = city.probe(cloud="north", compat="openstack-exporter")
    assert b"openstack_cloud" in answer.body
    assert len(city.made) == 1


def test_a_slow_cloud_delays_no_other(city: City) -> None:
    city.probe(cloud="north")
    city.made[0].open.clear()
    answers: list[Response] = []
    waiting = threading.Thread(target=lambda: answers.append(city.probe(cloud="north")))
    waiting.start()
    assert city.probe(cloud="south").status == 200
    assert answers == []
    city.made[0].open.set()
    waiting.join(60)
    assert answers[0].status == 200


def test_two_who_come_first_at_once_share_one_connection() -> None:
    city, begun, go_on = City("north"), threading.Event(), threading.Event()

    def make(name: str) -> Cloud:
        begun.set()
        assert go_on.wait(60)
        return city.make(name)

    city.clouds = Clouds(lambda: city.names, make, 100.0)
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda: answers.append(city.probe(cloud="north"))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(60)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert [answer.status for answer in answers] == [200, 200]
    assert len(city.made) == 1


def test_an_idle_cloud_is_let_go_and_one_in_use_is_not(city: City) -> None:
    city.probe(cloud="north")
    city.probe(cloud="south")
    city.now = 90.0
    city.probe(cloud="south")
    city.now = 150.0
    city.clouds.sweep()
    assert city.clouds.held == ("south",)
    assert [cloud.closed for cloud in city.made] == [True, False]
    city.probe(cloud="north")
    assert len(city.made) == 3


def test_a_cloud_that_cannot_be_logged_in_to_is_tried_again(city: City) -> None:
    def fail(name: str) -> Cloud:
        raise CloudUnknown(f"{name} has no password")

    broken = Clouds(lambda: city.names, fail, 100.0)
    answer = broken.probe(VIEWS)(Request("/probe", {"cloud": ("north",)}))
    assert (answer.status, answer.body) == (503, b"north has no password\n")
    assert broken.held == ()


def test_after_new_settings_clouds_are_made_anew(city: City) -> None:
    city.probe(cloud="north")
    city.clouds.forget()
    city.probe(cloud="north")
    assert [cloud.closed for cloud in city.made] == [True, False]

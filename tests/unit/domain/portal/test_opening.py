"""Openings: the words that people read, and what no policy of a city lets through whatever it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.opening import (
    GIVEN,
    PORTS,
    SERVICE_WORDS,
    SOURCE_WORDS,
    Opening,
    OpeningPolicy,
    OpeningRefused,
    Service,
    Source,
    opening,
)

POLICY = OpeningPolicy()


def test_every_service_and_source_has_words_in_both_languages_and_every_service_its_ports() -> None:
    assert set(SERVICE_WORDS) == set(Service)
    assert set(SOURCE_WORDS) == set(Source)
    assert set(PORTS) == set(Service) - {Service.TCP}


def test_an_opening_is_told_as_a_sentence() -> None:
    told = Opening(Service.WEB, Source.EVERYBODY).told
    assert told.vi == "Web (HTTP, HTTPS) – từ mọi người, kể cả từ Internet"
    assert told.en == "Web (HTTP, HTTPS) from everybody, the Internet included"
    assert Opening(Service.TCP, Source.CITY, 8080).told.en == "TCP port 8080 from the city's network"


@given(st.integers(1, 65535), st.sampled_from(list(Source)))
def test_a_closed_port_is_open_to_nobody_of_that_kind_by_whatever_name(port: int, source: Source) -> None:
    wanted = opening("tcp", source, str(port))
    closed = {
        Source.EVERYBODY: POLICY.closed_to_everybody, Source.CITY: POLICY.closed_to_city, Source.AGENCY: (),
    }[source]  # fmt: skip
    if port in closed:
        with pytest.raises(OpeningRefused):
            POLICY.check(wanted, ())
    else:
        POLICY.check(wanted, ())


@pytest.mark.parametrize(
    ("service", "source", "port", "field"),
    [
        ("", "city", "", "service"), ("WEB", "city", "", "service"), ("web", "", "", "source"),
        ("tcp", "city", "", "port"), ("tcp", "city", "0", "port"), ("tcp", "city", "65536", "port"),
        ("tcp", "city", "-1", "port"), ("tcp", "city", "8.0", "port"), ("tcp", "city", "٨٠", "port"),
        ("tcp", "city", "9" * 400, "port"),
    ],
)  # fmt: skip
def test_what_is_entered_wrong_is_refused_by_its_field(
    service: str, source: str, port: str, field: str
) -> None:
    with pytest.raises(OpeningRefused) as refused:
        opening(service, source, port)
    assert refused.value.field == field


def test_what_an_item_gives_is_within_the_usual_policy() -> None:
    for given_ in GIVEN.values():
        for one in given_:
            POLICY.check(one, ())

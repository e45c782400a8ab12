from __future__ import annotations

from infra.provider.mark import (
    LONGEST_DESCRIPTION,
    mark_in,
    mark_of,
    uuid_of,
    visible,
    with_mark,
    without_mark,
)
from infra.provider.network import Network

URN = "urn:pulumi:lab-sotp::landing_zone::openstack:networking/network:Network::network"


def test_the_same_create_has_the_same_mark_and_a_successor_another() -> None:
    first = Network().mark(URN, {"name": "a", "tenantId": "p1"})
    assert Network().mark(URN, {"name": "b", "tenantId": "p1"}) == first
    assert Network().mark(URN, {"name": "a", "tenantId": "p2"}) != first
    assert Network().mark(URN + "2", {"name": "a", "tenantId": "p1"}) != first


def test_a_mark_fits_into_every_service() -> None:
    mark = mark_of(URN, {})
    assert len(mark) <= 60
    assert not set(mark) & set(",/ ")
    assert len(with_mark("x" * LONGEST_DESCRIPTION, mark)) <= 255


def test_a_marked_description_reads_as_the_program_wrote_it() -> None:
    mark = mark_of(URN, {})
    for text in ("", "Sở Tư pháp", "ends with [brackets]"):
        assert without_mark(with_mark(text, mark)) == text
        assert mark_in(with_mark(text, mark)) == mark
    assert mark_in("no mark") == ""


def test_tags_are_shown_without_marks() -> None:
    assert visible(["b", mark_of(URN, {}), "a"]) == ["a", "b"]


def test_an_id_from_a_mark_is_stable() -> None:
    assert uuid_of("pulumi:1") == uuid_of("pulumi:1") != uuid_of("pulumi:2")

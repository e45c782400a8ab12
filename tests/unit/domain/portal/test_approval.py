"""Separation of duties: over every combination of roles, levels, stages, delegations and orders."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import chain, combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.domain.approval import (
    Authority,
    Delegation,
    Signature,
    SignatureRefused,
    Stage,
    Subject,
    Verdict,
    authorities,
    open_stages,
    own_stages,
    review,
    reviews_missing,
    sign,
    stages,
    upheld,
    verdict,
)
from infra.domain.person import Person, Role

NOW = dt.datetime(2026, 11, 27, 2, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ROLES = [frozenset(one) for one in chain.from_iterable(combinations(Role, size) for size in range(5))]
"""All sixteen."""


def make_person(id_: str, *roles: Role, agency: str = "sotc") -> Person:
    return Person(id_, id_, agency, frozenset(roles))


def make_delegation(giver: str, taker: str, stage: Stage = Stage.AGENCY, agency: str = "sotc") -> Delegation:
    return Delegation(giver, giver, taker, agency, stage, NOW - DAY, NOW + DAY)


def make_subject(level: int = 1, *, emergency: bool = False) -> Subject:
    return Subject("an", "sotc", level, emergency)


def approve(
    person: Person, subject: Subject, *signed: Signature, given: tuple[Delegation, ...] = ()
) -> Signature:
    return sign(person, subject, signed, verdict=Verdict.APPROVE, reason="", delegations=given, now=NOW)


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(sorted(roles)) or "none")
@pytest.mark.parametrize("level", range(1, 6))
@pytest.mark.parametrize("emergency", [False, True])
def test_who_asked_can_never_sign_whatever_their_roles(
    roles: frozenset[Role], level: int, emergency: bool
) -> None:
    requester, subject = Person("an", "an", "sotc", roles), make_subject(level, emergency=emergency)
    given = (make_delegation("binh", "an"), make_delegation("chi", "an", Stage.CITY))
    city = Signature("an", Authority(Stage.AGENCY, "dung"), Verdict.APPROVE, "", NOW)
    for signed, wanted in product(((), (city,)), Verdict):
        for act in (sign, review):
            with pytest.raises(SignatureRefused, match="never approve"):
                act(requester, subject, signed, verdict=wanted, reason="x", delegations=given, now=NOW)


def test_a_signature_of_who_asked_cannot_even_be_made() -> None:
    for authority in (Authority(Stage.AGENCY, "an"), Authority(Stage.AGENCY, "binh", on_behalf_of="an")):
        with pytest.raises(SignatureRefused, match="never approve"):
            Signature("an", authority, Verdict.APPROVE, "", NOW)


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(sorted(roles)) or "none")
@pytest.mark.parametrize("agency", ["sotc", "sonv"])
def test_only_the_agencys_approver_and_the_city_sign_each_at_its_stage(
    roles: frozenset[Role], agency: str
) -> None:
    person = Person("binh", "binh", agency, roles)
    agency_signed = Signature("an", Authority(Stage.AGENCY, "dung"), Verdict.APPROVE, "", NOW)
    may_agency = Role.APPROVER in roles and agency == "sotc" and Role.AUDITOR not in roles
    may_city = Role.OPERATOR in roles and Role.AUDITOR not in roles
    for signed, may in (((), may_agency), ((agency_signed,), may_city)):
        if may:
            assert approve(person, make_subject(3), *signed).authority.person == "binh"
        else:
            with pytest.raises(SignatureRefused):
                approve(person, make_subject(3), *signed)


@pytest.mark.parametrize("level", range(1, 6))
def test_from_level_three_on_two_different_people_of_both_sides_sign(level: int) -> None:
    both, subject = make_person("binh", Role.APPROVER, Role.OPERATOR), make_subject(level)
    first = approve(both, subject)
    if level < 3:
        assert verdict(subject, [first]) == Verdict.APPROVE
        return
    assert verdict(subject, [first]) is None
    with pytest.raises(SignatureRefused, match="two people"):
        approve(both, subject, first)
    second = approve(make_person("chi", Role.OPERATOR, agency="vpubnd"), subject, first)
    assert verdict(subject, [first, second]) == Verdict.APPROVE
    assert second.authority.stage == Stage.CITY


def test_a_delegate_signs_for_another_but_not_twice_for_the_same_judgement() -> None:
    subject, binh = make_subject(3), make_person("binh", Role.APPROVER, Role.OPERATOR)
    given = (make_delegation("binh", "dung"), make_delegation("binh", "dung", Stage.CITY))
    dung = make_person("dung", Role.MEMBER)
    first = approve(dung, subject, given=given)
    assert first.authority == Authority(Stage.AGENCY, "dung", "binh")
    for person in (binh, dung):
        with pytest.raises(SignatureRefused, match="two people"):
            approve(person, subject, first, given=given)


def test_who_asked_cannot_have_a_delegate_sign() -> None:
    given = (make_delegation("an", "binh"),)
    with pytest.raises(SignatureRefused, match="never approve"):
        approve(make_person("binh", Role.MEMBER), make_subject(), given=given)
    own = approve(make_person("binh", Role.APPROVER), make_subject(), given=given)
    assert own.authority == Authority(Stage.AGENCY, "binh")


def test_a_delegation_counts_in_its_time_for_its_agency_and_stage_only() -> None:
    person, given = make_person("dung", Role.MEMBER), make_delegation("binh", "dung")
    assert authorities(person, "sotc", [given], NOW)
    assert not authorities(person, "sonv", [given], NOW)
    assert not authorities(person, "sotc", [given], NOW + DAY)
    assert not authorities(person, "sotc", [given], NOW - DAY - dt.timedelta(seconds=1))
    assert not authorities(make_person("e", Role.MEMBER), "sotc", [given], NOW)
    with pytest.raises(ValueError, match="themselves"):
        make_delegation("binh", "binh")


def test_a_delegation_that_was_revoked_counts_no_more_from_then_on() -> None:
    revoked = replace(make_delegation("binh", "dung"), revoked=NOW)
    assert revoked.is_in_force(NOW - dt.timedelta(seconds=1))
    assert not revoked.is_in_force(NOW)


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "+".join(sorted(roles)) or "none")
@pytest.mark.parametrize("agency", ["sotc", "sonv"])
def test_a_delegation_stands_while_its_giver_has_what_it_lends(roles: frozenset[Role], agency: str) -> None:
    giver = Person("binh", "binh", agency, roles)
    for_agency = make_delegation("binh", "dung")
    for_city = make_delegation("binh", "dung", Stage.CITY)
    found = upheld([for_agency, for_city], {"binh": giver})
    signs = Role.AUDITOR not in roles
    assert (for_agency in found) == (signs and Role.APPROVER in roles and agency == "sotc")
    assert (for_city in found) == (signs and Role.OPERATOR in roles)
    assert set(own_stages(giver)) == {
        stage for stage, role in ((Stage.AGENCY, Role.APPROVER), (Stage.CITY, Role.OPERATOR))
        if signs and role in roles
    }  # fmt: skip


def test_a_delegation_of_somebody_whom_nobody_knows_any_more_counts_for_nothing() -> None:
    assert upheld([make_delegation("binh", "dung")], {}) == ()


@pytest.mark.parametrize("wanted", [Verdict.REJECT, Verdict.RETURN])
def test_a_refusal_needs_a_reason_and_one_is_enough(wanted: Verdict) -> None:
    subject, person = make_subject(3), make_person("binh", Role.APPROVER)
    with pytest.raises(SignatureRefused, match="reason"):
        sign(person, subject, (), verdict=wanted, reason="  ", delegations=(), now=NOW)
    refused = sign(person, subject, (), verdict=wanted, reason="thiếu hồ sơ", delegations=(), now=NOW)
    assert verdict(subject, [refused]) == wanted


@pytest.mark.parametrize("level", [1, 3])
@pytest.mark.parametrize("stage", Stage)
def test_an_emergency_needs_one_signature_and_a_review_by_somebody_else(level: int, stage: Stage) -> None:
    subject = make_subject(level, emergency=True)
    agency, city = make_person("binh", Role.APPROVER), make_person("chi", Role.OPERATOR)
    signer, other = (agency, city) if stage == Stage.AGENCY else (city, agency)
    first = approve(signer, subject)
    assert verdict(subject, [first]) == Verdict.APPROVE
    missing = reviews_missing(subject, [first])
    assert missing
    assert first.authority.stage not in missing
    with pytest.raises(SignatureRefused):
        review(signer, subject, [first], verdict=Verdict.APPROVE, reason="", delegations=(), now=NOW)
    seen = review(other, subject, [first], verdict=Verdict.REJECT, reason="sai", delegations=(), now=NOW)
    assert reviews_missing(subject, [first, seen]) == ()


def test_what_is_no_emergency_has_no_review() -> None:
    first = approve(make_person("binh", Role.APPROVER), make_subject())
    assert reviews_missing(make_subject(), [first]) == ()
    assert reviews_missing(make_subject(emergency=True), []) == ()


PEOPLE = ["an", "binh", "chi", "dung", "em"]
CASTS = st.dictionaries(
    st.sampled_from(PEOPLE), st.tuples(st.sampled_from(ROLES), st.sampled_from(["sotc", "sonv"])), min_size=5
)
GIVEN = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(list(Stage))).filter(
        lambda one: one[0] != one[1]
    ),
    max_size=6,
)


@settings(max_examples=1000, deadline=None)
@given(
    CASTS, GIVEN, st.lists(st.sampled_from(PEOPLE), max_size=8), st.integers(1, 5), st.booleans()
)  # fmt: skip
def test_whoever_tries_to_sign_in_whatever_order_an_approval_is_of_enough_different_people(
    cast: dict[str, tuple[frozenset[Role], str]], given_: list[tuple[str, str, Stage]], tries: list[str],
    level: int, emergency: bool,
) -> None:  # fmt: skip
    subject = make_subject(level, emergency=emergency)
    delegations = [make_delegation(giver, taker, stage) for giver, taker, stage in given_]
    signed: list[Signature] = []
    for name in tries:
        if verdict(subject, signed) is not None:
            break
        roles, agency = cast[name]
        try:
            signed.append(
                sign(
                    Person(name, name, agency, roles), subject, signed, verdict=Verdict.APPROVE, reason="",
                    delegations=delegations, now=NOW,
                )
            )  # fmt: skip
        except SignatureRefused:
            continue
    people = [who for one in signed for who in one.authority.people]
    assert "an" not in people
    assert len(people) == len(set(people))
    assert not any(Role.AUDITOR in cast[one.authority.person][0] for one in signed)
    if verdict(subject, signed) == Verdict.APPROVE:
        done = {one.authority.stage for one in signed}
        assert done == set(stages(subject)) or emergency
    elif not emergency:
        assert open_stages(subject, signed)


@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE[1:]), st.sampled_from(list(Stage))), max_size=5),
    st.integers(3, 5),
)
def test_signatures_that_share_a_person_never_count_twice(
    made: list[tuple[str, Stage]], level: int
) -> None:  # fmt: skip
    subject = make_subject(level)
    signed = [Signature("an", Authority(stage, who), Verdict.APPROVE, "", NOW) for who, stage in made]
    if verdict(subject, signed) == Verdict.APPROVE:
        pairs = {(one.authority.person, one.authority.stage) for one in signed}
        assert any(
            one[0] != other[0] and {one[1], other[1]} == set(Stage) for one in pairs for other in pairs
        )  # fmt: skip


def test_a_signature_for_another_persons_request_does_not_count() -> None:
    foreign = Signature("em", Authority(Stage.AGENCY, "binh"), Verdict.APPROVE, "", NOW)
    assert verdict(make_subject(), [foreign]) is None

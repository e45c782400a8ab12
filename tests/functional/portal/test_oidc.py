"""Sign-in at an OpenID provider: who is vouched for gets in, and whatever is not quite right does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from infra.domain.session import Scope
from infra.portal.oidc import OpenId
from infra.portal.oidc import Provider as Settings
from infra.portal.sealed import opened
from infra.portal.session import PAUSE, Access
from tests.functional.portal.memory import AGENCIES
from tests.functional.portal.portal import Client, Stand
from tests.functional.portal.provider import CLIENT, Provider, running


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


@pytest.fixture
def stand(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Stand:
    # The client library refuses a token endpoint without TLS, which this one on the machine itself lacks.
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    openid = OpenId(Settings(provider.issuer, CLIENT, ""), frozenset(AGENCIES), lambda: datetime.now(UTC))
    made = Stand(more={"openid": openid})
    made.access = Access(made.sessions, made.directory, made.clock, openid)
    made.wiring = replace(made.wiring, access=made.access)
    return made


def arrive(stand: Stand, provider: Provider, **changed: str) -> Any:
    """The browser's way: to the provider, back, and what it gets."""
    with stand.client() as client:
        start = client.get("/oidc/start?next=/requests")
        back = provider.authorize(start.headers["location"])
        for old, new in changed.items():
            back = back.replace(provider.asked[old][0] if old in provider.asked else old, new)
        answer = client.get(back.removeprefix("https://cong.test"))
        return answer, client.get("/api/v1/me")


def test_a_person_whom_the_provider_vouches_for_gets_in(stand: Stand, provider: Provider) -> None:
    answer, me = arrive(stand, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests")
    assert (me.json()["agency"], me.json()["roles"]) == ("hongbang", ["member"])
    assert provider.asked["code_challenge_method"] == ["S256"]
    assert provider.asked["response_type"] == ["code"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"}, {"iss": "https://evil.test"}, {"exp": int(time.time()) - 3600},
        {"nonce": "of another sign-in"}, {"agency": "khong-co"}, {"roles": []}, {"roles": ["root"]},
        {"roles": "operator"}, {"agency": ""},
    ],
)  # fmt: skip
def test_a_token_that_is_not_right_opens_nothing(
    stand: Stand, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    answer, me = arrive(stand, provider)
    assert (answer.status_code, me.status_code) == (401, 401)
    assert stand.services.log[-1].action == "session.refuse"


def test_a_token_that_another_key_signed_opens_nothing(stand: Stand, provider: Provider) -> None:
    provider.shown = RSAKey.generate_key(2048, {"kid": "1"})
    answer, me = arrive(stand, provider)
    assert (answer.status_code, me.status_code) == (401, 401)


def test_an_answer_to_another_question_opens_nothing(stand: Stand, provider: Provider) -> None:
    answer, me = arrive(stand, provider, state="of-another-browser")
    assert (answer.status_code, me.status_code) == (401, 401)


def test_a_code_without_the_browser_that_asked_for_it_opens_nothing(stand: Stand, provider: Provider) -> None:
    with stand.client() as client, stand.client() as thief:
        back = provider.authorize(client.get("/oidc/start").headers["location"])
        assert thief.get(back.removeprefix("https://cong.test")).status_code == 401


def test_keys_that_the_provider_has_changed_are_asked_for_again(stand: Stand, provider: Provider) -> None:
    assert arrive(stand, provider)[1].status_code == 200
    provider.key = RSAKey.generate_key(2048, {"kid": "1"})
    assert arrive(stand, provider)[1].status_code == 200


def test_a_site_without_a_provider_has_no_such_page() -> None:
    with Stand().client() as client:
        assert client.get("/oidc/start").status_code == 404
        assert "/oidc/start" not in client.get("/sign-in").text


SOON, LATER = timedelta(minutes=6), timedelta(minutes=25)


def signed_in(stand: Stand, provider: Provider) -> Client:
    """The browser of a person who has just come from the provider."""
    client = stand.client()
    back = provider.authorize(client.get("/oidc/start").headers["location"])
    assert client.get(back.removeprefix("https://cong.test")).status_code == 303
    return client


def test_a_session_goes_on_as_the_provider_says_now(stand: Stand, provider: Provider) -> None:
    with signed_in(stand, provider) as client:
        for roles in (["approver"], ["member", "approver"]):  # its refresh token is another each time
            provider.claims = {"roles": roles}
            stand.later(SOON)
            assert sorted(client.get("/api/v1/me").json()["roles"]) == sorted(roles)


@pytest.mark.parametrize("claims", [{"roles": []}, {"agency": "lechan"}, {"agency": ""}])
def test_who_is_nobody_here_any_more_loses_session_and_tokens(
    stand: Stand, provider: Provider, claims: dict[str, Any]
) -> None:
    with signed_in(stand, provider) as client:
        session = stand.access.session(client.cookies["__Host-session"])
        assert session is not None
        _, secret = stand.access.issue(session, "t", frozenset({Scope.READ}), 1)
        provider.claims = claims
        stand.later(SOON)
        assert client.get("/api/v1/me").status_code == 401
        assert stand.access.token(secret) is None


def test_a_token_has_the_roles_that_its_persons_session_was_last_given(
    stand: Stand, provider: Provider
) -> None:
    with signed_in(stand, provider) as client:
        session = stand.access.session(client.cookies["__Host-session"])
        assert session is not None
        _, secret = stand.access.issue(session, "t", frozenset({Scope.READ}), 1)
        provider.claims = {"roles": ["auditor"]}
        stand.later(SOON)
        client.get("/api/v1/me")
        token = stand.access.token(secret)
        assert token is not None
        assert token.person.roles == {"auditor"}


@pytest.mark.parametrize("claims", [{"sub": "43"}, {"iss": "https://evil.test"}, {"aud": "another-client"}])
def test_an_answer_about_something_else_changes_nothing(
    stand: Stand, provider: Provider, claims: dict[str, Any]
) -> None:
    with signed_in(stand, provider) as client:
        provider.claims = {**claims, "roles": ["operator"]}
        stand.later(SOON)
        answer = client.get("/api/v1/me")
        assert answer.status_code == 401 or answer.json()["roles"] == ["member"]


def test_a_provider_that_ended_the_session_ends_it_here(stand: Stand, provider: Provider) -> None:
    with signed_in(stand, provider) as client:
        provider.refusal = (400, "invalid_grant")
        stand.later(SOON)
        assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("refusal", [(503, "down"), (401, "invalid_client"), (429, "slow_down")])
def test_a_provider_that_does_not_work_ends_nothing_for_an_hour(
    stand: Stand, provider: Provider, refusal: tuple[int, str]
) -> None:
    with signed_in(stand, provider) as client:
        provider.refusal = refusal
        for _ in range(2):
            stand.later(LATER)
            assert client.get("/api/v1/me").status_code == 200
        stand.later(LATER)
        assert client.get("/api/v1/me").status_code == 503
        provider.refusal = None
        stand.later(PAUSE)
        assert client.get("/api/v1/me").status_code == 200


def test_a_provider_that_did_not_answer_is_left_alone_for_a_while(stand: Stand, provider: Provider) -> None:
    with signed_in(stand, provider) as client:
        provider.refusal = (503, "down")
        stand.later(SOON)
        assert client.get("/api/v1/me").status_code == 200
        provider.refusal, provider.claims = None, {"roles": ["auditor"]}
        assert client.get("/api/v1/me").json()["roles"] == ["member"]
        stand.later(PAUSE)
        assert client.get("/api/v1/me").json()["roles"] == ["auditor"]


def test_where_nobody_can_be_asked_again_a_session_lasts_an_hour(stand: Stand, provider: Provider) -> None:
    provider.refresh = ""
    with signed_in(stand, provider) as client:
        for status in (200, 200, 401):
            stand.later(LATER)
            assert client.get("/api/v1/me").status_code == status


def test_two_requests_at_once_ask_the_provider_once(stand: Stand, provider: Provider) -> None:
    """The second refresh token of the test's provider would be refused, and the person signed out."""
    with signed_in(stand, provider) as client:
        secret = client.cookies["__Host-session"]
        stand.later(SOON)
        with ThreadPoolExecutor(8) as many:
            found = list(many.map(lambda _: stand.access.session(secret), range(8)))
        assert all(one is not None for one in found)
        assert provider.refresh == "refresh-11"


def test_what_the_provider_gave_is_not_in_the_database_to_read(stand: Stand, provider: Provider) -> None:
    with signed_in(stand, provider) as client:
        [kept] = stand.sessions.sessions.values()
        assert provider.refresh not in kept.sealed
        assert opened(kept.sealed, client.cookies["__Host-session"])[0] == provider.refresh
        assert opened(kept.sealed, "another cookie") == ("", "")
        assert kept.sealed not in repr(kept)


def test_signing_out_works_where_the_provider_has_no_place_for_it(stand: Stand, provider: Provider) -> None:
    with signed_in(stand, provider) as client:
        answer = client.submit("/sign-out", "/account")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert client.get("/api/v1/me").status_code == 401

"""Sign-in at an OpenID provider: who is vouched for gets in, and whatever is not quite right does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from infra.portal.oidc import OpenId
from infra.portal.oidc import Provider as Settings
from tests.functional.portal.memory import AGENCIES
from tests.functional.portal.portal import Stand
from tests.functional.portal.provider import CLIENT, Provider, running


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


@pytest.fixture
def stand(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Stand:
    # The client library refuses a token endpoint without TLS, which this one on the machine itself lacks.
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    settings = Settings(provider.issuer, CLIENT, "")
    return Stand(more={"openid": OpenId(settings, frozenset(AGENCIES), lambda: datetime.now(UTC))})


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

"""Sign-in at an OpenID provider: authorization code with PKCE, by Authlib. What it gives is checked here; its
refresh token asks again, while the session lasts, who the person is now.

The provider's claims `agency` and `roles` say who a person is to the portal; their names are settings. What
the browser carries meanwhile (state, nonce, verifier) is in a `__Host-` cookie, which no other host can set.
"""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from infra.domain.person import Person, Role
from infra.portal.identity import DirectoryUnreachable, NoRoleHere, SignInRefused, Vouched

ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
SECONDS = 10.0


@dataclass(frozen=True)
class Provider:
    """`issuer` as in the provider's discovery document; `secret` is "" for a public client; `authority` is a
    file of certificates by which the provider's is checked, "" for the system's.
    """

    issuer: str
    client_id: str
    secret: str
    agency_claim: str = "agency"
    roles_claim: str = "roles"
    authority: str = ""

    def __repr__(self) -> str:
        return f"Provider({self.issuer!r}, {self.client_id!r})"


@dataclass(frozen=True)
class Begun:
    """Where the browser goes, and what it must bring back in its cookie."""

    url: str
    state: str
    nonce: str
    verifier: str


class OpenId:
    """`agencies` are the codes that exist: a claim that names another is refused."""

    def __init__(self, provider: Provider, agencies: frozenset[str], clock: Callable[[], datetime]) -> None:
        self._provider = provider
        self._agencies = agencies
        self._clock = clock
        self._metadata: Mapping[str, Any] = {}
        self._keys: KeySet | None = None

    def begin(self, callback: str) -> Begun:
        """Raises DirectoryUnreachable."""
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        with self._client(callback) as client:
            url, state = client.create_authorization_url(
                self._discovered()["authorization_endpoint"], nonce=nonce, code_verifier=verifier
            )
        return Begun(url, state, nonce, verifier)

    def finish(self, callback: str, begun: Begun, answer: str) -> Vouched:
        """The person, from the URL that the provider sent the browser back to. Raises SignInRefused,
        NoRoleHere, DirectoryUnreachable."""
        try:
            with self._client(callback) as client:
                token = client.fetch_token(
                    self._discovered()["token_endpoint"], authorization_response=answer, state=begun.state,
                    code_verifier=begun.verifier, verify=self._provider.authority or True,
                )  # fmt: skip
            return self._vouched(token, begun.nonce)
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as wrong:
            raise SignInRefused(f"the provider's answer does not prove who this is: {wrong}") from wrong
        except RequestException as failed:
            raise DirectoryUnreachable(f"{self._provider.issuer}: {failed}") from failed

    def again(self, refresh: str, person: str) -> Vouched:
        """What the provider says now. Only its own word that the session there is over ends one here: an
        answer that makes no sense is a provider that does not work.
        """
        try:
            with self._client("") as client:
                token = client.refresh_token(
                    self._discovered()["token_endpoint"], refresh_token=refresh,
                    verify=self._provider.authority or True,
                )  # fmt: skip
            vouched = self._vouched({"refresh_token": refresh, **token}, None)
        except (AuthlibBaseError, JoseError, KeyError, ValueError, RequestException) as failed:
            if isinstance(failed, OAuthError) and failed.error == "invalid_grant":
                raise SignInRefused("the provider ended this session") from failed
            raise DirectoryUnreachable(f"{self._provider.issuer}: {failed}") from failed
        if vouched.person.id != person:
            raise SignInRefused("the provider speaks of another person than before")
        return vouched

    def end_url(self, id_token: str, after: str) -> str:
        """Where a browser ends its session at the provider (OpenID Connect RP-Initiated Logout 1.0) and is
        sent on to `after`; "" where the provider has no such place. Raises DirectoryUnreachable.
        """
        place = self._discovered().get("end_session_endpoint", "")
        asked = {
            "id_token_hint": id_token, "client_id": self._provider.client_id,
            "post_logout_redirect_uri": after,
        }  # fmt: skip
        return f"{place}?{urlencode(asked)}" if place else ""

    def _client(self, callback: str) -> Any:
        return OAuth2Session(
            self._provider.client_id, self._provider.secret or None, scope="openid profile email",
            redirect_uri=callback, code_challenge_method="S256", default_timeout=SECONDS,
            token_endpoint_auth_method="client_secret_basic" if self._provider.secret else "none",
        )  # fmt: skip

    def _discovered(self) -> Mapping[str, Any]:
        if not self._metadata:
            found = self._read(f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._provider.issuer:
                raise DirectoryUnreachable(
                    f"{self._provider.issuer}: says that it is {found.get('issuer')!r}; name that in the"
                    " settings"
                )
            self._metadata = found
        return self._metadata

    def _read(self, url: str) -> dict[str, Any]:
        try:
            authority = ssl.create_default_context(cafile=self._provider.authority or None)
            answer = httpx.get(url, timeout=SECONDS, verify=authority).raise_for_status()
            return dict(answer.json())
        except (httpx.HTTPError, json.JSONDecodeError, TypeError, OSError) as failed:
            raise DirectoryUnreachable(f"{url}: {failed}") from failed

    def _claims(self, id_token: str, nonce: str | None) -> Mapping[str, Any]:
        """`nonce` is None for a token that no browser brought (OpenID Connect Core 12.2)."""
        try:
            token = jwt.decode(id_token, self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            self._keys = None  # the provider may have changed its keys: ask for them once more
            token = jwt.decode(id_token, self._key_set(), algorithms=ALGORITHMS)
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()), leeway=60,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": self._provider.client_id},
            exp={"essential": True}, sub={"essential": True},
            nonce={"essential": nonce is not None, **({"value": nonce} if nonce is not None else {})},
        )  # fmt: skip
        rules.validate(token.claims)
        return token.claims

    def _key_set(self) -> KeySet:
        if self._keys is None:
            self._keys = KeySet.import_key_set(self._read(self._discovered()["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    def _vouched(self, token: Mapping[str, Any], nonce: str | None) -> Vouched:
        id_token = str(token["id_token"])
        person = self._person(self._claims(id_token, nonce), id_token)
        return Vouched(person, str(token.get("refresh_token") or ""), id_token)

    def _person(self, claims: Mapping[str, Any], id_token: str) -> Person:
        agency = str(claims.get(self._provider.agency_claim) or "")
        given = claims.get(self._provider.roles_claim) or ()
        roles = frozenset(Role(one) for one in given if one in set(Role)) if isinstance(given, list) else ()
        if agency not in self._agencies or not roles:
            told = "the provider names no agency or no role of the portal for this account"
            raise NoRoleHere(told, id_token)
        name = str(claims.get("preferred_username") or claims["sub"])
        return Person(
            f"{self._provider.issuer}#{claims['sub']}", name, agency, frozenset(roles),
            str(claims.get("name") or ""), str(claims.get("email") or ""),
        )  # fmt: skip

"""Working with a token that somebody else got, as it is: it keeps its project and its end."""

from __future__ import annotations

from typing import Any

from keystoneauth1.access import AccessInfoV3
from keystoneauth1.identity.v3 import Token


class GivenToken(Token):  # type: ignore[misc]  # keystoneauth is untyped to us
    """Keystone is asked what the token is for, not for another one: a new one would be for the user's default
    project. When it has ended, calls are refused.
    """

    def __init__(self, auth_url: str, token: str) -> None:
        super().__init__(auth_url, token, reauthenticate=False)
        self._token = token

    def get_auth_ref(self, session: Any, **kwargs: Any) -> AccessInfoV3:
        address = self.auth_url.rstrip("/")
        address = address if address.endswith("/v3") else f"{address}/v3"
        answer = session.get(
            f"{address}/auth/tokens", authenticated=False, log=False,
            headers={"X-Auth-Token": self._token, "X-Subject-Token": self._token},
        )  # fmt: skip
        return AccessInfoV3(body=answer.json(), auth_token=self._token)

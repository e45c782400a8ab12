"""`sign_in` of `group_vars/all.yml`: the city's own sign-in service; absent where it has none."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from infra.domain.sign_in import SignInService
from infra.inventory.schema import Strict
from infra.inventory.value import AbsolutePath, Text, refuse


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise refuse(
            "is no issuer of an OpenID provider", "write it like https://sso.haiphong.example/realms/city"
        )
    return value


class SignInModel(Strict):
    """The client's secret is not here but in the vault: portal_oidc_secret."""

    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: Text
    agency_claim: Text = "agency"
    roles_claim: Text = "roles"
    authority: AbsolutePath = ""

    def to_domain(self) -> SignInService:
        return SignInService(self.issuer, self.client_id, self.agency_claim, self.roles_claim, self.authority)

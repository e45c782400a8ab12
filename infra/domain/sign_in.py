"""Sign-in service: a city's own OpenID provider, at which the agencies' people have their accounts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SignInService:
    """`issuer` as in the provider's discovery document; the claims of its ID tokens say who a person is to
    the portal: an agency's code, and a list of roles (member, approver, operator, auditor). `authority` is a
    file on the portal's servers of certificates by which the provider's is checked, "" for the system's.
    """

    issuer: str
    client_id: str
    agency_claim: str = "agency"
    roles_claim: str = "roles"
    authority: str = ""

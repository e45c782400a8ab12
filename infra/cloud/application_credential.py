"""Keystone application credentials: what a program logs in with in place of its user's password.

Each belongs to the user who made it and to the project of the token it was made with; its secret is told
once.
"""

from __future__ import annotations

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import CredentialsRefused, NotFound, Refused


def application_credentials(cloud: Cloud) -> Collection:
    """Those of our own user: Keystone lets nobody make them for another."""
    return Collection(
        cloud.service("identity"),
        f"/users/{cloud.user_id}/application_credentials",
        "application_credential",
        "application_credentials",
    )


def application_credential_named(cloud: Cloud, name: str) -> Thing | None:
    """Our own of this name, None when there is none."""
    return next(iter(application_credentials(cloud).list(name=name)), None)


def remove_access_rule(cloud: Cloud, identity: str) -> None:
    """Remove a rule that a credential has left behind; one that another credential uses stays."""
    try:
        cloud.service("identity").request("DELETE", f"/users/{cloud.user_id}/access_rules/{identity}")
    except (NotFound, Refused):
        return


def opens(cloud: Cloud, identity: str, secret: str) -> bool:
    """Whether the secret is that of this credential: a log in with it, whose token is not used."""
    proof = {
        "methods": ["application_credential"],
        "application_credential": {"id": identity, "secret": secret},
    }
    try:
        cloud.service("identity").request("POST", "/auth/tokens", json={"auth": {"identity": proof}})
    except CredentialsRefused:
        return False
    return True

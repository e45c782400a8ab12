"""People of an agency: whether a password is theirs, and the roles that they have in its project now."""

from __future__ import annotations

from dataclasses import dataclass

from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.cloud.errors import CredentialsRefused, NotFound, Unavailable


@dataclass(frozen=True)
class Known:
    """`agency` names the Keystone domain of the user and the project in it; `roles` are names, those that
    come by a group or are implied by another among them.
    """

    id: str
    name: str
    agency: str
    roles: frozenset[str]
    display_name: str = ""
    email: str = ""


def authenticate(endpoint: Credentials, agency: str, name: str, password: str) -> Known:
    """The person whose password this is. The token that proves it is given back at once.

    Raises CredentialsRefused for a wrong password, a user who is disabled or locked and one who has no role
    in the agency's project; Unavailable.
    """
    from keystoneauth1.exceptions import ClientException
    from keystoneauth1.exceptions.http import Forbidden, NotFound, Unauthorized

    theirs = endpoint.overridden(
        username=name, password=password, user_domain_name=agency, project_name=agency,
        project_domain_name=agency,
    )  # fmt: skip
    session = Cloud(theirs, user_agent="citycloud-portal").sdk.session
    try:
        access = session.auth.get_access(session)
        session.delete(
            f"{session.auth.auth_url.rstrip('/')}/auth/tokens", headers={"X-Subject-Token": access.auth_token}
        )
    except (Unauthorized, Forbidden, NotFound) as refused:
        raise CredentialsRefused(f"identity: sign in as {name!r} of {agency!r}: refused") from refused
    except ClientException as failed:
        raise Unavailable(f"identity: sign in: {failed}") from failed
    return Known(access.user_id, access.username, agency, frozenset(access.role_names))


def find(cloud: Cloud, user_id: str) -> Known | None:
    """The user as of now, read with the rights of `cloud`; None who is gone or disabled."""
    identity = cloud.service("identity")
    try:
        user = identity.request("GET", f"/users/{user_id}")["user"]
        domain = identity.request("GET", f"/domains/{user['domain_id']}")["domain"]
    except NotFound:
        return None
    if not user.get("enabled", True) or not domain.get("enabled", True):
        return None
    asked = {"user.id": user_id, "effective": "true", "include_names": "true"}
    found = identity.request("GET", "/role_assignments", params=asked)["role_assignments"]
    roles = frozenset(
        str(one["role"]["name"]) for one in found
        if one.get("scope", {}).get("project", {}).get("name") == domain["name"]
        and one["scope"]["project"].get("domain", {}).get("name") == domain["name"]
    )  # fmt: skip
    return Known(
        str(user["id"]), str(user["name"]), str(domain["name"]), roles, str(user.get("description") or ""),
        str(user.get("email") or ""),
    )  # fmt: skip

"""The embedded directory: Keystone's own users, so that a portal needs no other server."""

from __future__ import annotations

from infra.cloud import errors, person
from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.domain.person import Person, Role
from infra.portal.identity import DirectoryUnreachable, SignInRefused

ROLES = {
    "member": Role.MEMBER,
    "approver": Role.APPROVER,
    "auditor": Role.AUDITOR,
    "operator": Role.OPERATOR,
    "admin": Role.OPERATOR,
}
"""Keystone's role on the agency's project -> ours. Other roles of Keystone mean nothing to the portal."""


class KeystoneDirectory:
    """`service` is the portal's own access, which may read users and role assignments; `endpoint` has where
    Keystone is and how TLS is checked, without anybody's password.
    """

    def __init__(self, service: Cloud, endpoint: Credentials) -> None:
        self._service = service
        self._endpoint = endpoint

    def sign_in(self, agency: str, name: str, password: str) -> Person:
        """Raises SignInRefused, also for who has a password but none of our roles. The token of a sign-in has
        neither the full name nor the e-mail address, so the account is looked up.
        """
        try:
            found = person.authenticate(self._endpoint, agency, name, password)
            found = person.find(self._service, found.id) or found
        except errors.CredentialsRefused as refused:
            raise SignInRefused("agency, name or password is not right") from refused
        except errors.CloudError as failed:
            raise DirectoryUnreachable(f"Keystone: {failed}") from failed
        if not (known := _person(found)):
            raise SignInRefused("this account has no role in the portal")
        return known

    def look_up(self, person_id: str) -> Person | None:
        try:
            found = person.find(self._service, person_id)
        except errors.CloudError as failed:
            raise DirectoryUnreachable(f"Keystone: {failed}") from failed
        return _person(found) if found else None


def _person(found: person.Known) -> Person | None:
    roles = frozenset(ROLES[role] for role in found.roles if role in ROLES)
    if not roles:
        return None
    return Person(found.id, found.name, found.agency, roles, found.display_name, found.email)

"""Person: somebody who is signed in, with the roles that the city gave them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """member asks; approver signs requests of the own agency; operator is of the city's cloud team and signs
    for the city; auditor reads everything and changes nothing.
    """

    MEMBER = "member"
    APPROVER = "approver"
    OPERATOR = "operator"
    AUDITOR = "auditor"


SEES_ALL = frozenset({Role.OPERATOR, Role.AUDITOR})
"""Roles that see every agency."""


@dataclass(frozen=True)
class Person:
    """Who is signed in. `id` is Keystone's user id or the provider's subject, and never changes; `agency` is
    a code. Operators and auditors belong to an agency as well, and see all of them.
    """

    id: str
    name: str
    agency: str
    roles: frozenset[Role]
    display_name: str = ""
    email: str = ""

    def sees(self, agency: str) -> bool:
        """Whether what belongs to `agency` exists for this person at all."""
        return bool(self.roles & SEES_ALL) or (bool(self.roles) and self.agency == agency)

"""What a route lets people do: the roles that may, and the scope that a token needs for it.

This is the first door. The services behind it ask again, with the agency and the state of the very thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.domain.person import Role
from infra.domain.session import Scope

ALL = frozenset(Role)


@dataclass(frozen=True)
class Ability:
    roles: frozenset[Role]
    scope: Scope


READ = Ability(ALL, Scope.READ)
REQUEST = Ability(frozenset({Role.MEMBER, Role.OPERATOR}), Scope.REQUEST)
SIGN = Ability(frozenset({Role.APPROVER, Role.OPERATOR}), Scope.APPROVE)
"""By one's own role; it can be delegated, to a member as well."""
DECIDE = Ability(frozenset({Role.MEMBER, Role.APPROVER, Role.OPERATOR}), Scope.APPROVE)
"""By one's own role or in another's place: the services know which."""
SEE_FACTS = Ability(DECIDE.roles, Scope.READ)
OPERATE = Ability(frozenset({Role.MEMBER, Role.OPERATOR}), Scope.OPERATE)
OVERSEE = Ability(frozenset({Role.OPERATOR, Role.AUDITOR}), Scope.READ)
AUDIT = Ability(frozenset({Role.APPROVER, Role.OPERATOR, Role.AUDITOR}), Scope.READ)

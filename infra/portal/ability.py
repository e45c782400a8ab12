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
DECIDE = Ability(frozenset({Role.APPROVER, Role.OPERATOR}), Scope.APPROVE)
SEE_FACTS = Ability(frozenset({Role.APPROVER, Role.OPERATOR}), Scope.READ)
OPERATE = Ability(frozenset({Role.MEMBER, Role.OPERATOR}), Scope.OPERATE)
AUDIT = Ability(frozenset({Role.APPROVER, Role.OPERATOR, Role.AUDITOR}), Scope.READ)

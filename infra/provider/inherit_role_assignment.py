"""`InheritRoleAssignment`: a role that a user or group has on every project below a domain or project."""

from __future__ import annotations

from infra.provider.role_assignment import RoleAssignment


class InheritRoleAssignment(RoleAssignment):
    """The role does not hold on the domain or project itself: that takes a `RoleAssignment` beside it."""

    type_name = "openstack:identity/inheritRoleAssignment:InheritRoleAssignment"
    inherited = True

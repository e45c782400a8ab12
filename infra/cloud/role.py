"""Keystone roles and who holds which, on what."""

from __future__ import annotations

from dataclasses import dataclass

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound


def roles(cloud: Cloud) -> Collection:
    return Collection(cloud.service("identity"), "/roles", "role", "roles", change="PATCH")


def role_named(cloud: Cloud, name: str, domain_id: str = "") -> Thing | None:
    """The role of this name: global, or of one domain."""
    filters = {"name": name, **({"domain_id": domain_id} if domain_id else {})}
    return next(iter(roles(cloud).list(**filters)), None)


@dataclass(frozen=True)
class Assignment:
    """One role of one user or group on one project or domain: exactly one of each pair is not empty."""

    role_id: str
    user_id: str = ""
    group_id: str = ""
    project_id: str = ""
    domain_id: str = ""

    @property
    def path(self) -> str:
        scope = f"/projects/{self.project_id}" if self.project_id else f"/domains/{self.domain_id}"
        holder = f"/users/{self.user_id}" if self.user_id else f"/groups/{self.group_id}"
        return f"{scope}{holder}/roles/{self.role_id}"


def assign(cloud: Cloud, assignment: Assignment) -> None:
    """Give the role; giving it twice changes nothing."""
    cloud.service("identity").request("PUT", assignment.path)


def is_assigned(cloud: Cloud, assignment: Assignment) -> bool:
    """Whether the role is held directly."""
    try:
        cloud.service("identity").request("HEAD", assignment.path)
    except NotFound:
        return False
    return True


def unassign(cloud: Cloud, assignment: Assignment) -> None:
    """Take the role away; that nobody holds it, or that holder or scope are gone, is success."""
    try:
        cloud.service("identity").request("DELETE", assignment.path)
    except NotFound:
        return

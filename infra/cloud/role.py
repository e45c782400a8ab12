"""Keystone roles and who holds which, on what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.directory import Directory
from infra.cloud.errors import NotFound, Refused
from infra.cloud.service import Service, pages


def roles(cloud: Cloud) -> Collection:
    return Directory(cloud.service("identity"), "/roles", "role")


def role_named(cloud: Cloud, name: str, domain_id: str = "") -> Thing | None:
    """The role of this name: global, or of one domain."""
    filters = {"name": name, **({"domain_id": domain_id} if domain_id else {})}
    return next(iter(roles(cloud).list(**filters)), None)


@dataclass(frozen=True)
class Assignment:
    """One role of one user or group on one project or domain: exactly one of each pair is not empty.

    `inherited`: not on the project or domain itself but on every project below it.
    """

    role_id: str
    user_id: str = ""
    group_id: str = ""
    project_id: str = ""
    domain_id: str = ""
    inherited: bool = False

    @property
    def path(self) -> str:
        """Where Keystone keeps it."""
        scope = f"/projects/{self.project_id}" if self.project_id else f"/domains/{self.domain_id}"
        holder = f"/users/{self.user_id}" if self.user_id else f"/groups/{self.group_id}"
        direct = f"{scope}{holder}/roles/{self.role_id}"
        return f"/OS-INHERIT{direct}/inherited_to_projects" if self.inherited else direct


def assign(cloud: Cloud, assignment: Assignment) -> None:
    """Give the role; giving it twice changes nothing."""
    cloud.service("identity").request("PUT", assignment.path)


def is_assigned(cloud: Cloud, assignment: Assignment) -> bool:
    """Whether the role is held in just this way, for a read: a listing that is a few seconds old will do."""
    identity = cloud.service("identity")
    path = assignment.path
    return (
        identity.listings.one(_LISTING, path, lambda: _single(identity, path), lambda: _all(identity))
        is not None
    )


def unassign(cloud: Cloud, assignment: Assignment) -> None:
    """Take the role away; that nobody holds it, or that holder or scope are gone, is success."""
    try:
        cloud.service("identity").request("DELETE", assignment.path)
    except NotFound:
        return


_LISTING = "/role_assignments"


def _single(identity: Service, path: str) -> Thing | None:
    try:
        identity.request("GET", path)
    except NotFound:
        return None
    return {"id": path}


def _all(identity: Service) -> Iterator[Thing]:
    """Every assignment by its path; none for who may not list them, who is then told of each singly."""
    try:
        rows = [*pages(identity, _LISTING, "role_assignments", {})]
    except Refused:
        return
    for row in rows:
        scope = row["scope"]
        if "project" in scope or "domain" in scope:
            found = Assignment(
                role_id=row["role"]["id"],
                user_id=row.get("user", {}).get("id", ""),
                group_id=row.get("group", {}).get("id", ""),
                project_id=scope.get("project", {}).get("id", ""),
                domain_id=scope.get("domain", {}).get("id", ""),
                inherited=bool(scope.get("OS-INHERIT:inherited_to")),
            )
            yield {"id": found.path}

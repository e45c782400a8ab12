"""Ends an agency's access without removing anything, and gives it back."""

from __future__ import annotations

from collections.abc import Iterable

from infra.cloud.agency import Agency
from infra.cloud.connection import Cloud
from infra.cloud.project import projects
from infra.cloud.user import users


def disable(cloud: Cloud, agency: Agency) -> None:
    """Users, projects and domains, in this order: Keystone ends their tokens and application credentials at
    once, and people of other domains lose the projects with them."""
    for user in sorted(agency.users):
        _set(cloud, "user", user, enabled=False)
    for project in sorted(agency.projects):
        _set(cloud, "project", project, enabled=False)
    for domain in sorted(agency.domains):
        _set(cloud, "project", domain, enabled=False)


def enable(cloud: Cloud, identities: Iterable[str], kind: str = "project") -> None:
    """Projects and domains (`project`) or users (`user`) work again. Domains come first."""
    for identity in identities:
        _set(cloud, kind, identity, enabled=True)


def _set(cloud: Cloud, kind: str, identity: str, *, enabled: bool) -> None:
    """That it is gone, or so already, is success."""
    things = users(cloud) if kind == "user" else projects(cloud)
    found = things.find(identity)
    if found is not None and bool(found.get("enabled")) != enabled:
        things.change(identity, {"enabled": enabled})

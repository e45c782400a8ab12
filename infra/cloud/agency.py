"""Which domain, projects, people and groups make an agency in Keystone: what everything else is matched
with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.group import groups
from infra.cloud.project import project_named, projects
from infra.cloud.user import users


@dataclass(frozen=True)
class Agency:
    """The ids behind an agency's code; empty where Keystone has none (any more).

    Made once, remembered, and joined with what is found later: when the domain is gone, only the ids tell
    what was the agency's.
    """

    code: str
    domains: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def joined(self, other: Agency) -> Agency:
        return Agency(
            self.code,
            self.domains | other.domains,
            self.projects | other.projects,
            self.users | other.users,
            self.groups | other.groups,
        )

    def plain(self) -> dict[str, Any]:
        """For a file: see `agency_from`."""
        parts = ("domains", "projects", "users", "groups")
        return {"code": self.code, **{part: sorted(getattr(self, part)) for part in parts}}


def agency_from(plain: Mapping[str, Any]) -> Agency:
    """What `Agency.plain` wrote."""
    parts = {part: frozenset(plain[part]) for part in ("domains", "projects", "users", "groups")}
    return Agency(plain["code"], **parts)


def find_agency(cloud: Cloud, code: str) -> Agency:
    """The agency whose domain has this name; everything empty when there is no such domain."""
    domain = project_named(cloud, code, None, is_domain=True)
    if domain is None:
        return Agency(code)
    identity = domain["id"]
    listed = {
        "projects": projects(cloud).list(domain_id=identity),
        "users": users(cloud).list(domain_id=identity),
        "groups": groups(cloud).list(domain_id=identity),
    }
    # The filter is Keystone's; a service that overlooks it must not make everybody's things the agency's.
    own = {
        part: frozenset(one["id"] for one in found if one.get("domain_id") == identity)
        for part, found in listed.items()
    }
    return Agency(code, frozenset({identity}), **own)

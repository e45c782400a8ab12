"""Keystone projects, and domains, which Keystone also keeps as projects (`is_domain`)."""

from __future__ import annotations

from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.directory import Directory


def projects(cloud: Cloud) -> Collection:
    """Every project; a list needs `is_domain=True` to show domains, and shows nothing else then."""
    return Directory(cloud.service("identity"), "/projects", "project", ({}, {"is_domain": "true"}))


def project_named(cloud: Cloud, name: str, domain_id: str | None, *, is_domain: bool = False) -> Thing | None:
    """The project of this name in the domain, or the domain of this name."""
    filters: dict[str, Any] = {"name": name}
    if is_domain:
        filters["is_domain"] = "true"
    elif domain_id:
        filters["domain_id"] = domain_id
    return next(iter(projects(cloud).list(**filters)), None)


def remove_project(cloud: Cloud, identity: str) -> None:
    """Remove a project or a domain; a domain is disabled first, as Keystone demands."""
    found = projects(cloud).find(identity)
    if found is None:
        return
    if found.get("is_domain") and found.get("enabled"):
        projects(cloud).change(identity, {"enabled": False})
    projects(cloud).remove(identity)

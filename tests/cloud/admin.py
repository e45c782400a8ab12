"""The administrator's connection to a site under test: for scripts that run inside the lab's network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import openstack

from infra import inventory as inventories
from infra.provisioning.site import SiteContext, find_site
from infra.settings import Settings


def site_of(inventory: str) -> SiteContext:
    return find_site(Settings.from_environment(os.environ), inventories.load(Path(inventory)))


def connect(site: SiteContext, project_id: str | None = None) -> Any:
    """Scoped to the project, or to `admin`."""
    scope = (
        {"project_id": project_id}
        if project_id
        else {"project_name": "admin", "project_domain_id": "default"}
    )
    return openstack.connect(
        auth_url=site.identity_url,
        username="admin",
        password=site.secrets.admin_password,
        user_domain_id="default",
        region_name=site.inventory.site.region_name,
        cacert=str(site.paths.ca_certificate),
        **scope,
    )


def project_of(cloud: Any, agency: str) -> Any:
    """The agency's one project, None if it has none."""
    domain = cloud.identity.find_domain(agency)
    return next(iter(cloud.identity.projects(domain_id=domain.id)), None) if domain else None

"""`Project`: a Keystone project or, with `isDomain`, a domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud import project as cloud_project
from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.security_group import security_groups
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Failure, Property
from infra.provider.resource import REGION, Context, State


class Project(CollectionResource):
    """Deleting a project also removes the security group `default`, which Neutron made for it unasked and
    would keep.
    """

    type_name = "openstack:identity/project:Project"
    noun = "project"
    marked_in = "project_tags"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default=""),
        Property("domainId", replaces=True, chosen_by_cloud=True, refers="domain"),
        Property("parentId", replaces=True, chosen_by_cloud=True, refers="project"),
        Property("isDomain", "boolean", replaces=True, default=False),
        Property("enabled", "boolean", default=True),
        Property("tags", "strings", unordered=True),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if inputs.get("isDomain") is True:
            for name in ("domainId", "parentId"):
                if name in inputs:
                    yield name, "a domain (isDomain) is in no other domain or project: leave it out"

    def collection(self, cloud: Cloud) -> Collection:
        return cloud_project.projects(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        domain_id = inputs.get("domainId") or inputs.get("parentId")
        return cloud_project.project_named(
            cloud, inputs["name"], domain_id, is_domain=bool(inputs.get("isDomain"))
        )

    def delete(self, context: Context, identity: str, state: State) -> None:
        if not state.get("isDomain"):
            _remove_default_security_group(context.cloud, identity)
        cloud_project.remove_project(context.cloud, identity)


def _remove_default_security_group(cloud: Cloud, project_id: str) -> None:
    for group in security_groups(cloud).list(project_id=project_id, name="default"):
        security_groups(cloud).remove(group["id"])

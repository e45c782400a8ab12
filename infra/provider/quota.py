"""Quotas of a project: `QuotaSetV2` (Nova), `QuotaV2` (Neutron), `QuoteSetV3` (Cinder; the package's own
spelling).

A quota always exists, so create and update set the limits that are given and delete puts the service's
defaults back: an agency that leaves, leaves no quota behind. Limits that are left out stay the service's
business.
"""

from __future__ import annotations

from typing import Any, ClassVar

from infra.cloud import quota as cloud_quota
from infra.cloud.errors import NotFound, Refused
from infra.cloud.project import projects
from infra.cloud.quota import QuotaService
from infra.provider import rules
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, Resource, State


def _limits(*names: str) -> tuple[Property, ...]:
    given = tuple(Property(name, "integer", chosen_by_cloud=True, rule=rules.limit) for name in names)
    return (Property("projectId", required=True, replaces=True), *given, REGION)


class _Quota(Resource):
    """The id is `project/region`, as in the official provider; the region may be empty."""

    service: ClassVar[QuotaService]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        project_id = inputs["projectId"]
        self._set(context, project_id, inputs)
        region = inputs.get("region") or context.cloud.region_name
        return f"{project_id}/{region}", self._state(context, project_id)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        project_id = identity.partition("/")[0]
        if not state and projects(context.cloud).find(project_id) is None:
            return None
        try:
            return self._state(context, project_id)
        except NotFound:
            return None
        except Refused:
            if projects(context.cloud).find(project_id) is None:
                return None
            raise

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        project_id = identity.partition("/")[0]
        self._set(context, project_id, {name: inputs[name] for name in changed if name in inputs})
        return self._state(context, project_id)

    def delete(self, context: Context, identity: str, state: State) -> None:
        project_id = identity.partition("/")[0]
        try:
            cloud_quota.reset_quota(context.cloud, self.service, project_id)
        except Refused:
            if projects(context.cloud).find(project_id) is not None:
                raise

    def _set(self, context: Context, project_id: str, values: State) -> None:
        limits: dict[str, int] = {
            item.key: values[item.name]
            for item in self.properties
            if item.kind == "integer" and item.name in values
        }
        types: dict[str, Any] = values.get("volumeTypeQuota", {})
        limits.update({name: int(limit) for name, limit in types.items()})
        if limits:
            cloud_quota.set_quota(context.cloud, self.service, project_id, limits)

    def _state(self, context: Context, project_id: str) -> State:
        held = cloud_quota.read_quota(context.cloud, self.service, project_id)
        named = {item.key: item.name for item in self.properties if item.kind == "integer"}
        shown: State = {named[key]: int(value) for key, value in held.items() if key in named}
        return {"projectId": project_id, **shown}


class QuotaSetV2(_Quota):
    type_name = "openstack:compute/quotaSetV2:QuotaSetV2"
    service = cloud_quota.COMPUTE
    properties = _limits(
        "cores", "instances", "ram", "keyPairs", "metadataItems", "serverGroups", "serverGroupMembers"
    )
    # Nova dropped these quotas from its API in microversion 2.57.
    unsupported = (
        "fixedIps", "floatingIps", "securityGroups", "securityGroupRules", "injectedFiles",
        "injectedFileContentBytes", "injectedFilePathBytes",
    )  # fmt: skip


class QuotaV2(_Quota):
    type_name = "openstack:networking/quotaV2:QuotaV2"
    service = cloud_quota.NETWORK
    properties = _limits(
        "floatingip", "network", "port", "rbacPolicy", "router", "securityGroup", "securityGroupRule",
        "subnet", "subnetpool",
    )  # fmt: skip


class QuoteSetV3(_Quota):
    type_name = "openstack:blockstorage/quoteSetV3:QuoteSetV3"
    service = cloud_quota.VOLUME
    properties = (
        *_limits(
            "backupGigabytes", "backups", "gigabytes", "groups", "perVolumeGigabytes", "snapshots", "volumes"
        ),
        Property("volumeTypeQuota", "map", chosen_by_cloud=True),
    )

    def _state(self, context: Context, project_id: str) -> State:
        held = cloud_quota.read_quota(context.cloud, self.service, project_id)
        known = {item.key for item in self.properties}
        types = {key: str(value) for key, value in held.items() if key not in known}
        return {**super()._state(context, project_id), "volumeTypeQuota": types}

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """Cinder lists every volume type: those that the program does not name are no difference."""
        if item.name != "volumeTypeQuota" or not isinstance(present, dict) or not isinstance(wanted, dict):
            return False
        return all(present.get(name) == value for name, value in wanted.items())

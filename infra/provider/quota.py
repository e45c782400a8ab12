"""Quotas of a project: `QuotaSetV2` (Nova), `QuotaV2` (Neutron), `QuoteSetV3` (Cinder; the package's own
spelling).

A quota always exists, so create and update set the limits that are given and delete puts the service's
defaults back: an agency that leaves, leaves no quota behind. Limits that are left out stay the service's
business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from infra.cloud import quota as cloud_quota
from infra.cloud.errors import Refused
from infra.cloud.project import projects
from infra.cloud.quota import QuotaService
from infra.provider import rules
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, Resource, State


def _limits(*names: str) -> tuple[Property, ...]:
    given = tuple(Property(name, "integer", chosen_by_cloud=True, rule=rules.limit) for name in names)
    return (Property("projectId", required=True, replaces=True, refers="project"), *given, REGION)


def _whole_numbers(limits: Mapping[str, Any]) -> str | None:
    wrong = [
        name
        for name, value in limits.items()
        if not str(value).removeprefix("-").isdigit() or int(value) < -1
    ]
    return f"must be whole numbers, -1 for no limit: {', '.join(sorted(wrong))}" if wrong else None


class _Quota(Resource):
    """The id is `project/region`, as in the official provider; the region may be empty."""

    service: ClassVar[QuotaService]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        project_id = inputs["projectId"]
        self._set(context, project_id, inputs)
        region = inputs.get("region") or context.cloud.region_name
        return f"{project_id}/{region}", self._state(context, project_id)

    def read(self, context: Context, identity: str, state: State) -> State | None:
        """Services answer with defaults for projects that are gone, so Keystone is asked for the project."""
        project_id = identity.partition("/")[0]
        if not _project_exists(context, project_id):
            return None
        return self._state(context, project_id, cloud_quota.look_quota)

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
            if _project_exists(context, project_id):
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

    def _state(
        self, context: Context, project_id: str, ask: Callable[..., dict[str, Any]] = cloud_quota.read_quota
    ) -> State:
        return self._shown(project_id, ask(context.cloud, self.service, project_id))

    def _shown(self, project_id: str, held: Mapping[str, Any]) -> State:
        named = {item.key: item.name for item in self.properties if item.kind == "integer"}
        shown: State = {named[key]: int(value) for key, value in held.items() if key in named}
        return {"projectId": project_id, **shown}


def _project_exists(context: Context, project_id: str) -> bool:
    """Whether Keystone knows the project; yes for who may not ask it."""
    try:
        return projects(context.cloud).look(project_id) is not None
    except Refused:
        return True


_ELSEWHERE = (
    "Nova has no networks of its own any more and ignores this limit: set {} of an "
    "openstack:networking/quotaV2:QuotaV2"
)


class QuotaSetV2(_Quota):
    type_name = "openstack:compute/quotaSetV2:QuotaSetV2"
    service = cloud_quota.COMPUTE
    properties = _limits(
        "cores", "injectedFileContentBytes", "injectedFilePathBytes", "injectedFiles", "instances",
        "keyPairs", "metadataItems", "ram", "serverGroupMembers", "serverGroups",
    )  # fmt: skip
    unsupported: ClassVar[Mapping[str, str]] = {
        "fixedIps": _ELSEWHERE.format("port"),
        "floatingIps": _ELSEWHERE.format("floatingip"),
        "securityGroups": _ELSEWHERE.format("securityGroup"),
        "securityGroupRules": _ELSEWHERE.format("securityGroupRule"),
    }


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
        Property("volumeTypeQuota", "map", chosen_by_cloud=True, rule=_whole_numbers),
    )

    def _shown(self, project_id: str, held: Mapping[str, Any]) -> State:
        known = {item.key for item in self.properties}
        types = {key: str(value) for key, value in held.items() if key not in known}
        return {**super()._shown(project_id, held), "volumeTypeQuota": types}

    def importable_inputs(self, state: State) -> State:
        """Without the volume types that have no limit: types come and go, and Cinder lists them all."""
        limited = {name: value for name, value in state.get("volumeTypeQuota", {}).items() if value != "-1"}
        return super().importable_inputs({**state, "volumeTypeQuota": limited})

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """Cinder lists every volume type: those that the program does not name are no difference."""
        if item.name != "volumeTypeQuota" or not isinstance(present, dict) or not isinstance(wanted, dict):
            return False
        return all(present.get(name) == value for name, value in wanted.items())

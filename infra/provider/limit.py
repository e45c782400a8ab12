"""`LimitV3`: what one project or domain may have of a registered limit's resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.limit import limit_of, limits
from infra.provider import rules
from infra.provider.property import Failure, Property
from infra.provider.registered_limit import RegisteredLimitV3
from infra.provider.resource import REGION, State


class LimitV3(RegisteredLimitV3):
    """Keystone takes one for each project or domain and registered limit, which has to be there before."""

    type_name = "openstack:identity/limitV3:LimitV3"
    noun = "limit"
    properties = (
        Property("domainId", replaces=True, refers="domain"),
        Property("projectId", replaces=True, refers="project"),
        Property("serviceId", required=True, replaces=True),
        Property("resourceName", required=True, replaces=True, rule=rules.name),
        Property("resourceLimit", "integer", required=True, rule=rules.limit),
        Property("description", default=""),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if ("projectId" in inputs) == ("domainId" in inputs):
            yield "projectId", "give exactly one of projectId and domainId"

    def collection(self, cloud: Cloud) -> Collection:
        return limits(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        return limit_of(cloud, self._whole(cloud, inputs))

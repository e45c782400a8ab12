"""`RegisteredLimitV3`: what every project may have of a service's resource, by Keystone's unified limits.

It counts only where the service asks Keystone for its limits; Nova, Neutron and Cinder as they are installed
here keep quotas of their own (`quota`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.registered_limit import registered_limit_of, registered_limits
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, NotOurs, State


class RegisteredLimitV3(CollectionResource):
    """Keystone takes one for each service, resource and region. As in the official provider the region is the
    program's, or that of the provider; without either the limit is for all regions.
    """

    type_name = "openstack:identity/registeredLimitV3:RegisteredLimitV3"
    noun = "registered limit"
    marked_in = "description"
    properties: ClassVar[tuple[Property, ...]] = (
        Property("serviceId", required=True),
        Property("resourceName", required=True, rule=rules.name),
        Property("defaultLimit", "integer", required=True, rule=rules.limit),
        Property("description", default=""),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return registered_limits(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        return registered_limit_of(cloud, self._whole(cloud, inputs))

    def _marked(self, cloud: Cloud, inputs: State, mark: str) -> Thing | None:
        """Not looked for beforehand: Keystone refuses a second one, and that one is then looked at."""
        return None

    def _marked_body(self, context: Context, inputs: State) -> dict[str, Any]:
        return {**self._whole(context.cloud, inputs), **super()._marked_body(context, inputs)}

    def _whole(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """All attributes for these inputs, with the region."""
        region = inputs.get("region") or cloud.region_name
        return {**self.body(cloud, inputs), **({"region_id": region} if region else {})}

    def _make(self, context: Context, inputs: State) -> tuple[Thing, bool]:
        try:
            return super()._make(context, inputs)
        except NotOurs:
            found = self.alike_named(context.cloud, inputs) or {}
            raise NotOurs(
                f"a {self.noun} for {inputs['resourceName']} exists already (id {found.get('id')}) and was "
                "not made by this resource: import it"
            ) from None

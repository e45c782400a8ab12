"""`User`: a Keystone user. Its password goes to Keystone and, as a secret, to the state; it is never read
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.user import user_named, users
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.property import Property
from infra.provider.resource import REGION, State


class User(CollectionResource):
    type_name = "openstack:identity/user:User"
    noun = "user"
    marked_in = "attribute"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default=""),
        Property("domainId", replaces=True, chosen_by_cloud=True),
        Property("defaultProjectId", chosen_by_cloud=True),
        Property("enabled", "boolean", default=True),
        Property("password", secret=True, kept=True),
        REGION,
    )
    unsupported = (
        "extra", "ignoreChangePasswordUponFirstUse", "ignoreLockoutFailureAttempts", "ignorePasswordExpiry",
        "multiFactorAuthEnabled", "multiFactorAuthRules",
    )  # fmt: skip

    def collection(self, cloud: Cloud) -> Collection:
        return users(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        return user_named(cloud, inputs["name"], inputs.get("domainId"))

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        password = {"password": inputs["password"]} if inputs.get("password") else {}
        return {**super().body(cloud, inputs), **password}

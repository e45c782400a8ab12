"""`User`: a Keystone user. Its password goes to Keystone and, as a secret, to the state; it is never read
back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.user import user_named, users
from infra.provider import rules
from infra.provider.collection import CollectionResource
from infra.provider.mark import ATTRIBUTE
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, State

_OWN = frozenset(
    {
        "default_project_id", "description", "domain_id", "enabled", "federated", "id", "links", "name",
        "options", "original_password", "password", "password_expires_at", ATTRIBUTE,
    }
)  # fmt: skip
"""What Keystone itself says of a user: every other attribute is free-form (`extra`)."""
_SWITCHES = (
    "ignoreChangePasswordUponFirstUse", "ignoreLockoutFailureAttempts", "ignorePasswordExpiry",
    "multiFactorAuthEnabled",
)  # fmt: skip


def _free(extra: Mapping[str, Any]) -> str | None:
    taken = sorted(_OWN & extra.keys())
    return f"{', '.join(taken)} cannot be given here: Keystone's own" if taken else None


def _factors(names: list[Any]) -> str | None:
    return None if names else "must name at least one method, such as password or totp"


class User(CollectionResource):
    """Options of the password and its factors go to Keystone as `options`, `extra` as attributes beside
    Keystone's own.
    """

    type_name = "openstack:identity/user:User"
    noun = "user"
    marked_in = "attribute"
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("description", default=""),
        Property("domainId", replaces=True, chosen_by_cloud=True, refers="domain"),
        Property("defaultProjectId", chosen_by_cloud=True, refers="project"),
        Property("enabled", "boolean", default=True),
        Property("password", secret=True, kept=True),
        Property("extra", "map", rule=_free),
        *(Property(name, "boolean") for name in _SWITCHES),
        Property(
            "multiFactorAuthRules",
            "objects",
            fields=(Property("rules", "strings", required=True, rule=_factors),),
        ),
        REGION,
    )

    def collection(self, cloud: Cloud) -> Collection:
        return users(cloud)

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        return user_named(cloud, inputs["name"], inputs.get("domainId"))

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        apart = {"extra", "multiFactorAuthRules", *_SWITCHES}
        body = super().body(cloud, {name: value for name, value in inputs.items() if name not in apart})
        options = {
            item.key: inputs[item.name] for item in self.properties if item.name in inputs.keys() & _SWITCHES
        }
        if "multiFactorAuthRules" in inputs:
            given = [row["rules"] for row in inputs["multiFactorAuthRules"]]
            options["multi_factor_auth_rules"] = given or None  # None takes an option away
        if options:
            body["options"] = options
        if inputs.get("password"):
            body["password"] = inputs["password"]
        return {**inputs.get("extra", {}), **body}

    def state(self, cloud: Cloud, thing: Thing) -> State:
        options = thing.get("options") or {}
        told = super().state(cloud, {**thing, **options, "extra": None})
        told.pop("multiFactorAuthRules", None)
        if options.get("multi_factor_auth_rules"):
            told["multiFactorAuthRules"] = [{"rules": row} for row in options["multi_factor_auth_rules"]]
        extra = {key: _text(value) for key, value in thing.items() if key not in _OWN and value is not None}
        return {**told, "extra": extra} if extra else told

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "extra" in changed:
            gone = dict.fromkeys(state.get("extra", {}))
            inputs = {**inputs, "extra": {**gone, **inputs.get("extra", {})}}
        return super().update(context, identity, state, inputs, changed)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

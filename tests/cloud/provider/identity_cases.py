"""The conformance cases of the identity types."""

from __future__ import annotations

import itertools
from typing import Any

from tests.cloud.provider.case import Case, Ground, Inputs, State

_IDENTITY = "openstack:identity/"
PROJECT = _IDENTITY + "project:Project"
USER = _IDENTITY + "user:User"
GROUP = _IDENTITY + "groupV3:GroupV3"
ROLE = _IDENTITY + "role:Role"
REGISTERED = _IDENTITY + "registeredLimitV3:RegisteredLimitV3"
_PASSWORD = "a-password-of-a-test"  # noqa: S105, RUF100  (of users that live for seconds)
_numbers = itertools.count(1)


def renamed(ground: Ground, inputs: Inputs) -> Inputs:
    return {**inputs, "name": ground.name("renamed"), "description": "another"}


def patch(kind: str, **values: Any) -> Any:
    """A change by hand of a thing of Keystone's collection `kind`."""

    def change(ground: Ground, identity: str, state: State) -> object:
        path = f"/{kind}s/{identity}"
        return ground.cloud.service("identity").request("PATCH", path, json={kind: values})

    return change


def elsewhere(ground: Ground) -> str:
    """A domain beside the tests' own."""
    return str(ground.once("domain-2", PROJECT, {"name": ground.name("domain-2"), "isDomain": True})["id"])


def person(ground: Ground) -> str:
    inputs = {"name": ground.name("person"), "domainId": ground.domain_id, "password": _PASSWORD}
    return str(ground.make(USER, inputs)["id"])


def people(ground: Ground) -> str:
    return str(ground.make(GROUP, {"name": ground.name("people"), "domainId": ground.domain_id})["id"])


def role(ground: Ground, name: str = "member") -> str:
    found = ground.cloud.service("identity").request("GET", "/roles", params={"name": name})["roles"]
    return str(found[0]["id"])


def service(ground: Ground) -> str:
    found = ground.cloud.service("identity").request("GET", "/services", params={"type": "image"})["services"]
    return str(found[0]["id"])


def resource_name(ground: Ground) -> str:
    return f"case_{ground.run}_{next(_numbers)}"


def registered(ground: Ground) -> Inputs:
    return {"serviceId": service(ground), "resourceName": resource_name(ground), "defaultLimit": 5}


def limited(ground: Ground) -> Inputs:
    """The inputs of a limit whose registered limit is there."""
    made = ground.make(REGISTERED, registered(ground))
    return {"serviceId": made["serviceId"], "resourceName": made["resourceName"], "resourceLimit": 3}


def credential(ground: Ground) -> Inputs:
    return {
        "name": ground.name("credential"), "description": "of a case", "roles": ["member"],
        "expiresAt": "2035-01-01T07:00:00+07:00",
        "accessRules": [{"path": "/v2/images", "method": "GET", "service": "image"}],
    }  # fmt: skip


CASES = (
    Case(
        PROJECT,
        lambda ground: {
            "name": ground.name("project"), "domainId": ground.domain_id, "tags": ["b", "a"],
            "description": "x",
        },
        update=lambda ground, inputs: {**renamed(ground, inputs), "tags": ["c"], "enabled": False},
        replace=lambda ground, inputs: {**inputs, "domainId": elsewhere(ground)},
        by_hand=patch("project", description="by hand"),
    ),
    Case(
        PROJECT,
        lambda ground: {"name": ground.name("domain"), "isDomain": True},
        update=lambda ground, inputs: {**renamed(ground, inputs), "enabled": False},
        by_hand=patch("project", description="by hand"),
        label="a domain",
    ),
    Case(
        USER,
        lambda ground: {
            "name": ground.name("user"), "domainId": ground.domain_id, "password": _PASSWORD,
            "extra": {"email": "case@example.vn", "phone": "1"}, "ignorePasswordExpiry": True,
            "multiFactorAuthEnabled": True,
            "multiFactorAuthRules": [{"rules": ["password", "totp"]}, {"rules": ["password"]}],
            "defaultProjectId": ground.project_id,
        },
        update=lambda ground, inputs: {
            **{name: value for name, value in inputs.items() if name != "multiFactorAuthRules"},
            "extra": {"email": "other@example.vn"}, "ignorePasswordExpiry": False, "enabled": False,
            "multiFactorAuthEnabled": False, "ignoreLockoutFailureAttempts": True,
            "ignoreChangePasswordUponFirstUse": True, "password": _PASSWORD + "-2", "description": "x",
        },
        replace=lambda ground, inputs: {**inputs, "domainId": elsewhere(ground)},
        by_hand=patch("user", options={"ignore_lockout_failure_attempts": None}),
        untold=("password",),
    ),
    Case(
        GROUP,
        lambda ground: {"name": ground.name("group"), "domainId": ground.domain_id, "description": "x"},
        update=renamed,
        replace=lambda ground, inputs: {**inputs, "domainId": elsewhere(ground)},
        by_hand=patch("group", description="by hand"),
    ),
    Case(
        _IDENTITY + "userMembershipV3:UserMembershipV3",
        lambda ground: {"userId": person(ground), "groupId": people(ground)},
        replace=lambda ground, inputs: {**inputs, "groupId": people(ground)},
    ),
    Case(
        ROLE,
        lambda ground: {"name": ground.name("role")},
        update=lambda ground, inputs: {**inputs, "name": ground.name("role")},
        by_hand=patch("role", name=f"by-hand-{next(_numbers)}-of-a-case"),
    ),
    Case(
        _IDENTITY + "roleAssignment:RoleAssignment",
        lambda ground: {"userId": person(ground), "projectId": ground.project_id, "roleId": role(ground)},
        replace=lambda ground, inputs: {**inputs, "roleId": role(ground, "reader")},
    ),
    Case(
        _IDENTITY + "roleAssignment:RoleAssignment",
        lambda ground: {"groupId": people(ground), "domainId": ground.domain_id, "roleId": role(ground)},
        label="a group on a domain",
    ),
    Case(
        _IDENTITY + "inheritRoleAssignment:InheritRoleAssignment",
        lambda ground: {"groupId": people(ground), "domainId": ground.domain_id, "roleId": role(ground)},
        replace=lambda ground, inputs: {**inputs, "roleId": role(ground, "reader")},
    ),
    Case(
        _IDENTITY + "applicationCredential:ApplicationCredential",
        credential,
        replace=lambda ground, inputs: {**inputs, "description": "another"},
        untold=("secret",),
    ),
    Case(
        _IDENTITY + "applicationCredential:ApplicationCredential",
        lambda ground: {
            "name": ground.name("credential"), "secret": "a-secret-of-a-test", "unrestricted": True,
        },
        replace=lambda ground, inputs: {**inputs, "secret": "another-secret-of-a-test"},
        untold=("secret",),
        label="with a secret",
    ),
    Case(
        REGISTERED,
        registered,
        update=lambda ground, inputs: {**inputs, "defaultLimit": 7, "description": "x"},
        by_hand=patch("registered_limit", default_limit=9),
    ),
    Case(
        _IDENTITY + "limitV3:LimitV3",
        lambda ground: {**limited(ground), "projectId": ground.project_id},
        update=lambda ground, inputs: {**inputs, "resourceLimit": 4, "description": "x"},
        replace=lambda ground, inputs: {**limited(ground), "projectId": ground.project_id},
        by_hand=patch("limit", resource_limit=9),
    ),
    Case(
        _IDENTITY + "limitV3:LimitV3",
        lambda ground: {**limited(ground), "domainId": ground.domain_id},
        label="of a domain",
    ),
)  # fmt: skip

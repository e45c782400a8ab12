"""What Keystone keeps beside its plain collections: grants, memberships, application credentials, limits."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.openstack import FakeOpenStack

Answer = tuple[int, Any]
_IMPLIED = {"admin": ("member", "reader"), "member": ("reader",)}


_SERVICES = (
    {"id": "glance-service", "type": "image", "name": "glance", "enabled": True},
    {"id": "nova-service", "type": "compute", "name": "nova", "enabled": True},
)


class Refusal(Exception):
    """Keystone answers this status with this message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def special(
    fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any
) -> Answer | None:
    """The answer to a call that no plain collection gives, None for all others."""
    if "roles" in parts and parts[0] in ("projects", "domains", "OS-INHERIT"):
        return _grant(fake, method, parts)
    if parts[0] == "groups" and parts[2:3] == ["users"]:
        return _membership(fake, method, parts)
    if parts[0] in ("limits", "registered_limits"):
        return _limit(fake, method, parts, params, body)
    if parts[2:3] == ["application_credentials"]:
        return _application_credential(fake, method, parts, params, body)
    if parts[2:3] == ["access_rules"]:
        return _access_rule(fake, method, parts)
    if parts == ["services"] and method == "GET":
        wanted = params.get("type")
        return 200, {"services": [one for one in _SERVICES if wanted in (None, one["type"])]}
    if parts == ["auth", "tokens"] and method == "POST":
        return _log_in(fake, body)
    return None


def settle(name: str, thing: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """What a change leaves of a user: options are merged and None takes one away."""
    if name != "users" or "options" not in change:
        return change
    options = {**thing.get("options", {}), **change["options"]}
    return {**change, "options": {key: value for key, value in options.items() if value is not None}}


def _grant(fake: FakeOpenStack, method: str, parts: list[str]) -> Answer:
    key = "/".join(part for part in parts if part != "inherited_to_projects")
    target = parts[2 if parts[0] == "OS-INHERIT" else 1]
    if method == "PUT":
        fake.kind("projects")[target]
        fake.assignments.add(key)
        return 204, None
    if key not in fake.assignments:
        raise Refusal(404, "Could not find role assignment")
    if method == "DELETE":
        fake.assignments.discard(key)
    return 204, None


def _membership(fake: FakeOpenStack, method: str, parts: list[str]) -> Answer:
    group = fake.kind("groups")[parts[1]]
    held = fake.memberships.setdefault(str(group["id"]), set())
    if len(parts) == 3:
        return 200, {"users": [fake.kind("users")[one] for one in sorted(held)]}
    user = str(fake.kind("users")[parts[3]]["id"])
    if method == "PUT":
        held.add(user)
        return 204, None
    if user not in held:
        raise Refusal(404, f"User '{user}' not found in group '{group['id']}'")
    if method == "DELETE":
        held.discard(user)
    return 204, None


def _limit(fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any) -> Answer:
    plural = parts[0]
    singular = plural.removesuffix("s")
    held = fake.kind(plural)
    keys = ("service_id", "resource_name", "region_id", "project_id", "domain_id")
    if method == "POST":
        made = []
        for values in body[plural]:
            if any(all(one.get(key) == values.get(key) for key in keys) for one in held.values()):
                raise Refusal(
                    409, f"Conflict occurred attempting to store {singular} - Duplicate entry found."
                )
            if plural == "limits" and not any(
                all(one.get(key) == values.get(key) for key in keys[:3])
                for one in fake.kind("registered_limits").values()
            ):
                raise Refusal(403, "Unable to create a limit that has no corresponding registered limit.")
            one = {"id": uuid.uuid4().hex, **dict.fromkeys(keys[2:]), "description": None, **values}
            held[one["id"]] = one
            made.append(one)
        return 201, {plural: made}
    if len(parts) == 1:
        rows = [
            one for one in held.values() if all(str(one.get(key)) == value for key, value in params.items())
        ]
        return 200, {plural: rows}
    limit = held[parts[1]]
    if method == "PATCH":
        limit.update(body[singular])
    if method == "DELETE":
        used = fake.kind("limits").values() if plural == "registered_limits" else ()
        if any(all(one.get(key) == limit.get(key) for key in keys[:3]) for one in used):
            raise Refusal(
                403, f"Unable to update or delete registered limit {limit['id']} because there are limits"
            )
        del held[parts[1]]
        return 204, None
    return 200, {singular: limit}


def _application_credential(
    fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any
) -> Answer:
    held = fake.kind("application_credentials")
    mine = [one for one in held.values() if one["user_id"] == parts[1]]
    if method == "POST":
        values = body["application_credential"]
        if parts[1] != fake.user_id:
            raise Refusal(403, "Cannot create an application credential for another user.")
        if any(one["name"] == values["name"] for one in mine):
            raise Refusal(
                409, "Conflict occurred attempting to store application_credential - Duplicate entry."
            )
        made = _made(fake, values, parts[1])
        held[made["id"]] = made
        return 201, {"application_credential": made}
    if len(parts) == 3:
        rows = [one for one in mine if params.get("name") in (None, one["name"])]
        return 200, {"application_credentials": [_shown(one) for one in rows]}
    found = held[parts[3]]
    if method == "DELETE":
        del held[parts[3]]
        return 204, None
    return 200, {"application_credential": _shown(found)}


def _made(fake: FakeOpenStack, values: dict[str, Any], user_id: str) -> dict[str, Any]:
    rules = []
    for given in values.get("access_rules", []):
        rule = {"id": uuid.uuid4().hex, **given}
        fake.kind("access_rules")[rule["id"]] = rule
        rules.append(rule)
    names = [role["name"] for role in values.get("roles", [])] or ["admin"]
    return {
        **values, "id": uuid.uuid4().hex, "user_id": user_id, "project_id": fake.project_id,
        "access_rules": rules, "roles": [*_roles(fake, names)],
        "expires_at": (values.get("expires_at") or "").removesuffix("Z") or None,
    }  # fmt: skip


def _roles(fake: FakeOpenStack, names: list[str]) -> Iterable[dict[str, Any]]:
    every = {*names, *(implied for name in names for implied in _IMPLIED.get(name, ()))}
    found = {role["name"]: role for role in fake.kind("roles").values()}
    for name in sorted(every):
        if name not in found:
            raise Refusal(404, f"Could not find role: {name}.")
        yield {"id": found[name]["id"], "name": name, "domain_id": None}


def _shown(credential: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in credential.items() if key != "secret"}


def _access_rule(fake: FakeOpenStack, method: str, parts: list[str]) -> Answer:
    rule = fake.kind("access_rules")[parts[3]]
    if method == "DELETE":
        if any(rule in one["access_rules"] for one in fake.kind("application_credentials").values()):
            raise Refusal(403, "the access rule is in use")
        del fake.kind("access_rules")[parts[3]]
        return 204, None
    return 200, {"access_rule": rule}


def _log_in(fake: FakeOpenStack, body: Any) -> Answer:
    proof = body["auth"]["identity"]["application_credential"]
    found = fake.kind("application_credentials").get(proof["id"], {})
    if found.get("secret") != proof["secret"]:
        raise Refusal(401, "The request you have made requires authentication.")
    return 201, {"token": {}}

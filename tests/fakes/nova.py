"""What Nova keeps beside its plain collections: who may use a flavor, keypairs, server groups, consoles."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.keystone import Refusal

if TYPE_CHECKING:
    from tests.fakes.openstack import FakeOpenStack

Answer = tuple[int, Any]


def special(
    fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str
) -> Answer | None:
    """The answer to a call that no plain collection gives, None for all others."""
    if parts[0] == "flavors" and parts[-1] in ("action", "os-flavor-access"):
        return _flavor_access(fake, parts[1], body)
    if parts[0] == "os-keypairs":
        return _keypair(fake, method, parts, params.get("user_id", ""), body)
    if parts[0] == "os-server-groups" and method == "POST":
        return _server_group(fake, body["server_group"], scope)
    if parts[0] == "servers" and parts[-1] == "remote-consoles":
        return _remote_console(fake.kind("servers")[parts[1]], body["remote_console"])
    return None


def _flavor_access(fake: FakeOpenStack, flavor_id: str, body: Any) -> Answer:
    public = fake.kind("flavors")[flavor_id].get("os-flavor-access:is_public", True)
    held = fake.access.setdefault(flavor_id, set())
    if not body and public:
        raise Refusal(404, "Access list not available for public flavors.")
    for action, values in (body or {}).items():
        if action == "addTenantAccess":
            if public:
                raise Refusal(409, "Can not add access to a public flavor.")
            if values["tenant"] in held:
                raise Refusal(409, f"Flavor access already exists for flavor {flavor_id}")
            held.add(values["tenant"])
        else:
            if values["tenant"] not in held:
                raise Refusal(404, f"Flavor access not found for {flavor_id}")
            held.discard(values["tenant"])
    return 200, {"flavor_access": [{"flavor_id": flavor_id, "tenant_id": one} for one in sorted(held)]}


def _keypair(fake: FakeOpenStack, method: str, parts: list[str], user_id: str, body: Any) -> Answer:
    if method == "POST":
        values = {"user_id": fake.user_id, "type": "ssh", **body["keypair"]}
        if "public_key" not in values:
            raise Refusal(
                400, "Invalid input for field/attribute keypair. 'public_key' is a required property"
            )
        if _key(values["name"], values["user_id"], fake) in fake.keypairs:
            raise Refusal(409, f"Key pair '{values['name']}' already exists.")
        made = {**values, "fingerprint": "aa:bb"}
        fake.keypairs[_key(values["name"], values["user_id"], fake)] = made
        return 201, {"keypair": made}
    if len(parts) == 1:
        rows = [one for one in fake.keypairs.values() if one["user_id"] == (user_id or fake.user_id)]
        shown = ("name", "public_key", "fingerprint", "type")
        return 200, {"keypairs": [{"keypair": {key: one[key] for key in shown}} for one in rows]}
    key = _key(parts[1], user_id, fake)
    if method == "DELETE":
        del fake.keypairs[key]
        return 202, None
    return 200, {"keypair": fake.keypairs[key]}


def _key(name: str, user_id: str, fake: FakeOpenStack) -> str:
    """Names are unique for each user."""
    return name if user_id in ("", fake.user_id) else f"{user_id}/{name}"


def _server_group(fake: FakeOpenStack, values: dict[str, Any], scope: str) -> Answer:
    if values.keys() - {"name", "policy", "rules"}:
        raise Refusal(400, "Additional properties are not allowed")
    if "policy" not in values:
        raise Refusal(400, "'policy' is a required property")
    if values.get("rules") and values["policy"] != "anti-affinity":
        raise Refusal(400, "Only anti-affinity policy supports rules.")
    made = {
        "rules": {}, **values, "id": str(uuid.uuid4()), "members": [], "project_id": scope,
        "user_id": fake.user_id,
    }  # fmt: skip
    fake.kind("os-server-groups")[made["id"]] = made
    return 200, {"server_group": made}


def _remote_console(server: dict[str, Any], wanted: dict[str, str]) -> Answer:
    """`screen` of a server is False where its hypervisor gives it none."""
    if not server.get("screen", True):
        raise Refusal(400, f"Unavailable console type {wanted['protocol']}.")
    if server["status"] != "ACTIVE":
        raise Refusal(409, f"Instance {server['id']} is not ready")
    token = uuid.uuid4()
    url = f"https://console.test:6080/vnc_lite.html?path=%3Ftoken%3D{token}"
    return 200, {"remote_console": {**wanted, "url": url}}

"""A cloud in memory that answers OpenStack's own HTTP bodies: what the provider needs, as strict as the real
one.

`FakeOpenStack.handle` is the whole of it; `FakeCloud` puts it behind `infra.cloud` without a socket, and
`tests/fakes/openstack_server.py` behind real HTTP.
"""

from __future__ import annotations

import copy
import itertools
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

from infra.cloud.bulk import Creates, Several, Single
from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.cloud.listing import Listings
from infra.cloud.service import failure
from tests.fakes import cinder, glance, keystone, neutron, nova, servers

Answer = tuple[int, Any]
REGION = "hai-phong"
_COLLECTIONS = {
    ("identity", "projects"): "project",
    ("identity", "groups"): "group",
    ("identity", "users"): "user",
    ("identity", "roles"): "role",
    ("compute", "flavors"): "flavor",
    ("compute", "os-aggregates"): "aggregate",
    ("compute", "os-server-groups"): "server_group",
    ("compute", "servers"): "server",
    ("network", "networks"): "network",
    ("network", "subnets"): "subnet",
    ("network", "routers"): "router",
    ("network", "ports"): "port",
    ("network", "floatingips"): "floatingip",
    ("network", "security-groups"): "security_group",
    ("network", "security-group-rules"): "security_group_rule",
    **{("network", plural): singular for plural, singular in neutron.COLLECTIONS.items()},
}
_PLURAL = {
    "os-aggregates": "aggregates",
    "os-server-groups": "server_groups",
    "security-groups": "security_groups",
    "security-group-rules": "security_group_rules",
    **neutron.PLURAL,
}
_LISTED = {
    ("identity", "role_assignments"): "role_assignments",
    ("compute", "os-server-groups"): "server_groups",
    ("compute", "os-migrations"): "migrations",
    ("volume", "volumes/detail"): "volumes",
    ("volume", "snapshots/detail"): "snapshots",
    ("volume", "attachments/detail"): "attachments",
    ("placement", "resource_providers"): "resource_providers",
}
_NAMES_ARE_UNIQUE = {
    "projects": "domain_id",
    "groups": "domain_id",
    "users": "domain_id",
    "roles": "domain_id",
    "flavors": "",
    "os-aggregates": "",
}
# A limit and the kind of things that it counts.
_COUNTED = {
    "instances": "servers", "volumes": "volumes", "snapshots": "snapshots", "network": "networks",
    "subnet": "subnets", "router": "routers", "port": "ports", "floatingip": "floatingips",
    "security_group": "security-groups", "security_group_rule": "security-group-rules",
}  # fmt: skip
_DEFAULT_QUOTA = {
    "compute": {
        "instances": 10,
        "cores": 20,
        "ram": 51200,
        "key_pairs": 100,
        "metadata_items": 128,
        "server_groups": 10,
        "server_group_members": 10,
        "injected_files": 5,
        "injected_file_content_bytes": 10240,
        "injected_file_path_bytes": 255,
    },
    "network": {
        "network": 100,
        "subnet": 100,
        "port": 500,
        "router": 10,
        "floatingip": 50,
        "security_group": 10,
        "security_group_rule": 100,
        "rbac_policy": 10,
        "subnetpool": -1,
    },
    "volume": {
        "volumes": 10,
        "snapshots": 10,
        "gigabytes": 1000,
        "backups": 10,
        "backup_gigabytes": 1000,
        "groups": 10,
        "per_volume_gigabytes": -1,
        "volumes_lvm": -1,
    },
}


class Rejected(Exception):
    """The fake answers this status with this message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class FakeOpenStack:
    """`calls` is what was asked, as (service, method, path); `faults` answer before the cloud does, once
    each.
    """

    calls: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[tuple[str, str, int, str]] = field(default_factory=list)
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    assignments: set[str] = field(default_factory=set)
    quotas: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    keypairs: dict[str, dict[str, Any]] = field(default_factory=dict)
    bytes_of: dict[str, bytes] = field(default_factory=dict)
    memberships: dict[str, set[str]] = field(default_factory=dict)  # users by group
    access: dict[str, set[str]] = field(default_factory=dict)  # projects by flavor
    shares: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # by image and project
    tasks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by image
    used_ids: set[str] = field(default_factory=set)  # of removed images
    web: dict[str, bytes] = field(default_factory=dict)  # what glance finds at a URL
    project_id: str = "admin-project"
    user_id: str = "admin-user"
    delay: float = 0.0  # seconds that each call takes
    lost_boots: int = 0  # so many of the next servers nobody works on
    lost_in: str | None = "scheduling"  # their task state
    guests_let_go: bool = True  # of a port that is taken off them
    grows_attached: bool = True  # whether cinder's driver grows a volume that a server has
    storage_full: bool = False  # no volume can grow
    drops: set[str] = field(default_factory=set)  # attributes that neutron accepts and does not keep
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        for name in ("admin", "member", "reader"):
            identity = f"role-{name}"
            self.kind("roles")[identity] = {"id": identity, "name": name, "domain_id": None}
        ourselves = {"id": self.user_id, "name": "admin", "domain_id": "default", "project_id": "platform"}
        self.kind("users")[self.user_id] = ourselves  # the account that we are; in no agency's residue
        ours = {"id": self.project_id, "name": "admin", "domain_id": "default", "project_id": "platform"}
        self.kind("projects")[self.project_id] = {**ours, "enabled": True, "tags": []}

    def kind(self, collection: str) -> dict[str, dict[str, Any]]:
        return self.things.setdefault(collection, {})

    def fail(self, method: str, path: str, status: int, message: str = "no") -> None:
        """The next call that matches is answered so."""
        self.faults.append((method, path, status, message))

    def called(self, method: str, path: str) -> int:
        """How often a call was made whose path matches."""
        return sum(1 for _, done, where in self.calls if done == method and re.search(path, where))

    def residue(self) -> dict[str, list[str]]:
        """Everything that a tenant could have left, by kind."""
        kept = {
            kind: sorted(
                str(thing.get("name", one))
                for one, thing in held.items()
                if thing.get("project_id") != "platform"
            )
            for kind, held in self.things.items()
            if held and kind != "roles"
        }
        if self.quotas:
            kept["quotas"] = sorted("/".join(key) for key in self.quotas)
        if self.assignments:
            kept["assignments"] = sorted(self.assignments)
        if self.keypairs:
            kept["keypairs"] = sorted(self.keypairs)
        return {kind: names for kind, names in kept.items() if names}

    def handle(
        self, service: str, method: str, path: str, params: dict[str, str], body: Any, scope: str = ""
    ) -> Answer:
        if self.delay:  # also no time at all gives the processor away
            time.sleep(self.delay)
        with self.lock:
            self.calls.append((service, method, path))
            for fault in self.faults:
                if fault[0] == method and re.search(fault[1], path):
                    self.faults.remove(fault)
                    return fault[2], {"error": {"message": fault[3]}}
            try:
                return self._answer(service, method, path, params, body, scope or self.project_id)
            except (Rejected, keystone.Refusal) as rejected:
                return rejected.status, {"error": {"message": str(rejected)}}
            except KeyError as missing:
                return 404, {"error": {"message": f"{missing} could not be found"}}

    def _answer(
        self, service: str, method: str, path: str, params: dict[str, str], body: Any, scope: str
    ) -> Answer:
        parts = path.strip("/").split("/")
        special: Callable[..., Answer] | None = getattr(self, f"_{service}", None)
        if special is not None:
            answer = special(method, parts, params, body, scope)
            if answer is not None:
                return copy.deepcopy(answer)
        if (service, parts[0]) in _COLLECTIONS:
            return copy.deepcopy(self._collection(service, method, parts, params, body, scope))
        if method == "GET" and (service, path.strip("/")) in _LISTED:
            return copy.deepcopy(self._listed(service, path.strip("/")))
        raise Rejected(404, f"the fake has no {method} {service} {path}")

    def _listed(self, service: str, path: str) -> Answer:
        """Listings over all agencies of what the fake only keeps or derives."""
        if path == "role_assignments":
            return 200, {path: [_assignment(key) for key in sorted(self.assignments)]}
        plural = _LISTED[service, path]
        return 200, {plural: [*self.kind(plural).values()]}

    def _collection(
        self, service: str, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str
    ) -> Answer:
        name, singular = parts[0], _COLLECTIONS[service, parts[0]]
        plural = _PLURAL.get(name, name)
        held = self.kind(name)
        if len(parts) == 1 or parts[1] == "detail":
            if method == "GET":
                return 200, {plural: [one for one in held.values() if _passes(name, one, params)]}
            if plural in body:
                return 201, {plural: self._make_all(service, name, body[plural], scope)}
            return 201, {singular: self._make(service, name, body[singular], scope)}
        thing = held[parts[1]]
        if len(parts) == 3 and parts[2] == "tags":
            thing["tags"] = body["tags"]
            if service == "network":
                neutron.touch(thing)
            return 200, {"tags": body["tags"]}
        if method == "GET":
            return 200, {singular: thing}
        if method in ("PUT", "PATCH"):
            self._check_name(name, {**thing, **body[singular]}, thing["id"])
            if service == "network":
                neutron.change(self, name, thing, body[singular], params)
            thing.update(keystone.settle(name, thing, body[singular]))
            self._settle(name, thing)
            return 200, {singular: thing}
        self._remove(name, thing)
        return 204, None

    def _make_all(self, service: str, name: str, many: list[Any], scope: str) -> list[dict[str, Any]]:
        """All of them or none, as neutron does it."""
        made: list[dict[str, Any]] = []
        try:
            for values in many:
                made.append(self._make(service, name, values, scope))
        except Rejected:
            for thing in made:
                self._remove(name, thing)
            raise
        return made

    def _make(self, service: str, name: str, values: dict[str, Any], scope: str) -> dict[str, Any]:
        thing: dict[str, Any] = {"id": uuid.uuid4().hex, **copy.deepcopy(values)}
        if name == "os-aggregates":
            thing = {**thing, "id": next(self.numbers), "hosts": [], "metadata": {}}
        if service == "network":
            if "tags" in values:
                raise Rejected(400, "Attribute 'tags' not allowed in POST")
            thing.setdefault("project_id", thing.get("tenant_id", scope))
            thing["tenant_id"] = thing["project_id"]
            thing.setdefault("tags", [])
            thing.setdefault("description", "")
        if name in ("groups", "users"):
            thing.setdefault("domain_id", "default")
        if name == "projects":
            thing.setdefault("domain_id", None if thing.get("is_domain") else "default")
        self._check_name(name, thing)
        if name == "flavors" and str(thing["id"]) in self.kind(name):
            raise Rejected(409, f"Flavor with ID {thing['id']} already exists.")
        self._settle(name, thing, fresh=True)
        self.kind(name)[str(thing["id"])] = thing
        return thing

    def _check_name(self, name: str, thing: dict[str, Any], own: str = "") -> None:
        if name not in _NAMES_ARE_UNIQUE:
            return
        within = _NAMES_ARE_UNIQUE[name]
        for other in self.kind(name).values():
            alike = other["name"] == thing["name"] and other.get(within) == thing.get(within)
            if other["id"] != own and alike and bool(other.get("is_domain")) == bool(thing.get("is_domain")):
                raise Rejected(409, f"Duplicate entry: {name} {thing['name']} already exists")

    def _settle(self, name: str, thing: dict[str, Any], fresh: bool = False) -> None:
        """What the services fill in by themselves."""
        if fresh and name == "projects":
            thing.setdefault("enabled", True)
            thing.setdefault("domain_id", None if thing.get("is_domain") else "default")
            thing.setdefault("tags", [])
        if fresh and name in ("groups", "users"):
            thing.setdefault("domain_id", "default")
        if name == "networks" and fresh:
            thing.setdefault("admin_state_up", True)
            thing.update({"status": "ACTIVE", "mtu": thing.get("mtu", 1442)})
            thing.setdefault("router:external", False)
            thing.setdefault("shared", False)
        if name == "routers" and thing.get("external_gateway_info"):
            thing["external_gateway_info"].setdefault("enable_snat", True)
            thing["external_gateway_info"].setdefault("external_fixed_ips", [])
        if name == "security-groups" and fresh:
            self._default_rules(thing)
        if name == "ports":
            self._address(thing)
        if name == "floatingips":
            self._floating(thing, fresh)
        if name == "flavors" and fresh:
            thing.setdefault("extra_specs", {})
            thing.setdefault("description", None)
        if ("network", name) in _COLLECTIONS:
            neutron.settle(self, name, thing, fresh)
        if name == "security-group-rules" and fresh:
            self._refuse_equal_rule(thing)

    def _default_rules(self, group: dict[str, Any]) -> None:
        group["security_group_rules"] = []
        for ethertype in ("IPv4", "IPv6"):
            rule = {
                "id": uuid.uuid4().hex,
                "security_group_id": group["id"],
                "direction": "egress",
                "ethertype": ethertype,
                "protocol": None,
                "project_id": group["project_id"],
            }
            self.kind("security-group-rules")[str(rule["id"])] = rule
            group["security_group_rules"].append(rule)

    def _refuse_equal_rule(self, rule: dict[str, Any]) -> None:
        keys = (
            "security_group_id",
            "direction",
            "ethertype",
            "protocol",
            "port_range_min",
            "port_range_max",
            "remote_ip_prefix",
            "remote_group_id",
            "remote_address_group_id",
        )
        for other in self.kind("security-group-rules").values():
            if all(other.get(key) == rule.get(key) for key in keys):
                raise Rejected(409, f"Security group rule already exists. Rule id is {other['id']}.")

    def _address(self, port: dict[str, Any]) -> None:
        if "fixed_ips" not in port:
            inside = [one for one in self.kind("subnets").values() if one["network_id"] == port["network_id"]]
            port["fixed_ips"] = [{"subnet_id": one["id"]} for one in inside[:1]]
        for row in port["fixed_ips"]:
            if "subnet_id" not in row:
                row["subnet_id"] = neutron.subnet_of(self, port["network_id"], row["ip_address"])
            subnet = self.kind("subnets")[row["subnet_id"]]
            row.setdefault("ip_address", neutron.address_in(subnet, next(self.numbers)))
        port.setdefault("mac_address", f"fa:16:3e:00:00:{next(self.numbers):02x}")
        port.setdefault("security_groups", [])
        port.setdefault("device_id", "")
        port.setdefault("device_owner", "")
        port.setdefault("admin_state_up", True)

    def _floating(self, floating: dict[str, Any], fresh: bool) -> None:
        if fresh:
            floating.setdefault("floating_ip_address", neutron.outer_address(next(self.numbers)))
        port = self.kind("ports").get(floating.get("port_id") or "")
        floating["port_id"] = port["id"] if port else None
        floating["fixed_ip_address"] = port["fixed_ips"][0]["ip_address"] if port else None

    def _remove(self, name: str, thing: dict[str, Any]) -> None:
        identity = str(thing["id"])
        neutron.refuse_removal(self, name, thing)
        if name == "projects" and thing.get("is_domain"):
            if thing["enabled"]:
                raise Rejected(403, "Cannot delete a domain that is enabled, please disable it first.")
            for kind in ("groups", "users", "projects"):
                for one in [o for o in self.kind(kind).values() if o.get("domain_id") == identity]:
                    self._remove(kind, one)
        if name == "networks" and any(p["network_id"] == identity for p in self.kind("ports").values()):
            raise Rejected(
                409,
                f"Unable to complete operation on network {identity}. There are one or more ports "
                "still in use on the network.",
            )
        if name == "routers" and any(p["device_id"] == identity for p in self.kind("ports").values()):
            raise Rejected(409, f"Router {identity} still has ports")
        if name == "os-aggregates" and thing["hosts"]:
            raise Rejected(400, "Host aggregate is not empty")
        if name == "networks":
            for subnet in [s for s in self.kind("subnets").values() if s["network_id"] == identity]:
                del self.kind("subnets")[subnet["id"]]
        if name == "security-groups":
            for rule in [
                r for r in self.kind("security-group-rules").values() if r["security_group_id"] == identity
            ]:
                del self.kind("security-group-rules")[rule["id"]]
        if name == "servers":
            for port in self.kind("ports").values():
                if port["device_id"] == identity:
                    port.update({"device_id": "", "device_owner": ""})
        if name in ("projects", "groups", "users"):
            self.assignments = {key for key in self.assignments if identity not in key.split("/")}
        del self.kind(name)[identity]

    def _identity(self, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str) -> Any:
        special = keystone.special(self, method, parts, params, body)
        if special is not None:
            return special
        if method == "GET" and parts == ["auth", "tokens"]:
            domain = {"id": "default", "name": "Default"}
            user = {"id": self.user_id, "name": "admin", "domain": domain}
            project = {"id": scope, "name": "admin", "domain": domain}
            return 200, {"token": {"user": user, "project": project, "roles": [], "catalog": []}}
        return None

    def _network(self, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str) -> Any:
        if parts == ["quotas"]:
            owners = sorted(project for service, project in self.quotas if service == "network")
            limits = {one: self._quota("network", "quota", "GET", one, None)[1]["quota"] for one in owners}
            return 200, {"quotas": [{"project_id": one, **limits[one]} for one in owners]}
        if parts[0] == "quotas" and parts[-1].startswith("details"):
            return self._usage("network", "quota", parts[1])
        if parts[0] == "quotas":
            return self._quota("network", "quota", method, parts[1], body)
        special = neutron.special(self, method, parts, params, body, scope)
        if special is not None:
            return special
        if parts[-1] == "add_router_interface":
            if "port_id" in body:
                port = self.kind("ports")[body["port_id"]]
                return neutron.connect(self, self.kind("routers")[parts[1]], port)
            subnet = self.kind("subnets")[body["subnet_id"]]
            for port in self.kind("ports").values():
                if port["device_id"] == parts[1] and port["fixed_ips"][0]["subnet_id"] == subnet["id"]:
                    raise Rejected(400, "Router already has a port on subnet " + subnet["id"])
            port = self._make(
                "network",
                "ports",
                {
                    "network_id": subnet["network_id"],
                    "device_id": parts[1],
                    "device_owner": "network:router_interface",
                    "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
                },
                self.kind("routers")[parts[1]]["project_id"],
            )
            return 200, {"port_id": port["id"], "subnet_id": subnet["id"]}
        if parts[-1] == "remove_router_interface":
            del self.kind("ports")[body["port_id"]]
            return 200, {}
        return None

    def _volume(self, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str) -> Any:
        if parts[0] == "os-quota-sets" and params.get("usage"):
            return self._usage("volume", "quota_set", parts[1])
        if parts[0] == "os-quota-sets":
            return self._quota("volume", "quota_set", method, parts[1], body)
        return cinder.answer(self, method, parts, params, body, scope)

    def _quota(self, service: str, key: str, method: str, project: str, body: Any) -> Answer:
        if method == "PUT":
            self.quotas.setdefault((service, project), {}).update(body[key])
        if method == "DELETE":
            self.quotas.pop((service, project), None)
            return 204, None
        return 200, {key: {**_DEFAULT_QUOTA[service], **self.quotas.get((service, project), {})}}

    def _usage(self, service: str, key: str, project: str) -> Answer:
        """Limits with what is used of those that count things of one kind; each service has its own word."""
        word = "used" if service == "network" else "in_use"
        limits = self._quota(service, key, "GET", project, None)[1][key]
        told = {}
        for name, limit in limits.items():
            kind = _COUNTED.get(name, "")
            held = self.kind(kind).values() if kind else ()
            owned = [one for one in held if one.get("project_id") == project]
            told[name] = {"limit": limit, word: len(owned), "reserved": 0}
        return 200, {key: told}

    def _compute(self, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str) -> Any:
        if parts[0] == "os-quota-sets" and parts[-1] == "detail":
            return self._usage("compute", "quota_set", parts[1])
        if parts[0] == "os-quota-sets":
            return self._quota("compute", "quota_set", method, parts[1], body)
        special = nova.special(self, method, parts, params, body, scope)
        if special is not None:
            return special
        if parts[0] == "flavors" and len(parts) > 2:
            specs = self.kind("flavors")[parts[1]]["extra_specs"]
            if method == "DELETE":
                del specs[parts[3]]
                return 204, None
            specs.update(body["extra_specs"])
            return 200, {"extra_specs": specs}
        if parts[0] == "os-aggregates" and parts[-1] == "action":
            return self._aggregate(self.kind("os-aggregates")[parts[1]], body)
        if parts[0] == "servers":
            return self._server(method, parts, body, scope)
        return None

    def _aggregate(self, aggregate: dict[str, Any], body: Any) -> Answer:
        for action, values in body.items():
            if action == "add_host":
                aggregate["hosts"].append(values["host"])
            elif action == "remove_host":
                aggregate["hosts"].remove(values["host"])
            else:
                merged = {**aggregate["metadata"], **values["metadata"]}
                aggregate["metadata"] = {key: value for key, value in merged.items() if value is not None}
        return 200, {"aggregate": aggregate}

    def _server(self, method: str, parts: list[str], body: Any, scope: str) -> Any:
        return servers.answer(self, method, parts, body, scope)

    def _boot(self, values: dict[str, Any], scope: str) -> dict[str, Any]:
        return servers.boot(self, values, scope)

    def _image(self, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str) -> Any:
        return glance.answer(self, method, parts, params, body, scope)


def _assignment(key: str) -> dict[str, Any]:
    """A row of /role_assignments out of `projects/ID/users/ID/roles/ID`, inherited ones included."""
    parts = key.split("/")
    inherited = parts[0] == "OS-INHERIT"
    scope, target, holder, who, _, role = parts[inherited : 6 + inherited]
    inside: dict[str, Any] = {scope.removesuffix("s"): {"id": target}}
    if inherited:
        inside["OS-INHERIT:inherited_to"] = "projects"
    return {"scope": inside, holder.removesuffix("s"): {"id": who}, "role": {"id": role}}


def _passes(name: str, thing: dict[str, Any], params: dict[str, str]) -> bool:
    if name == "projects" and bool(thing.get("is_domain")) != (
        str(params.get("is_domain", "")).lower() == "true"
    ):
        return False
    for key, wanted in params.items():
        if key in ("is_domain", "is_public", "all_projects", "all_tenants", "member_status", "visibility"):
            continue
        if key == "If-Match":
            continue
        if key in ("tags", "tag", "security_groups"):
            if wanted not in thing.get("tags" if key == "tag" else key, []):
                return False
        elif str(thing.get(key)).lower() != str(wanted).lower():
            return False
    return True


class FakeService:
    """`infra.cloud.service.Service` over the fake, without HTTP."""

    def __init__(self, fake: FakeOpenStack, name: str, listings: Listings) -> None:
        self._fake = fake
        self._name = name
        self.listings = listings

    def creates(self, kind: str, single: Single, several: Several) -> Creates:
        return Creates(single, several)

    def scope(self) -> tuple[str, str]:
        return self._fake.project_id, self._fake.user_id

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Any = None,
        headers: Any = None,
        data: IO[bytes] | None = None,
    ) -> Any:
        body = data.read() if data is not None else json
        given = {key: str(value) for key, value in {**(params or {}), **(headers or {})}.items()}
        if method == "GET":
            status, answer = self._fake.handle(self._name, method, path, given, body)
        else:
            with self.listings.writes:
                status, answer = self._fake.handle(self._name, method, path, given, body)
        if status >= 400:
            raise failure(f"{method} {self._name} {path}", status, str(answer["error"]["message"]))
        return answer or {}


class FakeCloud(Cloud):
    """A cloud whose services are the fake's."""

    def __init__(self, fake: FakeOpenStack) -> None:
        super().__init__(
            Credentials(auth_url="http://fake", username="admin", password="x", region_name=REGION)
        )
        self.fake = fake

    def service(self, name: str) -> Any:
        return FakeService(self.fake, name, self.listings)

    @property
    def token(self) -> str:
        return "token-of-the-fake"

"""The conformance cases of flavors, their access, keypairs, server groups and aggregates."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.cloud.provider.case import Case, Ground, Inputs, State

_COMPUTE = "openstack:compute/"
FLAVOR = _COMPUTE + "flavor:Flavor"
PROJECT = "openstack:identity/project:Project"


def flavor(ground: Ground) -> Inputs:
    return {
        "name": ground.name("flavor"), "vcpus": 1, "ram": 64, "disk": 0, "swap": 8, "isPublic": False,
        "description": "of a case", "extraSpecs": {"hw:cpu_policy": "shared", "case:a": "1"},
    }  # fmt: skip


def private_flavor(ground: Ground) -> str:
    inputs = {"name": ground.name("flavor"), "vcpus": 1, "ram": 64, "disk": 0}
    return str(ground.make(FLAVOR, inputs)["id"])


def another_project(ground: Ground) -> str:
    inputs = {"name": ground.name("project-2"), "domainId": ground.domain_id}
    return str(ground.once("project-2", PROJECT, inputs)["id"])


def public_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    form = serialization.PublicFormat.OpenSSH
    return key.public_bytes(serialization.Encoding.OpenSSH, form).decode() + " case"


def other_spec(ground: Ground, identity: str, state: State) -> object:
    specs: dict[str, Any] = {"extra_specs": {"case:hand": "1"}}
    return ground.cloud.service("compute").request("POST", f"/flavors/{identity}/os-extra_specs", json=specs)


def other_metadata(ground: Ground, identity: str, state: State) -> object:
    action = {"set_metadata": {"metadata": {"hand": "1"}}}
    return ground.cloud.service("compute").request("POST", f"/os-aggregates/{identity}/action", json=action)


CASES = (
    Case(
        FLAVOR,
        flavor,
        update=lambda ground, inputs: {
            **inputs, "description": "", "extraSpecs": {"case:a": "2", "case:b": "3"},
        },
        replace=lambda ground, inputs: {**inputs, "ram": 128},
        by_hand=other_spec,
    ),
    Case(
        FLAVOR,
        lambda ground: {**flavor(ground), "flavorId": ground.name("id"), "isPublic": True, "rxTxFactor": 1},
        update=lambda ground, inputs: {**inputs, "description": "another"},
        replace=lambda ground, inputs: {**inputs, "flavorId": ground.name("id")},
        label="with an id",
    ),
    Case(
        _COMPUTE + "flavorAccess:FlavorAccess",
        lambda ground: {"flavorId": private_flavor(ground), "tenantId": ground.project_id},
        replace=lambda ground, inputs: {**inputs, "tenantId": another_project(ground)},
    ),
    Case(
        _COMPUTE + "keypair:Keypair",
        lambda ground: {"name": ground.name("key"), "publicKey": public_key()},
        replace=lambda ground, inputs: {**inputs, "publicKey": public_key()},
    ),
    Case(
        _COMPUTE + "keypair:Keypair",
        lambda ground: {"name": ground.name("key"), "publicKey": public_key(), "userId": ground.user_id},
        replace=lambda ground, inputs: {**inputs, "name": ground.name("key")},
        import_id=lambda identity, state: f"{state['userId']}:{identity}",
        label="another's",
    ),
    Case(
        _COMPUTE + "keypair:Keypair",
        lambda ground: {"name": ground.name("key")},
        replace=lambda ground, inputs: {**inputs, "publicKey": public_key()},
        label="made here",
    ),
    Case(
        _COMPUTE + "serverGroup:ServerGroup",
        lambda ground: {
            "name": ground.name("group"), "policies": "anti-affinity", "rules": {"maxServerPerHost": 2},
        },
        replace=lambda ground, inputs: {"name": inputs["name"], "policies": "soft-affinity"},
    ),
    Case(
        _COMPUTE + "aggregateV2:AggregateV2",
        lambda ground: {"name": ground.name("aggregate"), "metadata": {"a": "1", "b": "2"}},
        update=lambda ground, inputs: {
            "name": ground.name("aggregate"), "zone": ground.name("zone"), "metadata": {"b": "3"},
        },
        replace=lambda ground, inputs: {name: inputs[name] for name in inputs if name != "zone"},
        by_hand=other_metadata,
    ),
    Case(
        _COMPUTE + "aggregateV2:AggregateV2",
        lambda ground: {"name": ground.name("aggregate"), "hosts": [ground.hypervisor]},
        update=lambda ground, inputs: {**inputs, "hosts": []},
        label="with a hypervisor",
    ),
)  # fmt: skip

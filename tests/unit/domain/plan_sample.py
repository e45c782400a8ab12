"""Plans, steps and resources of a program as tests of the guard need them."""

from __future__ import annotations

from typing import Any

from infra.domain.danger import CloudFacts, dangers
from infra.domain.plan import Finding, Plan, PlannedStep, WantedResource

INSTANCE = "openstack:compute/instance:Instance"
VOLUME = "openstack:blockstorage/volume:Volume"
NETWORK = "openstack:networking/network:Network"
ROUTER = "openstack:networking/router:Router"
PORT = "openstack:networking/port:Port"
RULE = "openstack:networking/secGroupRule:SecGroupRule"
GROUP = "openstack:networking/secGroup:SecGroup"
ADDRESS_GROUP = "openstack:networking/addressGroupV2:AddressGroupV2"
PROJECT = "openstack:identity/project:Project"
COMPUTE_QUOTA = "openstack:compute/quotaSetV2:QuotaSetV2"
VOLUME_QUOTA = "openstack:blockstorage/quoteSetV3:QuoteSetV3"
SSH = {
    "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "portRangeMin": 22, "portRangeMax": 22,
    "remoteIpPrefix": "10.1.0.0/24", "securityGroupId": "sg-1",
}  # fmt: skip


def urn_of(kind: str, name: str) -> str:
    return f"urn:pulumi:lab-sxd::landing_zone::{kind}::{name}"


def make_step(op: str, kind: str, name: str = "thing", **given: Any) -> PlannedStep:
    given.setdefault("id", "" if op == "create" else f"{name}-id")
    return PlannedStep(urn_of(kind, name), op, kind, name, **given)


def make_wanted(kind: str, name: str = "thing", /, **inputs: Any) -> WantedResource:
    return WantedResource(urn_of(kind, name), kind, name, inputs)


def make_plan(*steps: PlannedStep, wanted: tuple[WantedResource, ...] = (), **given: Any) -> Plan:
    told = {"stack": "lab-sxd", "agency": "sxd", "operation": "up", **given}
    return Plan(**told, steps=steps, wanted=wanted)


def found_in(*steps: PlannedStep, facts: CloudFacts | None = None, **given: Any) -> list[Finding]:
    return dangers(make_plan(*steps, **given), facts or CloudFacts())


def rules_of(found: list[Finding]) -> list[str]:
    return [one.rule for one in found]

"""What in a plan would lose data or cut access. Rules without I/O: what the cloud holds is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infra.domain.access import access_cuts
from infra.domain.plan import Finding, Plan, PlannedStep, finding

_COMPUTE, _NETWORK, _IDENTITY = "openstack:compute/", "openstack:networking/", "openstack:identity/"
PROJECT = f"{_IDENTITY}project:Project"
IMAGE = "openstack:images/image:Image"
LOST: Mapping[str, str] = {
    f"{_COMPUTE}instance:Instance": "the server and what is on its own disk are lost",
    "openstack:blockstorage/volume:Volume": "the volume and all data on it are lost",
    "openstack:blockstorage/volumeAttach:VolumeAttach": "a server loses its volume while it runs",
    f"{_COMPUTE}volumeAttach:VolumeAttach": "the server loses its volume while it runs",
    f"{_COMPUTE}interfaceAttach:InterfaceAttach": "the server loses a network card while it runs",
    f"{_COMPUTE}keypair:Keypair": "new servers can no longer be opened with this key, and rebuilt ones lose"
    " it",
    f"{_NETWORK}network:Network": "everything on the network is cut off, and its addresses are given back",
    f"{_NETWORK}subnet:Subnet": "what has an address of the subnet is cut off",
    f"{_NETWORK}router:Router": "networks behind the router lose their way out and their floating addresses",
    f"{_NETWORK}routerInterface:RouterInterface": "the subnet loses its way out",
    f"{_NETWORK}routerRoute:RouterRoute": "traffic that takes this route goes nowhere",
    f"{_NETWORK}subnetRoute:SubnetRoute": "servers lose this route when they renew their address",
    f"{_NETWORK}port:Port": "what uses the port is cut off, and its address is given back",
    f"{_NETWORK}trunk:Trunk": "the server loses the networks of its trunk",
    f"{_NETWORK}floatingIp:FloatingIp": "the public address is given back, and another project may get it",
    f"{_NETWORK}floatingIpAssociate:FloatingIpAssociate": "the server is no longer reached at its public"
    " address",
    f"{_NETWORK}portForwardingV2:PortForwardingV2": "what is reached through this forwarding is cut off",
    f"{_NETWORK}rbacPolicyV2:RbacPolicyV2": "projects lose what was shared with them",
    f"{_NETWORK}portSecGroupAssociate:PortSecGroupAssociate": "what these security groups let in to the"
    " port is shut out",
    f"{_COMPUTE}flavorAccess:FlavorAccess": "the project can no longer use the flavor",
    "openstack:images/imageAccess:ImageAccess": "the project can no longer use the image",
    "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3": "the project can no longer use the volume"
    " type",
    PROJECT: "the project, and with a domain all its people, are lost",
    f"{_IDENTITY}user:User": "the person can no longer log in, and what they made loses its owner",
    f"{_IDENTITY}groupV3:GroupV3": "the members of the group lose their access",
    f"{_IDENTITY}userMembershipV3:UserMembershipV3": "the person loses the group's access",
    f"{_IDENTITY}role:Role": "everybody who has the role loses it",
    f"{_IDENTITY}roleAssignment:RoleAssignment": "who has the role here loses their access",
    f"{_IDENTITY}inheritRoleAssignment:InheritRoleAssignment": "who has the role here loses their access",
    f"{_IDENTITY}applicationCredential:ApplicationCredential": "programs that log in with it are locked out",
}
"""Type -> what a delete or a replacement does to people."""
QUOTAS: Mapping[str, str] = {
    f"{_COMPUTE}quotaSetV2:QuotaSetV2": "compute",
    "openstack:blockstorage/quoteSetV3:QuoteSetV3": "volume",
    f"{_NETWORK}quotaV2:QuotaV2": "network",
    f"{_IDENTITY}limitV3:LimitV3": "",
    f"{_IDENTITY}registeredLimitV3:RegisteredLimitV3": "",
}
"""Types that limit a project -> the service that counts its use, "" where none tells it."""


@dataclass(frozen=True)
class Held:
    """A thing that stands in a project. `kind` in words: `server`, `volume`."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True)
class CloudFacts:
    """What the rules need to know of the cloud: by project (or domain) id what stands in it, and by service
    and project id what is used of each limit, under the names of the service's API.
    """

    contents: Mapping[str, tuple[Held, ...]] = field(default_factory=dict)
    usage: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)


def projects_that_end(plans: Iterable[Plan]) -> set[str]:
    """Ids of projects and domains of which the cloud is to be asked what is in them."""
    return {
        step.id for plan in plans for step in plan.steps if step.type == PROJECT and step.ends_it and step.id
    }


def quotas_that_shrink(plans: Iterable[Plan]) -> set[tuple[str, str]]:
    """(service, project id) of which the cloud is to be asked what is used."""
    return {
        (QUOTAS[step.type], project)
        for plan in plans
        for step in plan.steps
        if QUOTAS.get(step.type) and lowered(step) and (project := _project(step))
    }


def dangers(plan: Plan, facts: CloudFacts) -> list[Finding]:
    """Everything in the plan that must not happen without a second person, in the plan's order."""
    going = {step.id for step in plan.steps if step.ends_it and step.id}
    return [found for step in plan.steps for found in _of_step(plan, step, facts, going)]


def lowered(step: PlannedStep) -> dict[str, tuple[int, int]]:
    """Limits of a quota that go down: name -> (before, after). -1 is no limit. A limit that the program names
    no more stays what it was.
    """
    if step.op != "update":
        return {}
    after = _limits(step.after)
    pairs = {name: (was, after[name]) for name, was in _limits(step.before).items() if name in after}
    return {name: (was, will) for name, (was, will) in pairs.items() if will >= 0 and (was < 0 or will < was)}


def _of_step(plan: Plan, step: PlannedStep, facts: CloudFacts, going: set[str]) -> Iterator[Finding]:
    back = f"put {step.name} back into the inventory or the program"
    if step.type in QUOTAS:
        yield from _quota(plan, step, facts)
    elif step.ends_it and (lost := _lost(step)):
        because = (
            f" because of {', '.join(step.properties)}" if step.op == "replace" and step.properties else ""
        )
        word = "replaced" if step.op == "replace" else "deleted"
        yield finding(
            plan, step, f"{step.op}_loses", f"it would be {word}{because}: {lost}", f"{back}, or confirm"
        )
    if step.ends_it and step.imported:
        reason = "it was imported and no up has run since: the program does not describe what was imported"
        yield finding(
            plan, step, "after_import", reason, "make the program say what the resource is, or confirm"
        )
    yield from access_cuts(plan, step, going)
    if step.ends_it and step.type == PROJECT:
        foreign = [held for held in facts.contents.get(step.id, ()) if held.id not in going]
        if foreign:
            reason = f"it holds what this stack did not make: {_told(foreign)}"
            found = finding(plan, step, "project_not_empty", reason, "move or remove these first, or confirm")
            yield replace(found, things=tuple(sorted(f"{held.kind} {held.id}" for held in foreign)))


def _lost(step: PlannedStep) -> str:
    if step.type == IMAGE and not (step.before.get("localFilePath") or step.before.get("imageSourceUrl")):
        return "the image is lost, and nothing says where it came from"
    return LOST.get(step.type, "")


def _quota(plan: Plan, step: PlannedStep, facts: CloudFacts) -> Iterator[Finding]:
    if step.ends_it:  # a replacement too: it is for another project, and this one loses its own
        reason = "the project's limits would be removed, and the cloud's defaults would hold instead"
        yield finding(plan, step, "quota_removed", reason, "keep the quota in the program, or confirm")
    used = facts.usage.get((QUOTAS[step.type], _project(step)), {})
    for name, (_, after) in lowered(step).items():
        now = used.get(name, 0)
        if now > after:
            reason = f"{name} would be limited to {after} while {now} are in use"
            way_out = f"leave at least {now}, release some, or confirm"
            yield replace(finding(plan, step, "quota_below_use", reason, way_out), things=(name,))


def _limits(inputs: Mapping[str, Any]) -> dict[str, int]:
    """Under the service's own names; those of volume types stand in a mapping of their own."""
    own = {_snake(name): value for name, value in inputs.items()}
    types = inputs.get("volumeTypeQuota")
    every = {**own, **types} if isinstance(types, Mapping) else own
    return {name: number for name, value in every.items() if (number := _number(value)) is not None}


def _told(things: list[Held], most: int = 8) -> str:
    shown = [f"{one.kind} {one.name or one.id} ({one.id})" for one in sorted(things, key=_order)]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


def _order(held: Held) -> tuple[str, str]:
    return held.kind, held.id


def _project(step: PlannedStep) -> str:
    return str(step.before.get("projectId") or step.id.partition("/")[0])


def _number(value: Any) -> int | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value) else None


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)

"""Access: what a change takes from people who could reach something until now, although nothing is deleted
that holds data. Rules without I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.domain.plan import UNKNOWN, Finding, Plan, PlannedStep, finding
from infra.domain.security_rule import ADDRESS_GROUP, RULE, SecurityRule, security_rule

_NETWORKING = "openstack:networking/"
_ROUTER, _SUBNET = f"{_NETWORKING}router:Router", f"{_NETWORKING}subnet:Subnet"
_FLOATING = f"{_NETWORKING}floatingIp:FloatingIp"
_SWITCHES: Mapping[str, tuple[tuple[Any, ...], Any]] = {
    "adminStateUp": ((True,), True),
    "enabled": ((True,), True),
    "powerState": (("active",), "active"),
    "enableDhcp": ((True,), True),
    "enableSnat": ((True,), True),
    "noGateway": ((False,), False),
    "shared": ((True,), None),
    "external": ((True,), None),
    "visibility": (("public", "community", "shared"), None),
}
"""Inputs that switch a thing on -> the values that mean on, and the one that holds where none is given; None
where the cloud then leaves it as it is.
"""
_LET_GO: Mapping[tuple[str, str], str] = {
    (_ROUTER, "externalNetworkId"): "networks behind the router lose their way out and their floating"
    " addresses",
    (_FLOATING, "portId"): "the server is no longer reached at its public address",
    (_SUBNET, "gatewayIp"): "servers lose their way out when they renew their address",
}
"""(type, input) of one value that is wanted no more -> what that does to people."""
_STAYS = frozenset({"portId", "gatewayIp"})  # where none is given, the cloud leaves it as it is
_FEWER: Mapping[tuple[str, str], str] = {
    (f"{_NETWORKING}port:Port", "securityGroupIds"): "what only they let in is shut out",
    (f"{_NETWORKING}portSecGroupAssociate:PortSecGroupAssociate", "securityGroupIds"): "what only they let in"
    " is shut out",
    ("openstack:compute/instance:Instance", "securityGroups"): "what only they let in is shut out",
    (ADDRESS_GROUP, "addresses"): "rules that name the address group no longer let them in",
    (f"{_NETWORKING}trunk:Trunk", "subPorts"): "the server loses these networks of its trunk",
}
"""(type, input) of a list of which something goes -> what that does to people."""
ADMINISTRATION = {22: "SSH", 3389: "remote desktop"}
"""Ports by which people administer servers. Other rules come and go with what is served."""


def access_cuts(plan: Plan, step: PlannedStep, going: set[str]) -> Iterator[Finding]:
    """`going`: ids of all that ends with the plan."""
    if step.type == RULE and step.ends_it and plan.operation != "destroy":
        yield from _shut_out(plan, step, going)
    if step.op == "update":
        yield from _switched_off(plan, step)
        yield from _let_go(plan, step)
        yield from _fewer(plan, step)


def _switched_off(plan: Plan, step: PlannedStep) -> Iterator[Finding]:
    for name, (on, usual) in _SWITCHES.items():
        was = _or(step.before.get(name), usual)
        will = _or(step.after.get(name), was if usual is None else usual)
        if was in on and will not in on:
            reason = f"{name} would go from {was} to {_told(will)}: what depends on it is cut off"
            found = finding(plan, step, "switched_off", reason, f"leave {name} as it is, or confirm")
            yield replace(found, things=(name,))


def _let_go(plan: Plan, step: PlannedStep) -> Iterator[Finding]:
    for (kind, name), lost in _LET_GO.items():
        was, will = step.before.get(name), step.after.get(name)
        if kind != step.type or not was or was == will or (will is None and name in _STAYS):
            continue
        if will and kind == _FLOATING:
            continue  # an address that moves to another server is everyday work
        yield _cut(plan, step, name, f"{name} would go from {_told(was)} to {_told(will)}: {lost}")


def _fewer(plan: Plan, step: PlannedStep) -> Iterator[Finding]:
    for (kind, name), lost in _FEWER.items():
        before, after = step.before.get(name), step.after.get(name)
        if step.after.get("noSecurityGroups") is True:
            after = []
        if kind != step.type or not isinstance(before, list) or not isinstance(after, list):
            continue
        gone = [one for one in before if one not in after]
        if gone and UNKNOWN not in after:
            yield _cut(plan, step, name, f"{name} would lose {', '.join(map(_told, gone))}: {lost}")


def _shut_out(plan: Plan, step: PlannedStep, going: set[str]) -> Iterator[Finding]:
    """A rule by which people administer servers, unless the program has another that lets in as much."""
    rule = security_rule(step.before)
    if rule is None or rule.protocol not in ("", "tcp") or step.before.get("remoteGroupId"):
        return
    ports = [port for port in ADMINISTRATION if rule.opens(port)]
    if not ports or _kept(plan, rule, going):
        return
    who = f"from {rule.others or rule.prefix or 'anywhere'}"
    ways = " and ".join(ADMINISTRATION[port] for port in ports)
    reason = f"{ways} {who} would no longer be let in: who administers the servers from there is shut out"
    found = finding(plan, step, "access_cut", reason, "keep a rule that lets them in, or confirm")
    yield replace(found, things=(step.name,))


def _kept(plan: Plan, rule: SecurityRule, going: set[str]) -> bool:
    groups = {rule.group, UNKNOWN} if rule.group in going else {rule.group}
    others = (security_rule(one.inputs) for one in plan.wanted if one.type == RULE)
    return any(one.covers(rule) and one.group in groups for one in others if one)


def _cut(plan: Plan, step: PlannedStep, name: str, reason: str) -> Finding:
    found = finding(plan, step, "access_cut", reason, f"leave {name} as it is, or confirm")
    return replace(found, things=(name,))


def _or(value: Any, usual: Any) -> Any:
    return usual if value is None else value


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_told(item)}" for name, item in sorted(value.items()))
    if value == UNKNOWN:
        return "what is not known before the run"
    return "none" if value in (None, "") else str(value)

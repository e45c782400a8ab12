"""Adoption: findings of drift become part of the code, by what they are.

A limit becomes the agency's own in agencies.yaml; another changed property becomes a value that the program
gives; a foreign thing becomes a resource that the stack declares, taken over by its id with the next up; a
missing thing that was itself adopted is forgotten. What the program itself declares and is gone can only be
reverted, or taken out of the inventory by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.cloud.connection import Cloud
from infra.domain.adopted import REFERENCE, Adopted, AdoptedProperties, AdoptedResource
from infra.domain.agency import Agency
from infra.domain.drift import PLATFORM, Finding
from infra.errors import InfraError
from infra.provider.registry import resource
from infra.provider.resource import Resource
from infra.provisioning.adopted_file import kept_valid, write_adopted, write_quota
from infra.provisioning.drift import SECRET, Reading, at, context_of, property_drift, shown
from infra.provisioning.drift_order import rank
from infra.provisioning.stack_state import StateResource

NAMED = "adopted-"
"""How the names of adopted resources begin in their stacks."""
_LIMITS = {
    "QuotaSetV2": {"instances": "instances", "cores": "cores", "ram": "ram_mib"},
    "QuotaV2": {"network": "networks", "router": "routers", "port": "ports", "floatingip": "floating_ips",
                "securityGroup": "security_groups"},
    "QuoteSetV3": {"volumes": "volumes", "gigabytes": "gigabytes"},
}  # fmt: skip
# Limits that the program makes of another: of which, and how many times as much.
_DERIVED = {"subnet": ("network", 1), "securityGroupRule": ("securityGroup", 10), "snapshots": ("volumes", 1)}
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")


class CannotAdopt(InfraError):
    """This finding cannot become part of the code; revert it, or change the inventory by hand."""

    code = "cannot_adopt"


@dataclass
class _Draft:
    """What one agency adopted before and adopts now."""

    resources: dict[tuple[str, str], AdoptedResource]
    properties: dict[tuple[str, str], dict[str, Any]]
    limits: dict[str, int]

    def adopted(self) -> Adopted:
        ordered = sorted(self.resources.values(), key=lambda one: (rank(one.type), one.name))
        properties = [
            AdoptedProperties(token, name, values)
            for (token, name), values in sorted(self.properties.items())
            if values
        ]
        return Adopted(tuple(ordered), tuple(properties))


class Adoption:
    """`adopt` findings of several agencies in one go: all of them, or the files stay as they were."""

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        agencies: Iterable[Agency],
        states: Mapping[str, Sequence[StateResource]],
        readings: Mapping[str, Sequence[Reading]],
    ) -> None:
        self._cloud = cloud
        self._folder = folder
        self._agencies = {agency.code: agency for agency in agencies}
        self._states = states
        self._readings = readings

    def adopt(self, findings: Sequence[Finding]) -> None:
        """Raises CannotAdopt, AdoptionFailed, CloudError; then nothing was written."""
        drafts = {code: _draft(agency.adopted) for code, agency in self._agencies.items()}
        for finding in sorted(findings, key=lambda one: rank(one.type)):
            if finding.agency == PLATFORM or finding.agency not in drafts or not finding.adoptable:
                raise CannotAdopt(f"{finding.id}: {_why_not(finding)}")
            take = {"foreign": self._foreign, "changed": self._changed, "missing": _missing}[finding.kind]
            take(drafts[finding.agency], finding)
        with kept_valid(self._folder):
            write_adopted(self._folder, {code: draft.adopted() for code, draft in drafts.items()})
            for code, draft in drafts.items():
                if draft.limits:
                    write_quota(self._folder, code, draft.limits)

    def _foreign(self, draft: _Draft, finding: Finding) -> None:
        kind = resource(finding.type)
        state = kind.read(context_of(self._cloud), finding.identity, {})
        if state is None:
            raise CannotAdopt(f"{finding.id}: {finding.name} is gone meanwhile")
        inputs = {
            name: value for name, value in kind.importable_inputs(state).items() if name not in kind.secrets
        }
        checked, failures = kind.check(inputs)
        left = [item.name for item in kind.differences(state, checked)] if not failures else []
        if failures or left:
            told = "; ".join(f"{path}: {why}" for path, why in failures) or f"{', '.join(left)} would change"
            raise CannotAdopt(f"{finding.id}: {finding.sentence}, and its inputs cannot be told: {told}")
        name = NAMED + finding.id
        known = self._references(draft, finding.agency)
        inputs = _lasting(kind, state, inputs, known)
        draft.resources[finding.type, name] = AdoptedResource(
            finding.type, name, finding.identity, _referring(inputs, known)
        )

    def _references(self, draft: _Draft, agency: str) -> dict[str, str]:
        """`type::name` by id, of what the stack has and of what it adopts now."""
        told = {
            one.id: f"{one.type}::{one.name}"
            for one in reversed(self._states[agency])
            if one.managed and _UUID.fullmatch(one.id)
        }
        for one in draft.resources.values():
            if _UUID.fullmatch(one.id):
                told.setdefault(one.id, f"{one.type}::{one.name}")
        return told

    def _changed(self, draft: _Draft, finding: Finding) -> None:
        reading = next(one for one in self._readings[finding.agency] if one.resource.urn == finding.urn)
        assert reading.found is not None  # or it were missing
        one, values = reading.resource, {}
        for change in property_drift(one, reading.found):
            if SECRET in (change.code, change.cloud):
                raise CannotAdopt(
                    f"{finding.id}: {change.name} is a secret; set it by the program, or revert"
                )
            values[change.name] = shown(reading.found.get(change.name))
        if (one.type, one.name) in draft.resources:
            before = draft.resources[one.type, one.name]
            draft.resources[one.type, one.name] = replace(before, inputs={**before.inputs, **values})
            return
        limits = _LIMITS.get(one.type.rpartition(":")[2], {})
        own = {name: value for name, value in values.items() if name in limits and value >= 0}
        draft.limits.update({limits[name]: int(value) for name, value in own.items()})
        kept = {name: value for name, value in values.items() if name not in own}
        for name, (source, times) in _DERIVED.items():
            if source in own and name in reading.found and reading.found[name] != own[source] * times:
                kept[name] = reading.found[name]
            elif source in own:
                kept.pop(name, None)
        if kept:
            draft.properties.setdefault((one.type, one.name), {}).update(kept)


def accepted(agency: Agency, one: StateResource) -> dict[str, Any]:
    """The values of a resource that the code asks for by now, whatever the last up made: what was adopted and
    not yet brought up is drift no more.
    """
    values: dict[str, Any] = {}
    for field, source in _LIMITS.get(one.type.rpartition(":")[2], {}).items():
        values[field] = getattr(agency.quota, source)
    for name, (field, times) in _DERIVED.items():
        if field in values:
            values[name] = values[field] * times
    for override in agency.adopted.properties:
        if (override.type, override.name) == (one.type, one.name):
            values.update(override.values)
    for adopted in agency.adopted.resources:
        if (adopted.type, adopted.name) == (one.type, one.name):
            values.update(adopted.inputs)
    return values


def standing(agency: Agency, state: Iterable[StateResource], cloud: Callable[[], Cloud]) -> Agency:
    """The agency with ids on those adopted things only that a first up can take over: neither in the state
    yet nor gone. What is gone is made anew, as the code says. The cloud is asked only of what is in doubt.

    What is taken over stays with the administrator's token, which can read it before the agency's own is
    good for anything; what is in the state stays with the one that it has. Raises CloudError.
    """
    if not agency.adopted.resources:
        return agency
    held = {(one.type, one.name): one for one in state}
    waiting = {one for one in agency.adopted.resources if one.id and (one.type, one.name) not in held}
    asked = cloud() if waiting else None
    there = {one for one in waiting if asked is not None and _is_there(one, asked)}

    def stood(one: AdoptedResource) -> AdoptedResource:
        if one in there:
            return replace(one, scoped=False)
        before = held.get((one.type, one.name))
        return replace(one, id="", scoped=before is None or _scoped(before))

    adopted = tuple(stood(one) for one in agency.adopted.resources)
    return replace(agency, adopted=replace(agency.adopted, resources=adopted))


def _scoped(one: StateResource) -> bool:
    """Whether its provider is the one that the program makes for the agency (a reference is `urn::id`)."""
    return one.provider.rpartition("::")[0].endswith("::agency")


def _is_there(one: AdoptedResource, cloud: Cloud) -> bool:
    return resource(one.type).read(context_of(at(cloud, one.inputs)), one.id, {}) is not None


def _draft(adopted: Adopted) -> _Draft:
    return _Draft(
        {(one.type, one.name): one for one in adopted.resources},
        {(one.type, one.name): dict(one.values) for one in adopted.properties},
        {},
    )


def _missing(draft: _Draft, finding: Finding) -> None:
    if draft.resources.pop((finding.type, finding.name), None) is None:
        raise CannotAdopt(f"{finding.id}: {_why_not(finding)}")


def _referring(value: Any, known: Mapping[str, str]) -> Any:
    """Ids of the stack's own resources as references to them, so that they hold after a new beginning too."""
    if isinstance(value, str):
        return {REFERENCE: known[value]} if value in known else value
    if isinstance(value, Mapping):
        return {str(key): _referring(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_referring(item, known) for item in value]
    return value


def _lasting(
    kind: Resource, state: Mapping[str, Any], inputs: dict[str, Any], known: Mapping[str, str]
) -> dict[str, Any]:
    """The inputs without what lasts no longer than the thing itself: a server's own ports, made with it,
    where the network says as much.
    """
    rows = inputs.get("networks")
    if not isinstance(rows, list):
        return inputs
    fewer = [
        {name: value for name, value in row.items() if name != "port"}
        if row.get("uuid") and row.get("port") not in known
        else row
        for row in rows
    ]
    lasting = {**inputs, "networks": fewer}
    checked, failures = kind.check(lasting)
    return inputs if failures or kind.differences(dict(state), checked) else lasting


def _why_not(finding: Finding) -> str:
    if finding.agency == PLATFORM:
        return "the platform is what platform.yaml says; change it there, or revert"
    if finding.kind == "missing":
        return f"{finding.sentence} and the program declares it; change the inventory, or revert"
    return finding.sentence

"""Policy: what the city allows nowhere, whoever asks; checked on what programs ask for, before it is made.

A breach is corrected, or exempted for a time with a reason and a name; nobody confirms it away.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from infra.domain.opening import OpeningPolicy
from infra.domain.plan import UNKNOWN, Finding, Plan, WantedResource
from infra.domain.security_rule import ADDRESS_GROUP, RULE, is_the_world, security_rule

VOLUME = "openstack:blockstorage/volume:Volume"
INSTANCE = "openstack:compute/instance:Instance"
OPEN_TO_THE_WORLD, ENCRYPTION, NAMES, METADATA = (
    "open_to_the_world", "encryption", "names", "required_metadata",
)  # fmt: skip
RULES = (OPEN_TO_THE_WORLD, ENCRYPTION, NAMES, METADATA)
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_WAY_IN = "name the networks that need it in {0}, or a group in remoteGroupId"


@dataclass(frozen=True)
class NameRule:
    """Names of a type must match the pattern as a whole."""

    type: str
    pattern: str


@dataclass(frozen=True)
class MetadataRule:
    """Things of a type carry these keys in `metadata`, or `key=...` in `tags`."""

    type: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Exemption:
    """`policy` does not hold for `resource` (its name in the program, with * and ?) of `agency` ("*": all,
    "": the platform) up to and including the day `until`.
    """

    policy: str
    agency: str
    resource: str
    reason: str
    who: str
    until: dt.date

    def covers(self, found: Finding, today: dt.date) -> bool:
        return (
            self.policy == found.rule
            and today <= self.until
            and (self.agency in ("*", found.agency))
            and fnmatchcase(found.name, self.resource)
        )


@dataclass(frozen=True)
class Policies:
    """The defaults hold where the inventory has no `policies.yaml`. `openings` says what people may open
    their deployments to, `snapshots` how many of each they may keep, `remote_console_to_level` up to which
    security level they may open their servers' screens (0: nobody). From the next level on at which two sign,
    nobody gets to a server past the openings that were decided on.
    """

    closed_ports: tuple[int, ...] = (22,)
    encryption_from_level: int = 3
    encrypted_volume_types: tuple[str, ...] = ("encrypted",)
    names: tuple[NameRule, ...] = (
        NameRule(INSTANCE, r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"),
        NameRule(VOLUME, _NAME),
        NameRule("openstack:networking/network:Network", _NAME),
        NameRule("openstack:networking/router:Router", _NAME),
    )
    required_metadata: tuple[MetadataRule, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    openings: OpeningPolicy = field(default_factory=OpeningPolicy)
    snapshots: int = 3
    remote_console_to_level: int = 2

    def breaches(self, plan: Plan, today: dt.date) -> list[Finding]:
        """Everything that the plan's program asks for against a policy, without what is exempted today."""
        found = [breach for wanted in plan.wanted for breach in self._of(plan, wanted)]
        return [one for one in found if not any(exempt.covers(one, today) for exempt in self.exemptions)]

    def _of(self, plan: Plan, wanted: WantedResource) -> Iterator[Finding]:
        empty = Finding(
            plan.stack, plan.agency, wanted.urn, wanted.type, wanted.name, plan.operation, "", "", "", False
        )
        if wanted.type in (RULE, ADDRESS_GROUP) and (opened := self._opened(wanted)):
            way_out = _WAY_IN.format("remoteIpPrefix" if wanted.type == RULE else "addresses")
            yield replace(empty, rule=OPEN_TO_THE_WORLD, reason=opened, way_out=_or_exempt(way_out))
        for what, kind, level in _new_volumes(plan, wanted):
            if level >= self.encryption_from_level and kind not in self.encrypted_volume_types:
                types = " or ".join(self.encrypted_volume_types) or "an encrypted type"
                named = "a type that is not known before the run" if kind == UNKNOWN else ""
                named = named or f"the unencrypted type {kind or '(default)'}"
                reason = f"{what} of security level {level} would be of {named}"
                yield replace(
                    empty, rule=ENCRYPTION, reason=reason, way_out=_or_exempt(f"set volumeType to {types}")
                )
        for rule in self.names:
            name = wanted.inputs.get("name")
            if rule.type == wanted.type and _known(name) and not re.fullmatch(rule.pattern, str(name)):
                way_out = _or_exempt(f"choose a name that matches {rule.pattern}")
                yield replace(
                    empty, rule=NAMES, reason=f"the name {name} is not of the city's form", way_out=way_out
                )
        for demand in self.required_metadata:
            missing = [key for key in demand.keys if key not in _labels(wanted.inputs)]
            unknown = UNKNOWN in (wanted.inputs.get("metadata"), wanted.inputs.get("tags"))
            if demand.type == wanted.type and missing and not unknown:
                reason = f"it does not carry {', '.join(missing)}"
                yield replace(
                    empty, rule=METADATA, reason=reason, way_out=_or_exempt("add it to metadata or tags")
                )

    def _opened(self, wanted: WantedResource) -> str:
        """What of the closed ports a rule, or rules that name an address group, would open to everybody."""
        if wanted.type == ADDRESS_GROUP:
            world = [one for one in _texts(wanted.inputs.get("addresses")) if is_the_world(one)]
            reason = "{0} would be in the group: rules that name it are open to everybody"
            return reason.format(world[0]) if world and self.closed_ports else ""
        rule = security_rule(wanted.inputs)
        if rule is None or not rule.to_the_world:
            return ""
        opened = sorted({port for port in self.closed_ports if rule.opens(port)})
        word = "port" if len(opened) == 1 else "ports"
        return f"{word} {', '.join(map(str, opened))} would be open to the whole world" if opened else ""


def _new_volumes(plan: Plan, wanted: WantedResource) -> Iterator[tuple[str, str, int]]:
    """(what, volume type, security level) of each volume that the resource makes."""
    level = max(plan.level, _level(wanted.inputs.get("metadata")))
    if wanted.type == VOLUME:
        yield "a volume", _text(wanted.inputs.get("volumeType")), level
    for device in wanted.inputs.get("blockDevices") or () if wanted.type == INSTANCE else ():
        made = isinstance(device, Mapping) and device.get("destinationType") == "volume"
        if made and device.get("sourceType") != "volume":
            yield "a disk", _text(device.get("volumeType")), level


def _level(metadata: Any) -> int:
    """A thing of a higher level than its agency says so in `security_level`, as text or as a number."""
    told = metadata.get("security_level") if isinstance(metadata, Mapping) else None
    try:
        return int(float(told)) if told is not None else 1
    except (TypeError, ValueError, OverflowError):
        return 1


def _labels(inputs: Mapping[str, Any]) -> set[str]:
    metadata, tags = inputs.get("metadata"), inputs.get("tags")
    keys = {str(key) for key in metadata} if isinstance(metadata, Mapping) else set()
    return keys | {tag.partition("=")[0] for tag in _texts(tags)}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, (list, tuple)) else []


def _known(value: Any) -> bool:
    return value is not None and value != UNKNOWN


def _text(value: Any) -> str:
    return str(value) if value is not None else ""


def _or_exempt(way_out: str) -> str:
    return f"{way_out}, or exempt it in policies.yaml with a reason, a name and a last day"

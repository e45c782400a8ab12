"""`policies.yaml`: what the city allows nowhere, and where it does; absent where the defaults hold."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.domain.label import is_label
from infra.domain.opening import OpeningPolicy
from infra.domain.policy import Exemption, MetadataRule, NameRule, Policies
from infra.inventory.schema import Strict
from infra.inventory.value import Name, Text, refuse

MAX_ENTRIES = 500


def _pattern(value: str) -> str:
    way_out = "write it like [a-z][a-z0-9-]{0,61}"
    if len(value) > 200:
        raise refuse("is longer than 200 characters", way_out)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what another release of Python will read in another way
            re.compile(value)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise refuse(f"is not a regular expression: {error}", way_out) from None
    return value


def _agency(value: str) -> str:
    if value not in ("", "*") and not is_label(value):
        raise refuse("is no agency", 'write its code, "*" for all, or "" for the platform')
    return value


def _type(value: str) -> str:
    if not re.fullmatch(r"openstack:[a-z]+/[A-Za-z0-9]+:[A-Za-z0-9]+", value):
        raise refuse("is not a resource type", "write it like openstack:compute/instance:Instance")
    return value


Type = Annotated[str, AfterValidator(_type)]
Port = Annotated[int, Field(ge=1, le=65535)]


class NameRuleModel(Strict):
    type: Type
    pattern: Annotated[str, AfterValidator(_pattern)]


class MetadataRuleModel(Strict):
    type: Type
    keys: list[Name] = Field(min_length=1, max_length=50)


class EncryptionModel(Strict):
    from_level: int = Field(ge=1, le=5)
    volume_types: list[Name] = Field(max_length=50)


class OpeningsModel(Strict):
    """See `infra.domain.opening.OpeningPolicy`; what is left out holds by default."""

    closed_to_everybody: list[Port] | None = Field(default=None, max_length=100)
    closed_to_city: list[Port] | None = Field(default=None, max_length=100)
    most: int | None = Field(default=None, ge=0, le=20)

    def to_domain(self) -> OpeningPolicy:
        usual, everybody, city = OpeningPolicy(), self.closed_to_everybody, self.closed_to_city
        return OpeningPolicy(
            usual.closed_to_everybody if everybody is None else tuple(everybody),
            usual.closed_to_city if city is None else tuple(city),
            usual.most if self.most is None else self.most,
        )


class ExemptionModel(Strict):
    policy: Literal["open_to_the_world", "encryption", "names", "required_metadata"]
    agency: Annotated[str, AfterValidator(_agency)] = "*"
    resource: str = Field(min_length=1, max_length=200)
    reason: Text
    who: Text
    until: dt.date


class PoliciesModel(Strict):
    """What is left out holds by default; see `infra.domain.policy.Policies`."""

    closed_ports: list[Port] | None = Field(default=None, max_length=100)
    encryption: EncryptionModel | None = None
    names: list[NameRuleModel] | None = Field(default=None, max_length=MAX_ENTRIES)
    required_metadata: list[MetadataRuleModel] = Field(default_factory=list, max_length=MAX_ENTRIES)
    exemptions: list[ExemptionModel] = Field(default_factory=list, max_length=MAX_ENTRIES)
    openings: OpeningsModel = Field(default_factory=OpeningsModel)
    snapshots: int = Field(default=Policies.snapshots, ge=0, le=20)
    remote_console_to_level: int = Field(default=Policies.remote_console_to_level, ge=0, le=5)

    def to_domain(self) -> Policies:
        usual = Policies()
        encryption = self.encryption
        return Policies(
            closed_ports=usual.closed_ports if self.closed_ports is None else tuple(self.closed_ports),
            encryption_from_level=encryption.from_level if encryption else usual.encryption_from_level,
            encrypted_volume_types=tuple(encryption.volume_types)
            if encryption
            else usual.encrypted_volume_types,
            names=usual.names
            if self.names is None
            else tuple(NameRule(one.type, one.pattern) for one in self.names),
            required_metadata=tuple(
                MetadataRule(one.type, tuple(one.keys)) for one in self.required_metadata
            ),
            exemptions=tuple(Exemption(**one.model_dump()) for one in self.exemptions),
            openings=self.openings.to_domain(),
            snapshots=self.snapshots,
            remote_console_to_level=self.remote_console_to_level,
        )

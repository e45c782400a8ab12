"""What programs send to the API. Answers are the dataclasses of `interface` as they are."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.domain.person import Person
from infra.domain.session import Scope
from infra.portal.interface import Draft, Line, NewDelegation

Label = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9_-]+$", examples=["plain-server"])
]
Sentence = Annotated[str, Field(max_length=2000)]


Version = Annotated[int, Field(ge=0, le=2**31 - 1, examples=[3])]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Values = Annotated[dict[Label, Annotated[str, Field(max_length=8000)]], Field(max_length=40)]


class LineIn(Strict):
    """`values` are text, by the name of the parameter; see the catalog. With a `deployment` (an id) the line
    makes nothing new but changes these values of it, if it is at this `version`; without one, at any.
    """

    item: Label
    values: Values = Field(default_factory=dict)
    count: int = Field(default=1, ge=1, le=1000)
    deployment: Annotated[str, Field(max_length=64)] = ""
    version: Version = 0


class DraftIn(Strict):
    """`end` is the last day; without it the item's usual life."""

    items: list[LineIn] = Field(min_length=1, max_length=20)
    purpose: Sentence = ""
    end: dt.date | None = None
    legal_basis: Annotated[str, Field(max_length=200)] = ""
    emergency: bool = False
    agency: Annotated[str, Field(max_length=63)] = ""

    def draft(self) -> Draft:
        lines = tuple(
            Line(one.item, one.values, one.count, one.deployment, one.version) for one in self.items
        )
        return Draft(lines, self.purpose, self.end, self.legal_basis, self.emergency, self.agency)


class ChangeIn(DraftIn):
    version: Version


class VersionIn(Strict):
    """`version` is the one that was looked at before deciding."""

    version: Version


class DecisionIn(VersionIn):
    verdict: Literal["approve", "reject", "return"]
    reason: Sentence = ""


class ReviewIn(Strict):
    """Whether an emergency was one; a reason is needed where it was not."""

    justified: bool
    reason: Sentence = ""


class DelegationIn(Strict):
    """`taker` is a person's id; `first` and `last` are days that count."""

    taker: Annotated[str, Field(min_length=1, max_length=255)]
    stage: Literal["agency", "city"]
    first: dt.date
    last: dt.date

    def wanted(self) -> NewDelegation:
        return NewDelegation(self.taker, self.stage, self.first, self.last)


class ReadIn(Strict):
    """`ids` of notices; without them all."""

    ids: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=200)] | None = None


class ActionIn(VersionIn):
    """`values` are what the action needs to be told, as text, by name. open: service (web, ssh, postgresql,
    mysql, remote-desktop, tcp), source (everybody, city, agency) and, for tcp, port; close: opening;
    snapshot: name; revert, delete_snapshot: snapshot; transfer: to.
    """

    action: Label
    values: dict[Label, Annotated[str, Field(max_length=255)]] = Field(default_factory=dict, max_length=10)


class ValuesIn(VersionIn):
    """Values to change, by parameter; the others stay."""

    values: Values = Field(min_length=1)


class Submitted(BaseModel):
    id: str


class Me(BaseModel):
    """Who the token or the session speaks for; `scopes` is empty for a session, which has no limit."""

    id: str
    name: str
    agency: str
    roles: list[str]
    scopes: list[str]

    @classmethod
    def of(cls, person: Person, scopes: frozenset[Scope] | None) -> Me:
        return cls(
            id=person.id, name=person.name, agency=person.agency, roles=sorted(person.roles),
            scopes=sorted(scopes or ()),
        )  # fmt: skip

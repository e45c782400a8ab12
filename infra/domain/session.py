"""Session: a person's browser that is signed in, and the tokens by which programs speak for a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from infra.domain.person import Person


class Scope(StrEnum):
    """What a token is for. Each allows at most what its person's roles allow."""

    READ = "read"
    REQUEST = "request"
    APPROVE = "approve"
    OPERATE = "operate"


@dataclass(frozen=True)
class Session:
    """`digest` of the cookie; `checked` is when the directory last said who this is; `sealed` is what a
    sign-in service gave, which only the cookie itself opens.
    """

    digest: str
    person: Person
    source: str
    started: datetime
    seen: datetime
    checked: datetime
    address: str = ""
    sealed: str = field(default="", repr=False)


@dataclass(frozen=True)
class Token:
    id: str
    digest: str
    name: str
    person: Person
    source: str
    scopes: frozenset[Scope]
    made: datetime
    expires: datetime
    checked: datetime

"""What pages and API show of the catalog. Texts are `Words`; see `infra.portal.interface`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from infra.domain.words import NOTHING, Words


class Kind(StrEnum):
    """How a parameter is asked for. SSH_KEY is a public key in OpenSSH's form."""

    CHOICE = "choice"
    INTEGER = "integer"
    TEXT = "text"
    SWITCH = "switch"
    SSH_KEY = "ssh_key"


@dataclass(frozen=True)
class Choice:
    value: str
    label: Words
    help: Words = NOTHING


@dataclass(frozen=True)
class Parameter:
    """One field of an item's form. `pattern` is a regular expression for the whole text; `minimum` and
    `maximum` bound an integer, or the length of a text. `default` is the value as text; switches have
    "true" or "false". It cannot be given beside the values that `unless` names of other parameters. `change`
    is allowed or requested where it can be changed of what stands already, else "".
    """

    name: str
    kind: Kind
    label: Words
    help: Words = NOTHING
    required: bool = True
    default: str = ""
    choices: tuple[Choice, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    unit: Words = NOTHING
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    change: str = ""


@dataclass(frozen=True)
class Item:
    """What can be asked for. `max_count` is how many of it one request may hold; `days` how long it lives
    unless another end is asked for, 0 without an end.
    """

    name: str
    label: Words
    summary: Words
    parameters: tuple[Parameter, ...]
    kind: str = "server"
    security_level: int = 1
    max_count: int = 5
    days: int = 365
    slo: float | None = None

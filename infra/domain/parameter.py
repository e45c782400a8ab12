"""Parameter: one thing that is asked of a person who wants a catalog item, and what the answer takes.

The form, its checks, the quota and the price all come from this data, so a new item needs no code.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from infra.domain.quota import NO_QUOTA, Quota
from infra.domain.words import NOTHING, Words

LONGEST_TEXT = 500
LARGEST_INTEGER = 1_000_000


class ParameterKind(StrEnum):
    """How it is asked for. SSH_KEY is a public key in OpenSSH's form."""

    CHOICE = "choice"
    INTEGER = "integer"
    TEXT = "text"
    SWITCH = "switch"
    SSH_KEY = "ssh_key"


class ChangePolicy(StrEnum):
    """How its value is changed of what stands already: at once, or by a request that is decided on."""

    ALLOWED = "allowed"
    REQUESTED = "requested"


@dataclass(frozen=True)
class Choice:
    """`takes` is what one item takes from the quota because this was chosen."""

    value: str
    label: Words
    help: Words = NOTHING
    takes: Quota = NO_QUOTA


@dataclass(frozen=True)
class Parameter:
    """`pattern` is a regular expression for a whole text; `minimum` and `maximum` bound an integer, or a
    text's length. `takes` is added for each unit of an integer, and for a switch that is on; `takes_once` for
    an integer that is given at all. `default` is text: of a switch "true" or "false". It cannot be given
    beside the values that `unless` names of other parameters. `change` None: it stays as it was made.
    """

    name: str
    kind: ParameterKind
    label: Words
    help: Words = NOTHING
    required: bool = True
    default: str = ""
    choices: tuple[Choice, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    unit: Words = NOTHING
    takes: Quota = NO_QUOTA
    takes_once: Quota = NO_QUOTA
    unless: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    change: ChangePolicy | None = None

    def check(self, value: str) -> Words | None:
        """What is wrong with `value` (text, stripped); None if nothing is."""
        if not value:
            return _MISSING if self.required else None
        return _CHECKS[self.kind](self, value)

    def taken(self, value: str) -> Quota:
        """What the checked `value` takes from the quota."""
        if self.kind == ParameterKind.CHOICE:
            return next((one.takes for one in self.choices if one.value == value), Quota())
        if self.kind == ParameterKind.INTEGER and value:
            return self.takes * int(value) + self.takes_once
        if self.kind == ParameterKind.SWITCH and value == "true":
            return self.takes
        return Quota()

    def is_given(self, value: str) -> bool:
        return value not in ("", "false") if self.kind == ParameterKind.SWITCH else bool(value)

    def told(self, value: str) -> Words:
        """The value as people read it."""
        if self.kind == ParameterKind.CHOICE:
            return next((one.label for one in self.choices if one.value == value), Words(value, value))
        if self.kind == ParameterKind.SWITCH:
            return Words("Có", "Yes") if value == "true" else Words("Không", "No")
        if value and self.unit.en:
            return Words(f"{value} {self.unit.vi}", f"{value} {self.unit.en}")
        return Words(value, value)


@dataclass(frozen=True)
class Checked:
    """`values` by parameter with defaults filled in, and `problems` by parameter; `takes` counts
    those that are right.
    """

    values: Mapping[str, str]
    problems: tuple[tuple[str, Words], ...]
    takes: Quota


def check_values(parameters: Sequence[Parameter], given: Mapping[str, str]) -> Checked:
    """Check what was entered against the schema. A name that no parameter has is a problem."""
    values = {one.name: _value(one, given) for one in parameters}
    problems, takes = [], Quota()
    for one in parameters:
        value = values[one.name]
        if wrong := one.check(value) or _excluded(one, values, parameters):
            problems.append((one.name, wrong))
        else:
            takes += one.taken(value)
    names = {one.name for one in parameters}
    problems += [(name, _UNKNOWN) for name in given if name not in names]
    return Checked(values, tuple(problems), takes)


def _value(one: Parameter, given: Mapping[str, str]) -> str:
    value = given.get(one.name, "").strip() or one.default
    return value or "false" if one.kind == ParameterKind.SWITCH else value


def _excluded(one: Parameter, values: Mapping[str, str], parameters: Sequence[Parameter]) -> Words | None:
    """Why it cannot be given beside what was chosen elsewhere."""
    if not one.is_given(values[one.name]):
        return None
    for other in parameters:
        value = values[other.name]
        if value in one.unless.get(other.name, ()):
            label, told = other.label, other.told(value)
            return Words(
                f"Không dùng được khi {label.vi} là “{told.vi}”; hãy bỏ trống, hoặc chọn {label.vi} khác.",
                f"It cannot be had where {label.en} is “{told.en}”; leave it out, or change {label.en}.",
            )
    return None


_MISSING = Words("Bắt buộc phải nhập.", "This is needed.")
_UNKNOWN = Words("Mục này không có trong danh mục.", "The catalog has no such field.")
_NO_CHOICE = Words("Hãy chọn một giá trị trong danh sách.", "Choose a value of the list.")
_NO_INTEGER = Words("Hãy nhập một số nguyên.", "Write a whole number.")
_NO_SWITCH = Words("Hãy chọn có hoặc không.", "Choose yes or no.")
_NO_LINE = Words(
    "Hãy viết một dòng, không có ký tự điều khiển.", "Write one line without control characters."
)
_NO_MATCH = Words("Không đúng dạng được yêu cầu.", "It does not have the form that is asked for.")
_NO_KEY = Words(
    "Không phải khóa công khai SSH; hãy dán nguyên dòng trong tệp .pub (ssh-ed25519, ecdsa hoặc ssh-rsa).",
    "This is no public SSH key; paste the whole line of the .pub file (ssh-ed25519, ecdsa or ssh-rsa).",
)
_PRIVATE_KEY = Words(
    "Đây là khóa bí mật! Không gửi nó cho ai, hãy tạo khóa mới; ở đây chỉ dán tệp .pub.",
    "This is a private key! Give it to nobody and make a new one; paste the .pub file here.",
)


def _bounds(one: Parameter, size: int, vi: str, en: str) -> Words | None:
    if one.minimum is not None and size < one.minimum:
        return Words(f"{vi} ít nhất là {one.minimum}.", f"{en} at least {one.minimum}.")
    if one.maximum is not None and size > one.maximum:
        return Words(f"{vi} nhiều nhất là {one.maximum}.", f"{en} at most {one.maximum}.")
    return None


def _choice(one: Parameter, value: str) -> Words | None:
    return None if value in {choice.value for choice in one.choices} else _NO_CHOICE


def _integer(one: Parameter, value: str) -> Words | None:
    if not re.fullmatch(r"[0-9]{1,7}", value) or int(value) > LARGEST_INTEGER:
        return _NO_INTEGER
    return _bounds(one, int(value), "Giá trị", "It must be")


def _text(one: Parameter, value: str) -> Words | None:
    if not value.isprintable() or len(value) > LONGEST_TEXT:
        return _NO_LINE
    if wrong := _bounds(one, len(value), "Số ký tự", "Its characters must be"):
        return wrong
    return None if not one.pattern or re.fullmatch(one.pattern, value) else _NO_MATCH


def _switch(one: Parameter, value: str) -> Words | None:
    return None if value in ("true", "false") else _NO_SWITCH


_KEY_KINDS = {
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
}  # fmt: skip
_SHORTEST_RSA = 256
"""Bytes of a 2048-bit modulus."""


def _ssh_key(one: Parameter, value: str) -> Words | None:
    if "PRIVATE KEY" in value:
        return _PRIVATE_KEY
    parts = value.split(None, 2)
    if len(parts) < 2 or parts[0] not in _KEY_KINDS or not value.isprintable() or len(value) > 4000:
        return _NO_KEY
    try:
        fields = _wire_fields(base64.b64decode(parts[1], validate=True))
    except (binascii.Error, ValueError):
        return _NO_KEY
    if len(fields) < 2 or fields[0] != parts[0].encode():
        return _NO_KEY
    if parts[0] == "ssh-rsa" and len(fields[-1].lstrip(b"\0")) < _SHORTEST_RSA:
        return Words("Khóa RSA phải dài ít nhất 2048 bit.", "An RSA key needs at least 2048 bits.")
    return None


def _wire_fields(blob: bytes) -> list[bytes]:
    """The strings of SSH's wire form (RFC 4251); raises ValueError where it is cut."""
    fields, at = [], 0
    while at < len(blob):
        size = int.from_bytes(blob[at : at + 4], "big")
        if at + 4 + size > len(blob):
            raise ValueError("cut")
        fields.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return fields


_CHECKS = {
    ParameterKind.CHOICE: _choice,
    ParameterKind.INTEGER: _integer,
    ParameterKind.TEXT: _text,
    ParameterKind.SWITCH: _switch,
    ParameterKind.SSH_KEY: _ssh_key,
}

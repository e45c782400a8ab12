"""The forms that single values may have: labels, names, addresses, paths. Each refusal says what would be
right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network, NetmaskValueError
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from infra.domain.label import RULE, is_label

T = TypeVar("T")


def refuse(why: str, way_out: str) -> PydanticCustomError:
    """What a validator raises: a sentence and a way out that reach the user unchanged."""
    return PydanticCustomError("rule", "{why}", {"why": why, "way_out": way_out})


def _label(value: str) -> str:
    if not is_label(value):
        raise refuse("is not a DNS label", f"use {RULE}")
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise refuse("is not a name", "use 1 to 63 letters, digits, dots, hyphens and underscores")
    return value


def _text(value: str) -> str:
    if not value.strip() or len(value) > 200 or not value.isprintable():
        raise refuse(
            "is empty, longer than 200 characters, or has control characters", "write one plain line"
        )
    return value


def _interface(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", value):
        raise refuse("is not an interface name", "write 1 to 15 characters such as bond0 or bond0.110")
    return value


def host_name(value: str) -> str:
    labels = value.split(".")
    if len(value) > 253 or not all(
        re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", one) for one in labels
    ):
        raise refuse(
            "is neither an address nor a DNS name", "write a name such as api.cloud.example or an address"
        )
    return value


def _email(value: str) -> str:
    local, _, domain = value.rpartition("@")
    if (
        len(value) > 254
        or not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", local)
        or "." not in domain
    ):
        raise refuse("is not an e-mail address", "write it like quantri@haiphong.example")
    host_name(domain)
    return value


def _absolute_path(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", value) or ".." in value:
        raise refuse("is not an absolute path", "write a path such as /srv/volumes, without `..` and spaces")
    return value


def _address_of(kind: Callable[[str], T], example: str) -> Callable[[Any], T]:
    def parse(value: Any) -> T:
        way_out = f"write it like {example}"
        if not isinstance(value, str):
            raise refuse("is not an IPv4 address in text form", way_out)
        if "/" in example and not re.search(r"/\d+$", value):
            raise refuse("has no prefix length", way_out)
        try:
            return kind(value)
        except (AddressValueError, NetmaskValueError):
            raise refuse("is not an IPv4 address of that form", way_out) from None
        except ValueError:
            network = IPv4Interface(value).network
            raise refuse(
                "has bits set to the right of its prefix", f"write {network}, or the prefix meant"
            ) from None

    return parse


Label = Annotated[str, AfterValidator(_label)]
Name = Annotated[str, AfterValidator(_name)]
Text = Annotated[str, AfterValidator(_text)]
InterfaceName = Annotated[str, AfterValidator(_interface)]
HostName = Annotated[str, AfterValidator(host_name)]
Email = Annotated[str, AfterValidator(_email)]
AbsolutePath = Annotated[str, AfterValidator(_absolute_path)]
Cidr = Annotated[IPv4Network, BeforeValidator(_address_of(IPv4Network, "10.64.1.0/24"))]
Address = Annotated[IPv4Address, BeforeValidator(_address_of(IPv4Address, "10.64.1.5"))]
AddressWithPrefix = Annotated[IPv4Interface, BeforeValidator(_address_of(IPv4Interface, "10.64.1.5/24"))]
Positive = Annotated[int, Field(ge=1, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]

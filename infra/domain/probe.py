"""Probe: a question to a workload whose answer says whether it serves.

Texts of a probe may hold `{server}`, `{agency}` and `{address}`, which stand for those of the server that
is asked: one catalog item serves many servers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

PLACEHOLDERS = ("server", "agency", "address")
DEFAULT_TIMEOUT_SECONDS = 5.0
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def unknown_placeholders(text: str) -> list[str]:
    """What stands in braces and is none of PLACEHOLDERS."""
    return [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]


def filled(text: str, *, server: str, agency: str, address: str) -> str:
    """The text with its placeholders replaced; other braces stay."""
    values = {"server": server, "agency": agency, "address": address}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


@dataclass(frozen=True, kw_only=True)
class ProbeBase:
    """`every_seconds` None is the site's usual interval; `timeout_seconds` holds for the whole probe."""

    kind: ClassVar[str] = ""
    name: str
    every_seconds: float | None = None
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, kw_only=True)
class IcmpProbe(ProbeBase):
    """Good when one of `count` echo requests is answered."""

    kind: ClassVar[str] = "icmp"
    count: int = 3


@dataclass(frozen=True, kw_only=True)
class TcpProbe(ProbeBase):
    """Good when the port takes a connection."""

    kind: ClassVar[str] = "tcp"
    port: int


@dataclass(frozen=True, kw_only=True)
class SshProbe(ProbeBase):
    """Good when sshd shows its banner; an open port is not enough."""

    kind: ClassVar[str] = "ssh"
    port: int = 22


@dataclass(frozen=True, kw_only=True)
class HttpProbe(ProbeBase):
    """Good when the answer has one of the statuses, a body in which `body` (a regular expression, "" for
    any) is found, and, with `tls`, a certificate that is trusted and valid for `certificate_days` more.

    `host` goes into the Host header and is the name that the certificate must speak for ("" for the address
    itself). `ca_file` is a PEM file on the monitoring server ("" for the authorities that the system
    trusts); `verify` False trusts every certificate, whose expiry is told all the same.
    """

    kind: ClassVar[str] = "http"
    port: int = 80
    path: str = "/"
    host: str = ""
    statuses: tuple[int, ...] = (200,)
    body: str = ""
    tls: bool = False
    verify: bool = True
    ca_file: str = ""
    certificate_days: int = 0


@dataclass(frozen=True, kw_only=True)
class DnsProbe(ProbeBase):
    """Good when the question is answered, and with all of `answers` among the records where any are given.

    Asked of the workload itself, or of `resolver` (an address) where the name is what is to be proved.
    """

    kind: ClassVar[str] = "dns"
    query: str
    record: str = "A"
    answers: tuple[str, ...] = field(default=())
    resolver: str = ""
    port: int = 53


Probe: TypeAlias = IcmpProbe | TcpProbe | SshProbe | HttpProbe | DnsProbe

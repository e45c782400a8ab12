"""Agency: an organisation of the city that is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network

from infra.domain.adopted import Adopted
from infra.domain.quota import Quota
from infra.domain.server import ServerSpec

RESERVED_CODES = frozenset({"default", "admin", "service"})
"""Names that Keystone's bootstrap gives to its own domain and projects."""


@dataclass(frozen=True)
class City:
    """The city whose agencies are served."""

    code: str
    name_vi: str
    name_en: str


@dataclass(frozen=True)
class Agency:
    """An agency: `code` names its Keystone domain and project, `size` the class that gave it its `quota`.

    `operator` marks the agency whose people run the cloud. `adopted` is what was made by hand and then taken
    into the code. `security_level` is its information system's, 1 to 5 (Decree 85/2016/ND-CP, TCVN 11930); 1,
    the lowest, until it is classified. `alert_emails` are told when the agency's own systems do not answer.
    """

    code: str
    level: str
    size: str
    operator: bool
    name_vi: str
    name_en: str
    network: IPv4Network
    quota: Quota
    servers: tuple[ServerSpec, ...] = ()
    adopted: Adopted = field(default_factory=Adopted, hash=False)
    security_level: int = 1
    alert_emails: tuple[str, ...] = ()

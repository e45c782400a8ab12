"""What the web part of a process holds: made once by `create_app`, the same for every visitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from infra.domain.words import Words
from infra.portal.identity import Directory
from infra.portal.interface import Services
from infra.portal.metrics import PortalMetrics
from infra.portal.oidc import OpenId
from infra.portal.rates import Rates
from infra.portal.session import Access

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True)
class Wiring:
    """`agencies` are those that people sign in to, by code; `contact` says where to ask for help; `ops_url`
    is where the cloud team's own pages are (alerts, capacity, drift), `console_origin` the origin of servers'
    screens (https://name:port), "" where there are none.
    """

    services: Services
    access: Access
    directory: Directory
    agencies: Mapping[str, Words]
    city: Words
    clock: Callable[[], datetime]
    rates: Rates = field(default_factory=Rates)
    metrics: PortalMetrics = field(default_factory=PortalMetrics)
    openid: OpenId | None = None
    zone: ZoneInfo = ZONE
    contact: str = ""
    ops_url: str = ""
    console_origin: str = ""

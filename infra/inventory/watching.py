"""How a site is watched, in `group_vars/all.yml`. The roles `monitoring` and `logs` read these under the same
names and have defaults for all of them; nothing in Python does.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from infra.inventory.schema import Strict
from infra.inventory.value import AbsolutePath, refuse

LEDGER = "sqlite:////var/lib/citycloud-sla-ledger/ledger.sqlite"
"""The role's own."""


def _duration(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*[hdwy]", value):
        raise refuse("is no time that samples could be kept", "write hours, days, weeks or years like 90d")
    return value


def _ledger(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path.startswith("//"):
        return value
    if parts.scheme != "postgresql+psycopg" or not parts.hostname or not parts.path.strip("/"):
        raise refuse(
            "is no database of the SLA ledger",
            "write it like sqlite:////srv/ledger.sqlite or postgresql+psycopg://citycloud@db.example/ledger",
        )
    if parts.password is not None or "password" in parts.query.lower():
        raise refuse("has a password in it", "put it into the site's secrets, as ledger_database_password")
    return value


class WatchingModel(Strict):
    """Each may be absent."""

    monitoring_exporters_tls: bool = False
    monitoring_compat: bool = False
    monitoring_retention: Annotated[str, AfterValidator(_duration)] = "90d"
    monitoring_ledger_url: Annotated[str, AfterValidator(_ledger)] = LEDGER
    monitoring_pages_web_config_file: AbsolutePath = ""
    logs_retention_months: int = Field(default=12, ge=1, le=120)

"""The SLA ledger, asked through the site's ops pages. Who may see which agency is decided before."""

from __future__ import annotations

import logging

import httpx

from infra.domain.sla import Month
from infra.errors import InfraError
from infra.portal.sla import Sla, sla_of
from infra.portal.status import PATIENCE_SECONDS
from infra.store.ledger import LedgerMonth

log = logging.getLogger(__name__)


class SlaView:
    """`url` is that of the site's ops pages, "" where there are none. Nobody waits for long."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = (
            httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, transport=transport) if url else None
        )

    def sla(self, agency: str, month: Month) -> Sla:
        if self._client is None:
            return Sla(str(month))
        try:
            answer = self._client.get("/sla", params={"agency": agency, "month": str(month)})
            answer.raise_for_status()
            return sla_of(agency, LedgerMonth.from_data(answer.json()))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, InfraError) as failed:
            log.warning("the SLA ledger: %s", failed)
            return Sla(str(month))

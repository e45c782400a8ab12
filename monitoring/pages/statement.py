"""The SLA ledger's answer to the portal: a month of one agency, as JSON. The portal shows people nothing of
another agency; who reaches the management network reads all, as with everything else here.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from infra.domain.sla import Month, MonthInvalid
from infra.errors import InfraError
from infra.store.database import Database
from infra.store.ledger import Ledger
from monitoring.exporters.listening import Request, Response

PATH = "/sla"
log = logging.getLogger(__name__)


def answer(url: str, request: Request) -> Response:
    """`?agency=CODE&month=YYYY-MM` from the ledger at `url`. 400 for a month that is none, 503 while the
    ledger is not there or does not answer.
    """
    try:
        month = Month.parse(request.first("month"))
        with Database(url, make=False) as database:
            found = Ledger(database).month(month, request.first("agency"))
    except MonthInvalid as wrong:
        return Response(HTTPStatus.BAD_REQUEST, f"{wrong}\n".encode())
    except InfraError as failed:
        log.warning("%s: %s", PATH, failed)
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, f"the ledger: {failed.code}\n".encode())
    return Response(
        HTTPStatus.OK, json.dumps(found.as_data()).encode(), "application/json", {"Cache-Control": "no-store"}
    )

"""The processes that are measured: the portal on a database, or a page that does nothing, both by uvicorn.

serve.py portal PORT URL     cookies of all people go to standard output, then it serves
serve.py plain PORT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.portal.city import AUDIT_KEY, CITY, City, make_city, now  # noqa: E402
from infra.domain.person import Person  # noqa: E402
from infra.domain.words import Words  # noqa: E402
from infra.portal.app import create_app, keep_what_is_loaded  # noqa: E402
from infra.portal.service.services import PortalServices  # noqa: E402
from infra.portal.session import KEYSTONE, Access  # noqa: E402
from infra.portal.wiring import Wiring  # noqa: E402
from infra.store.portal_database import PortalDatabase  # noqa: E402
from infra.store.session import SessionStore  # noqa: E402

PLAIN = f"<!doctype html><title>plain</title><p>{'x' * 8000}</p>"
"""As long as a page of the portal."""


class Known:
    """The directory: it knows everybody at once, as a Keystone next door nearly does."""

    def __init__(self, city: City) -> None:
        self._people = {one.id: one for one in (*city.members, *city.approvers)}

    def sign_in(self, agency: str, name: str, password: str) -> Person:
        raise NotImplementedError("sessions are begun beside the form")

    def look_up(self, person: str) -> Person | None:
        return self._people.get(person)


def portal(database: PortalDatabase, city: City) -> tuple[FastAPI, dict[str, list[str]]]:
    """The application, and cookies of a session of each person."""
    directory = Known(city)
    access = Access(SessionStore(database), directory, now)
    cookies = {
        kind: [access.begin(one, KEYSTONE, "127.0.0.1") for one in people]
        for kind, people in (("member", city.members), ("approver", city.approvers))
    }
    names = {code: Words(one.name_vi, one.name_en) for code, one in city.site.agencies.items()}
    services = PortalServices(database, city.site, now)
    return create_app(Wiring(services, access, directory, names, CITY, now)), cookies


def plain() -> FastAPI:
    """A page in the same kind of process: a plain function in the thread pool that answers a fixed text."""
    app = FastAPI(openapi_url=None)

    @app.get("/")
    def page(request: Request) -> Response:
        return HTMLResponse(PLAIN)

    return app


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "plain":
        app, cookies = plain(), {"member": [""], "approver": [""]}
    else:
        app, cookies = portal(PortalDatabase(sys.argv[3], key=AUDIT_KEY, make=False), make_city())
    print(json.dumps(cookies), flush=True)
    keep_what_is_loaded()
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()

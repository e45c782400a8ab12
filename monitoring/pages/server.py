"""Serves the ops pages beside Prometheus, on the management network, as Prometheus itself is.

When Prometheus does not answer, the last facts of a page stay, with a word on their age; a page that was
never read says what to look at. No page runs scripts or loads anything from elsewhere.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from infra.errors import InfraError
from monitoring.exporters import listening
from monitoring.exporters.listening import Request, Response, Server
from monitoring.exporters.web_config import WebGuard, web_config_option
from monitoring.pages import agency, capacity, operations, slo, statement
from monitoring.pages.language import LANGUAGES, VIETNAMESE, Language, accepted
from monitoring.pages.markup import Markup, el
from monitoring.pages.page import (
    AGENCIES,
    BAD,
    CAPACITY,
    OPERATIONS,
    SLOS,
    THEMES,
    Look,
    document,
    verdict,
)
from monitoring.prometheus import Alertmanager, MonitoringUnreachable, Prometheus

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
KEPT = 100
"""Pages whose last facts are kept."""
Read = Callable[[float], Any]
Show = Callable[[Any, Look], Markup]


class SiteFileInvalid(InfraError):
    """The file of the site's agencies cannot be read; the role `monitoring` writes it."""

    code = "site_file_invalid"


@dataclass
class Pages:
    """All pages of a site. `names`: (Vietnamese, English) of each agency, by code; `ledger`: URL of the SLA
    ledger's database, which the portal asks through here.
    """

    site: str
    prometheus: Prometheus
    alertmanager: Alertmanager
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    offset: float = 7.0
    ledger: str = ""
    clock: Callable[[], float] = time.time
    _kept: OrderedDict[str, tuple[float, Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        """The response to a request for any path."""
        if request.path == "/-/healthy":
            return Response(HTTPStatus.OK, b"ok\n")
        if request.path == statement.PATH and self.ledger:
            return statement.answer(self.ledger, request)
        look = self.look(request)
        route = self._route(look.path)
        if route is None:
            return _html(HTTPStatus.NOT_FOUND, self._missing(look))
        read, show = route
        try:
            facts, problem = self._facts(look, read)
        except MonitoringUnreachable as error:
            return _html(HTTPStatus.SERVICE_UNAVAILABLE, self._unreachable(look, error))
        return listening.packed(request, _html(HTTPStatus.OK, show(facts, replace(look, problem=problem))))

    def look(self, request: Request) -> Look:
        """How the reader wants it: by parameters, then by the browser's language. An agency's page is
        Vietnamese unless English is asked for."""
        code = request.first("lang")
        if code not in LANGUAGES:
            header = request.headers.get("accept-language", "")
            own = request.path.startswith(AGENCIES + "/")
            code = VIETNAMESE if own else accepted(header, VIETNAMESE)
        theme = request.first("theme")
        return Look(
            say=Language(code, self.offset),
            path=request.path,
            theme=theme if theme in THEMES else "",
            refresh=request.first("refresh") == "1",
        )

    def _route(self, path: str) -> tuple[Read, Show] | None:
        """How a path's facts are read, and what is made of them."""
        ask, alerts, site, names = self.prometheus, self.alertmanager, self.site, self.names
        fixed: dict[str, tuple[Read, Show]] = {
            OPERATIONS: (
                lambda now: operations.read(ask, alerts, now),
                lambda f, look: operations.page(f, look, site),
            ),
            CAPACITY: (lambda now: capacity.read(ask, now), lambda f, look: capacity.page(f, look, site)),
            SLOS: (lambda now: slo.read(ask, now), lambda f, look: slo.page(f, look, site)),
            AGENCIES: (
                lambda now: agency.read_all(ask, alerts, now),
                lambda f, look: agency.index(f, look, site, names),
            ),
        }
        code = path.removeprefix(AGENCIES + "/")
        if code != path and code in names:
            return lambda now: agency.read(ask, alerts, code, now), lambda f, look: agency.page(
                f, look, site, names
            )
        return fixed.get(path)

    def _facts(self, look: Look, read: Read) -> tuple[Any, str]:
        """Facts of now, or the last with a sentence on their age. Raises MonitoringUnreachable."""
        now = self.clock()
        try:
            facts = read(now)
        except MonitoringUnreachable:
            with self._lock:
                kept = self._kept.get(look.path)
            if kept is None:
                raise
            age = look.say.age(now - kept[0])
            return kept[1], look.say(
                f"Prometheus or Alertmanager does not answer. This is what was known {age} ago.",
                f"Prometheus hoặc Alertmanager không trả lời. Đây là số liệu cách đây {age}.",
            )
        with self._lock:
            self._kept[look.path] = (now, facts)
            self._kept.move_to_end(look.path)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return facts, ""

    def _unreachable(self, look: Look, error: MonitoringUnreachable) -> Markup:
        say = look.say
        title = say("No figures", "Không có số liệu")
        return document(
            look,
            self.site,
            title,
            [
                el("h1", title),
                verdict(
                    BAD,
                    say(
                        "Prometheus or Alertmanager does not answer.",
                        "Prometheus hoặc Alertmanager không trả lời.",
                    ),
                ),
                el(
                    "p",
                    say("On this server: ", "Trên máy chủ này: "),
                    el("code", "systemctl status prometheus prometheus-alertmanager"),
                ),
                el("p", str(error), class_="quiet"),
            ],
        )

    def _missing(self, look: Look) -> Markup:
        title = look.say("There is no such page", "Không có trang này")
        return document(look, self.site, title, [el("h1", title)])


def _html(status: HTTPStatus, body: Markup) -> Response:
    return Response(status, body.encode(), "text/html; charset=utf-8", HEADERS)


def read_names(file: Path) -> dict[str, tuple[str, str]]:
    """`{code: {name_vi, name_en}}` of a JSON file. Raises SiteFileInvalid."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {code: (str(names["name_vi"]), str(names["name_en"])) for code, names in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SiteFileInvalid(f"{file}: {error!r}: it must be {{code: {{name_vi, name_en}}}}") from error


@click.command()
@click.option("--listen", default="127.0.0.1:9184", show_default=True, help="host:port to serve pages on.")
@click.option("--prometheus", default="http://127.0.0.1:9090", show_default=True, metavar="URL")
@click.option("--alertmanager", default="http://127.0.0.1:9093", show_default=True, metavar="URL")
@click.option("--site", default="", help="The site's name, in titles.")
@click.option("--agencies", type=click.Path(path_type=Path, dir_okay=False), help="JSON file of their names.")
@click.option("--utc-offset", default=7.0, show_default=True, help="The site's time less UTC, in hours.")
@click.option(
    "--ledger", envvar="CITYCLOUD_LEDGER_URL", show_envvar=True, default="",
    help="SQLAlchemy's URL of the SLA ledger, for the portal; without it there is none.",
)  # fmt: skip
@web_config_option
def main(
    *, listen: str, prometheus: str, alertmanager: str, site: str, agencies: Path | None, utc_offset: float,
    ledger: str, web_config: Path | None,
) -> None:  # fmt: skip
    """Serve the ops pages: operations, capacity, agencies, SLOs."""
    try:
        host, port = listening.address(listen)
        names = read_names(agencies) if agencies else {}
        web = WebGuard.of(web_config) if web_config else None
    except (ValueError, InfraError) as error:
        raise click.UsageError(str(error)) from error
    pages = Pages(site, Prometheus(prometheus), Alertmanager(alertmanager), names, utc_offset, ledger)
    listening.run_until_stopped(Server((host, port), pages.answer, web), threading.Event())

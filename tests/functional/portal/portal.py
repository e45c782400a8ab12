"""A portal over the city in memory: by calls for HTTP tests, and on a port for a browser."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from infra.domain.person import Person
from infra.domain.words import Words
from infra.portal.app import create_app
from infra.portal.session import Access, csrf_token
from infra.portal.wiring import Wiring
from tests.functional.portal.memory import (
    AGENCIES,
    PASSWORD,
    PEOPLE,
    MemoryDirectory,
    MemoryServices,
    MemorySessions,
    a_city,
)

CITY = Words("thành phố Hải Phòng", "City of Hai Phong")
ORIGIN = "https://cong.test"


@dataclass
class Stand:
    """One portal; `later` moves its clock. Making an application takes a while, so those whose clients are
    used one after the other share one; `served` ones have their own.
    """

    services: MemoryServices = field(default_factory=a_city)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    more: dict[str, Any] = field(default_factory=dict)
    own: bool = False
    agencies: Mapping[str, Words] = field(default_factory=lambda: AGENCIES)

    def __post_init__(self) -> None:
        self.access = Access(self.sessions, self.directory, self.clock)
        self.wiring = Wiring(
            self.services, self.access, self.directory, self.agencies, CITY, self.clock, **self.more
        )
        self.app: FastAPI = create_app(self.wiring) if self.own else _shared(self.wiring)

    def clock(self) -> datetime:
        return self.services.now

    def later(self, by: timedelta) -> None:
        self.services.now += by

    def client(self) -> Client:
        self.app.state.wiring = self.wiring
        return Client(self.app)

    def as_person(self, id: str) -> Client:
        """Signed in without the form."""
        made = self.client()
        made.cookies.set("__Host-session", self.access.begin(PEOPLE[id], "keystone", "192.0.2.7"))
        return made


@cache
def _made() -> list[FastAPI]:
    return []


def _shared(wiring: Wiring) -> FastAPI:
    if not _made():
        _made().append(create_app(wiring))
    return _made()[0]


class Client(TestClient):
    """A browser without scripts: follows nothing by itself and sends forms of the page that it looks at."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(app, base_url=ORIGIN, follow_redirects=False, raise_server_exceptions=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hidden(self, path: str, name: str) -> str:
        """A hidden field of a page."""
        found = re.search(f'name="{name}" value="([^"]*)"', self.get(path).text)
        assert found, f"{path} has no {name}"
        return found[1]

    def submit(self, path: str, page: str, **fields: Any) -> Any:
        """A form of `page`, with its csrf token and idempotency key unless given."""
        given = {"csrf": self.hidden(page, "csrf"), "key": "key-" + str(time.monotonic_ns()), **fields}
        return self.post(path, data={name: value for name, value in given.items() if value is not None})

    def sign_in(self, person: Person, password: str = PASSWORD) -> Any:
        return self.submit(
            "/sign-in", "/sign-in", agency=person.agency, name=person.name, password=password, next="/"
        )

    def csrf_or(self, otherwise: str) -> str:
        """The token of the session's forms; `otherwise` where nobody is signed in."""
        secret = self.cookies.get("__Host-session")
        return csrf_token(secret) if secret else otherwise

    def headers_of_a_script(self) -> dict[str, str]:
        """What a script of our own pages sends with a change."""
        return {"X-CSRF-Token": self.csrf_or("")} if "Authorization" not in self.headers else {}


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The portal on a port of this machine; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    )
    runner = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    runner.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://localhost:{listener.getsockname()[1]}"
    server.should_exit = True
    runner.join(60)
    listener.close()

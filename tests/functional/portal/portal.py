"""A portal over the city in memory: by calls for HTTP tests, and on a port for a browser."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from infra.portal.app import create_app
from infra.portal.interface import Person, Words
from infra.portal.session import Access
from infra.portal.wiring import Wiring
from tests.functional.portal.memory import AGENCIES, PASSWORD, PEOPLE, MemoryDirectory, MemoryServices, MemorySessions, a_city

CITY = Words("thành phố Hải Phòng", "City of Hai Phong")
ORIGIN = "https://cong.test"


@dataclass
class Stand:
    """One portal; `later` moves its clock."""

    services: MemoryServices = field(default_factory=a_city)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    directory: MemoryDirectory = field(default_factory=MemoryDirectory)
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.access = Access(self.sessions, self.directory, self.clock)
        self.wiring = Wiring(self.services, self.access, self.directory, AGENCIES, CITY, self.clock, **self.more)
        self.app: FastAPI = create_app(self.wiring)

    def clock(self) -> datetime:
        return self.services.now

    def later(self, by: timedelta) -> None:
        self.services.now += by

    def client(self) -> Client:
        return Client(self.app)

    def as_person(self, id: str) -> Client:
        """Signed in without the form."""
        made = self.client()
        made.cookies.set("__Host-session", self.access.begin(PEOPLE[id], "keystone", "192.0.2.7"))
        return made


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
        return self.submit("/sign-in", "/sign-in", agency=person.agency, name=person.name, password=password, next="/")

    @property
    def csrf(self) -> str:
        from infra.portal.session import csrf_token

        return csrf_token(self.cookies["__Host-session"])


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The portal on a port of this machine; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2))
    runner = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    runner.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://localhost:{listener.getsockname()[1]}"
    server.should_exit = True
    runner.join(10)
    listener.close()

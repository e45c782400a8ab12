"""The fake cloud behind real HTTP on loopback: `python -m tests.fakes.openstack_server` prints its port and
serves.

Keystone logs in anybody whose password is "right", and the application credential "ci" (id "credential") with
that secret. `asked` is what was asked to log in, `seen` are the headers of every request.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.openstack import REGION, FakeOpenStack

SERVICES = {
    "compute": "compute",
    "network": "network",
    "image": "image",
    "volume": "block-storage",
    "identity": "identity",
    "placement": "placement",
}
VERSIONS = {"compute": "v2.1", "network": "v2.0", "image": "v2.16", "volume": "v3.0"}  # others: v3.14
PREFIXES = ("v3", "v2.1", "v2.0", "v2")


class FakeServer:
    """`with FakeServer() as server:` serves `server.fake` at `server.auth_url`."""

    def __init__(self) -> None:
        self.fake = FakeOpenStack()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._http.handle_error = lambda *which: None  # type: ignore[method-assign]  # a killed client
        self.port = self._http.server_address[1]
        self.tokens: dict[str, str] = {}
        self.logins = 0
        self.asked: list[dict[str, Any]] = []
        self.seen: list[dict[str, str]] = []
        self.password = "right"

    @property
    def auth_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/identity/v3"

    def environment(self) -> dict[str, str]:
        return {
            "OS_AUTH_URL": self.auth_url,
            "OS_USERNAME": "admin",
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": "admin",
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": REGION,
        }

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def catalog(self) -> list[dict[str, Any]]:
        return [
            {
                "type": kind,
                "name": name,
                "id": name,
                "endpoints": [
                    {
                        "interface": "public",
                        "region": REGION,
                        "region_id": REGION,
                        "id": name,
                        "url": f"http://127.0.0.1:{self.port}/{name}",
                    }
                ],
            }
            for name, kind in SERVICES.items()
        ]

    def login(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        """As Keystone: by password, by an application credential (which has its project), or by a token."""
        asked, scope = body["auth"]["identity"], body["auth"].get("scope") or {}
        method = asked["methods"][0]
        self.asked.append(body["auth"])
        known = {
            "password": lambda held: held["user"]["password"] == self.password,
            "application_credential": self._is_credential,
            "token": lambda held: held["id"] in self.tokens,
        }
        if not known[method](asked[method]):
            return 401, {"error": {"message": "The request you have made requires authentication."}}, {}
        if method == "application_credential" and scope:
            return 401, {"error": {"message": "Application credentials cannot request a scope."}}, {}
        if method == "password" and not _has_domain(asked[method]["user"]):
            return 400, {"error": {"message": "Expecting to find domain in user."}}, {}
        project_id = scope.get("project", {}).get("id", self.fake.project_id)
        self.logins += 1
        token = f"token-{self.logins}"
        self.tokens[token] = project_id
        return 201, self._told(token, scope), {"X-Subject-Token": token}

    def _is_credential(self, held: dict[str, Any]) -> bool:
        known = held.get("id") == "credential" or (
            held.get("name") == "ci" and _has_domain(held.get("user", {}))
        )
        return bool(known and held["secret"] == self.password)

    def tell(self, token: str) -> tuple[int, Any, dict[str, str]]:
        """What a token is for."""
        if token not in self.tokens:
            return 404, {"error": {"message": "Could not find token."}}, {}
        return 200, self._told(token, {}), {"X-Subject-Token": token}

    def _told(self, token: str, scope: dict[str, Any]) -> dict[str, Any]:
        domain = {"id": "default", "name": "Default"}
        within: dict[str, Any] = {"project": {"id": self.tokens[token], "name": "p", "domain": domain}}
        if "system" in scope or "domain" in scope:
            within = scope
        return {
            "token": {
                "catalog": self.catalog(),
                "expires_at": "2036-01-01T00:00:00.000000Z",
                "methods": ["password"],
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "roles": [{"id": "r", "name": "admin"}],
                "user": {"id": self.fake.user_id, "name": "admin", "domain": domain},
                **within,
            }
        }


def _has_domain(user: dict[str, Any]) -> bool:
    return "id" in user or bool(user.get("domain"))


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def _serve(self) -> None:
            split = urlsplit(self.path)
            parts = split.path.strip("/").split("/")
            raw = self._body()
            content = self.headers.get("Content-Type", "")
            body: Any = json.loads(raw) if raw and "json" in content else raw
            server.seen.append(dict(self.headers.items()))
            if self.path.endswith("/auth/tokens"):
                subject = self.headers.get("X-Subject-Token", "")
                self._answer(*(server.login(body) if self.command == "POST" else server.tell(subject)))
                return
            service, rest = parts[0], parts[1:]
            if rest and rest[0] in PREFIXES:
                rest = rest[1:]
            if not rest:
                self._answer(
                    200,
                    {
                        "version": {
                            "id": VERSIONS.get(service, "v3.14"),
                            "status": "stable",
                            "version": "2.96" if service == "compute" else "",
                            "min_version": "2.1" if service == "compute" else "",
                            "links": [{"rel": "self", "href": f"http://127.0.0.1:{server.port}{self.path}"}],
                        }
                    },
                    {},
                )
                return
            scope = server.tokens.get(self.headers.get("X-Auth-Token", ""), "")
            if not scope:
                self._answer(401, {"error": {"message": "no token"}}, {})
                return
            status, answer = server.fake.handle(
                service, self.command, "/" + "/".join(rest), self._params(split.query), body, scope
            )
            self._answer(status, answer, {})

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

        def _params(self, query: str) -> dict[str, str]:
            """The query, and the header that says which revision is to be changed."""
            condition = self.headers.get("If-Match")
            return {**dict(parse_qsl(query)), **({"If-Match": condition} if condition else {})}

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") == "chunked":
                chunks = b""
                while size := int(self._whole_line(), 16):
                    chunks += self._whole(size)
                    self._whole_line()
                self._whole_line()
                return chunks
            return self._whole(int(self.headers.get("Content-Length") or 0))

        def _whole(self, size: int) -> bytes:
            """That many bytes; of a client that ended before it had sent them nothing is kept."""
            data = self.rfile.read(size)
            if len(data) < size:
                raise ConnectionResetError(f"{size - len(data)} bytes of the body never came")
            return data

        def _whole_line(self) -> bytes:
            line = self.rfile.readline()
            if not line.endswith(b"\n"):
                raise ConnectionResetError("the body ended within a chunk")
            return line.strip()

        def _answer(self, status: int, answer: Any, headers: dict[str, str]) -> None:
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            data = b"" if answer is None or status == 204 else data
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            return

    return Handler

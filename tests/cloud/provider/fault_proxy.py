"""A reverse proxy on loopback between provider and APIs that fails on demand, in lanes.

A lane is a path prefix: `/<lane>/<number of the origin>/...` goes to the origin's `/...`. The catalog in the
answer to a login is rewritten to stay in the lane: whoever logs in through a lane makes all its calls there.
Each lane has its own faults and its own record of calls; tests run side by side in theirs.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

FAULTS = (
    "refused",
    "time-out before the effect",
    "time-out after the effect",
    "409",
    "429",
    "500",
    "503",
    "slow",
    "truncated",
)
HOLDS = ("held before the effect", "held after the effect")
"""Not faults of a cloud: the call stays open until whoever made it is dead."""
_SAID = {
    "409": "The thing is in a state that does not allow this.",
    "429": "Too many requests.",
    "500": "An unexpected error prevented the server from fulfilling your request.",
    "503": "The service is not ready.",
}
_KEPT = ("content-type", "x-subject-token", "x-openstack-request-id", "location", "retry-after")
_DROPPED = {"host", "connection", "transfer-encoding", "content-length", "accept-encoding", "keep-alive"}
_LONGEST_HOLD = 120.0  # seconds


@dataclass
class Aim:
    """Which call of a lane a fault meets: the `nth` (counted from 1) whose method and path match.

    `methods` None means writes, () every call. `lasting`: every further matching call too, until the lane is
    disarmed. `server` is the origin's host:port, as a pattern; `seconds` is what a slow call takes, 0 the
    proxy's own.
    """

    fault: str
    nth: int = 1
    methods: tuple[str, ...] | None = None
    path: str = ""
    lasting: bool = False
    server: str = ""
    seconds: float = 0.0
    seen: int = 0
    hits: int = 0
    held: threading.Event = field(default_factory=threading.Event)

    def meets(self, call: Call) -> bool:
        """Whether this call is to fail; counts it."""
        chosen = call.writes if self.methods is None else not self.methods or call.method in self.methods
        if not chosen or not re.search(self.path, call.path) or not re.search(self.server, call.server):
            return False
        self.seen += 1
        hit = self.seen >= self.nth if self.lasting else self.seen == self.nth
        self.hits += hit
        return hit


@dataclass
class Call:
    """One call of a lane. `status` is the origin's, 0 when it did not hear the call; `made` are the addresses
    (origin number, path) of the things that its answer says were created; `server` is the origin's host:port.
    """

    method: str
    origin: int
    path: str
    server: str = ""
    status: int = 0
    made: list[tuple[int, str]] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"} and "/auth/tokens" not in self.path


@dataclass
class Recalled:
    """A read's last good answer; whoever wants a newer one holds `lock` while it asks."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    at: float = 0.0  # monotonic
    answer: tuple[int, Mapping[str, str], bytes] = (0, {}, b"")


class Lane:
    """One prefix of the proxy. Arm it with an aim, look at its calls afterwards.

    `edited` has the last word on an answer's body. `hasty`: every connection is closed after its answer.
    `tokens` are those that logins through the lane gave, oldest first. `recall_seconds`: reads are answered
    by what the cloud said so short a time ago in any such lane, whoever asks; 0 is never, and `direct` is a
    pattern of servers that are asked each time.
    """

    def __init__(self, name: str, auth_url: str) -> None:
        self.name = name
        self.auth_url = auth_url
        self.calls: list[Call] = []
        self.after: Callable[[Call], None] = lambda call: None
        self.edited: Callable[[Call, bytes], bytes] = lambda call, body: body
        self.hasty = False
        self.tokens: list[str] = []
        self.recall_seconds = 0.0
        self.direct = "^$"
        self._aim: Aim | None = None
        self._asking = 0
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While the origin works on a call, whoever still waits for its answer."""
        with self._lock:
            self._asking += 1
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                self._quiet.notify_all()

    def quiet(self) -> None:
        """Return when the origin has done all that it was asked, also what nobody waits for any more."""
        with self._quiet:
            self._quiet.wait_for(lambda: not self._asking, _LONGEST_HOLD)

    def arm(self, aim: Aim) -> Aim:
        with self._lock:
            self._aim = aim
        return aim

    def disarm(self) -> None:
        with self._lock:
            self._aim = None

    def clear(self) -> None:
        """Forget the calls."""
        with self._lock:
            self.calls.clear()

    def heard(self, call: Call) -> Aim | None:
        """Record a call; the aim that it meets."""
        with self._lock:
            self.calls.append(call)
            return self._aim if self._aim and self._aim.meets(call) else None

    @property
    def writes(self) -> int:
        with self._lock:
            return sum(call.writes for call in self.calls)

    @property
    def made(self) -> list[tuple[int, str]]:
        """The addresses of everything that was created in this lane, in order."""
        with self._lock:
            return [address for call in self.calls for address in call.made]


class FaultProxy:
    """`with FaultProxy(auth_url, cacert) as proxy:`; `proxy.lane(name).auth_url` is what a provider gets.

    `slow` is how long a slow call takes, `retry_after` what a 429 asks for, both in seconds. `name` is what
    addresses call it: one that its clients resolve to loopback.
    """

    def __init__(
        self, auth_url: str, cacert: str = "", slow: float = 1.0, retry_after: int = 1,
        name: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        self.slow = slow
        self._name = name
        self.retry_after = retry_after
        self._auth = urlsplit(auth_url)
        self._tls = (
            ssl.create_default_context(cafile=cacert or None) if self._auth.scheme == "https" else None
        )
        self._origins: list[tuple[str, str]] = []
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._recalled: dict[tuple[object, ...], Recalled] = {}
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self.port = int(self._http.server_address[1])

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def lane(self, name: str) -> Lane:
        """The lane of this name, made when it is first asked for."""
        with self._lock:
            if name not in self._lanes:
                self._lanes[name] = Lane(name, "")
                self._lanes[name].auth_url = self._inside(name, self._auth.geturl())
            return self._lanes[name]

    def exists(self, address: tuple[int, str], token: str) -> bool:
        """Whether the origin still has the thing at this address. A busy one is asked again, a few times."""
        for _ in range(5):
            status = self._asked("GET", address, token)
            if status < 500:
                break
            time.sleep(1)
        assert status < 500, f"GET {address[1]}: {status}"
        return status < 400

    def remove(self, address: tuple[int, str], token: str) -> None:
        """Ask the origin to remove the thing at this address; whether it does is not looked at."""
        self._asked("DELETE", address, token)

    def _asked(self, method: str, address: tuple[int, str], token: str) -> int:
        origin, path = address
        with contextlib.closing(self._connect(origin)) as connection:
            headers = {"X-Auth-Token": token, "Accept": "application/json"}
            connection.request(method, path, headers={**headers, **microversion(path)})
            answer = connection.getresponse()
            answer.read()
        return answer.status

    def _inside(self, lane: str, url: str) -> str:
        """The address in a lane of an address of the cloud."""
        split = urlsplit(url)
        origin = (split.scheme, split.netloc)
        if origin not in self._origins:
            self._origins.append(origin)
        path = split.path.rstrip("/")
        return f"http://{self._name}:{self.port}/{lane}/{self._origins.index(origin)}{path}"

    def _connect(self, origin: int) -> http.client.HTTPConnection:
        scheme, netloc = self._origins[origin]
        if scheme == "https":
            return http.client.HTTPSConnection(netloc, timeout=300, context=self._tls)
        return http.client.HTTPConnection(netloc, timeout=300)

    def recalled(self, key: tuple[object, ...]) -> Recalled:
        """What is known of a read."""
        with self._lock:
            return self._recalled.setdefault(key, Recalled())

    def server(self, origin: int) -> str:
        """host:port of an origin."""
        return self._origins[origin][1]

    def rewritten(self, lane: str, data: bytes) -> bytes:
        """A login's answer with the catalog's addresses inside the lane."""
        body = json.loads(data)
        with self._lock:
            for service in body.get("token", {}).get("catalog", []):
                for endpoint in service["endpoints"]:
                    endpoint["url"] = self._inside(lane, endpoint["url"])
        return json.dumps(body).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed or gave up is what this is for."""


def microversion(path: str) -> dict[str, str]:
    """What a look at a thing has to say beside its path: cinder knows not every path without it."""
    if "/volumes" in path or "/types" in path or "/qos-specs" in path:
        return {"OpenStack-API-Version": "volume 3.67"}
    return {"OpenStack-API-Version": "compute 2.96"}


def _made_by(path: str, data: bytes) -> list[str]:
    """The paths of the things that a POST's answer describes; an action's answer describes none."""
    try:
        body = json.loads(data) if data else {}
    except ValueError:
        return []
    if path.endswith(("/action", "/auth/tokens")) or not isinstance(body, dict):
        return []
    held = next(iter(body.values())) if len(body) == 1 else body
    rows = held if isinstance(held, list) else [held]
    named = [row.get("id", row.get("name")) for row in rows if isinstance(row, dict)]
    return [f"{path.partition('?')[0].rstrip('/')}/{name}" for name in named if name]


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        _upstream: http.client.HTTPConnection
        _upstream_key: tuple[int, float] = (-1, 0.0)

        def _serve(self) -> None:
            _, name, number, rest = [*self.path.split("/", 3), ""][:4]  # an endpoint may have no path
            lane = proxy.lane(name)
            call = Call(self.command, int(number), "/" + rest, proxy.server(int(number)))
            data = self._body()
            aim = lane.heard(call)
            fault = aim.fault if aim else ""
            if fault in ("refused", "time-out before the effect", "held before the effect"):
                self._lose(aim, hold=fault != "refused")
            elif fault in _SAID:
                self._refuse(fault)
            else:
                if aim and fault == "slow":
                    time.sleep(aim.seconds or proxy.slow)
                self._forward(lane, call, data, aim)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

        def _forward(self, lane: Lane, call: Call, data: bytes, aim: Aim | None) -> None:
            with lane.asking():
                status, headers, answer = self._recall_or_ask(lane, call, data)
                call.status = status
                if status < 400 and call.method == "POST":
                    call.made = [(call.origin, path) for path in _made_by(call.path, answer)]
            if call.path.partition("?")[0].endswith("/auth/tokens") and status == 201:
                lane.tokens += [value for key, value in headers.items() if key.lower() == "x-subject-token"]
                answer = proxy.rewritten(lane.name, answer)
            answer = lane.edited(call, answer)
            if aim and aim.fault in ("time-out after the effect", "held after the effect"):
                self._lose(aim, hold=True)
            elif aim and aim.fault == "truncated":
                self._cut_off(status, headers, answer)
            else:
                self._answer(status, headers, answer)
                self.close_connection |= lane.hasty
                lane.after(call)

        def _recall_or_ask(self, lane: Lane, call: Call, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
            direct = "/auth/tokens" in call.path or re.search(lane.direct, call.server)
            if not lane.recall_seconds or call.method != "GET" or direct:
                return self._ask(call, data)
            versions = [self.headers.get(name) for name in ("OpenStack-API-Version", "Accept")]
            known = proxy.recalled((call.origin, call.path, *versions))
            with known.lock:
                if not known.at or time.monotonic() - known.at > lane.recall_seconds:
                    answer = self._ask(call, data)
                    if answer[0] >= 400:
                        return answer
                    known.at, known.answer = time.monotonic(), answer
                return known.answer

        def _ask(self, call: Call, data: bytes) -> tuple[int, Mapping[str, str], bytes]:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _DROPPED}
            connection = self._connection(call.origin)
            connection.request(call.method, call.path, body=data or None, headers=headers)
            answer = connection.getresponse()
            read = answer.read()
            self._upstream_key = (call.origin, time.monotonic())
            if answer.will_close:
                self._upstream_key = (-1, 0.0)
            kept = {key: value for key, value in answer.getheaders() if key.lower() in _KEPT}
            return answer.status, kept, read

        def _connection(self, origin: int) -> http.client.HTTPConnection:
            """The one of the last call when it is young, for a server closes idle ones."""
            known, when = self._upstream_key
            if known != origin or time.monotonic() - when > 1.0:
                if hasattr(self, "_upstream"):
                    self._upstream.close()
                self._upstream = proxy._connect(origin)
            self._upstream_key = (-1, 0.0)
            return self._upstream

        def _answer(self, status: int, headers: Mapping[str, str], data: bytes, cut: int = 0) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD" and status != 204:
                self.wfile.write(data[: len(data) - cut])
            self.wfile.flush()

        def _refuse(self, fault: str) -> None:
            body = json.dumps({"error": {"message": _SAID[fault], "code": int(fault)}}).encode()
            headers = {"Content-Type": "application/json"}
            if fault == "429":
                headers["Retry-After"] = str(proxy.retry_after)
            self._answer(int(fault), headers, body)

        def _cut_off(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
            """Half an answer; of one without a body half its first line."""
            if data:
                self._answer(status, headers, data, cut=(len(data) + 1) // 2)
            else:
                self.wfile.write(b"HTTP/1.1 2")
                self.wfile.flush()
            self._hang_up()

        def _lose(self, aim: Aim | None, hold: bool) -> None:
            """No answer at all: the connection is reset, at once or when the client has given up."""
            if hold:
                assert aim is not None
                aim.held.set()
                self._until_client_gives_up()
            self._hang_up()

        def _until_client_gives_up(self) -> None:
            self.connection.settimeout(_LONGEST_HOLD)
            with contextlib.suppress(OSError):
                self.connection.recv(1)

        def _hang_up(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if not self.wfile.closed:
                    self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.connection.close()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            chunks = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()
            if hasattr(self, "_upstream"):
                self._upstream.close()

        def log_message(self, *arguments: Any) -> None:
            return

    return Handler

"""A model cloud over HTTP on loopback: each answer comes a fixed time after its call.

usage: cloud.py HOSTS PROJECTS SERVERS DELAY_SECONDS

Prints its address and serves until it is stopped. It is one asyncio process that renders each answer once, so
the delay and not the model is what a client waits for. `/_/counters` tells what was asked since `/_/reset`.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.exporter.answers import Answer, Cloud
from benchmarks.exporter.world import World

_REASONS = {200: "OK", 201: "Created", 300: "Multiple Choices", 400: "Bad Request", 404: "Not Found",
            406: "Not Acceptable"}  # fmt: skip


class Count:
    """Calls by endpoint, how many were in flight at once, how many were still under way when their client
    hung up, when the last one came (monotonic seconds), and who has logged in.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.flying = self.most = self.abandoned = 0
        self.last = 0.0
        self.users: set[bytes] = set()

    def reset(self) -> None:
        self.calls.clear()
        self.most, self.abandoned, self.last = self.flying, 0, 0.0

    def document(self) -> dict[str, Any]:
        return {
            "calls": sum(self.calls.values()), "by_endpoint": dict(self.calls.most_common()),
            "users": sorted(name.decode() for name in self.users), "most_in_flight": self.most,
            "abandoned": self.abandoned,
            "quiet_seconds": time.monotonic() - self.last if self.last else None,
        }  # fmt: skip


class Connection(asyncio.Protocol):
    """One client's keep-alive connection: one call at a time, as HTTP/1.1 clients do."""

    def __init__(self, cloud: Cloud, count: Count, delay: float) -> None:
        self._cloud, self._count, self._delay = cloud, count, delay
        self._transport: asyncio.Transport
        self._held = b""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, rest = self._held.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._held = rest[length:]
        method, target, _ = first.split(" ", 2)
        if method == "POST":
            self._count.users.update(re.findall(rb'"user": {[^{}]*"name": "([^"]*)"', rest[:length]))
        self._call(method, target, headers)

    def _call(self, method: str, target: str, headers: dict[str, str]) -> None:
        path, _, query = target.partition("?")
        if path == "/_/counters":
            self._send(Answer.of(self._count.document()))
            return
        if path == "/_/reset":
            self._count.reset()
            self._send(Answer.of({}))
            return
        count = self._count
        answer = self._cloud.answer(method, path, tuple(parse_qsl(query, keep_blank_values=True)), headers)
        count.calls[f"{method} {answer.endpoint}"] += 1
        count.flying += 1
        count.most = max(count.most, count.flying)
        count.last = time.monotonic()
        self._waiting = asyncio.get_running_loop().call_later(self._delay, self._answered, answer)

    def _answered(self, answer: Answer) -> None:
        self._waiting = None
        self._count.flying -= 1
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}", "Content-Type: application/json",
                 f"Content-Length: {len(answer.body)}", *(f"{k}: {v}" for k,
                     v in answer.headers.items())]  # fmt: skip
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._count.flying -= 1
            self._count.abandoned += 1


async def serve(world: World, delay: float) -> None:
    cloud, count = Cloud(world), Count()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(cloud, count, delay), "127.0.0.1", 0, backlog=1024)
    cloud.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    cloud.warm()
    print(cloud.address, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    hosts, projects, servers = (int(text) for text in sys.argv[1:4])
    asyncio.run(serve(World(hosts, projects, servers), float(sys.argv[4])))

"""Measures the portal's pages for 200 people at once, on SQLite and on PostgreSQL, beside a page that does
nothing in a process of the same kind."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.portal.city import AUDIT_KEY, fill, make_city  # noqa: E402
from infra.store.portal_database import PortalDatabase  # noqa: E402
from tests.functional.provider.stores import postgresql  # noqa: E402

USERS = 200
THINK_MS = 5000
"""A person reads a page for five seconds on average, between half and one and a half of that."""
PAGES = {
    "home": ("member", "/"),
    "catalog": ("member", "/catalog"),
    "requests": ("member", "/requests"),
    "request form": ("member", "/requests/new?item=plain-server"),
    "approvals": ("approver", "/approvals"),
}
DATABASES = ("sqlite", "postgresql")
START_SECONDS = 60


@dataclass(frozen=True)
class Taken:
    """`p50`, `p95`, `p99` in milliseconds; `load` is the machine's (1 minute) just before; `cpu` seconds that
    the server took for a request; `plain` is the p99 of the page that does nothing, in the same minute.
    """

    database: str
    page: str
    mode: str
    rate: float
    p50: float
    p95: float
    p99: float
    plain_rate: float
    plain_p99: float
    cpu: float
    plain_cpu: float
    refused: int
    broken: int
    load: float


class Server:
    """A process of `serve.py`."""

    def __init__(self, *words: str, environment: dict[str, str] | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        kind, *rest = words
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "benchmarks/portal/serve.py"), kind, str(self.port), *rest],
            env={**os.environ, **(environment or {})}, cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"the server did not start: {words}")
        self.cookies: dict[str, list[str]] = json.loads(line)
        began = time.monotonic()
        while time.monotonic() - began < START_SECONDS:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        sys.exit("the server does not listen")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def cpu_seconds(self) -> float:
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def until_quiet(self) -> None:
        """What `wrk` asked for and left is still being answered, and would stand in the next one's way."""
        before = -1.0
        while self.cpu_seconds - before > 0.02:
            before = self.cpu_seconds
            time.sleep(0.5)

    def looks_right(self, kind: str, path: str) -> None:
        """One answer by hand: a page that is refused would be measured as a quick one."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Cookie": f"__Host-session={self.cookies[kind][0]}", "Host": "localhost"},
        )
        with urllib.request.urlopen(asked, timeout=30) as reply:
            if reply.status != 200 or "/sign-in" in reply.geturl():
                sys.exit(f"{path} answers {reply.status} at {reply.geturl()}")

    def burdened(self, kind: str, path: str, seconds: int, think: int) -> tuple[dict[str, Any], float]:
        """What wrk saw, and the CPU seconds of the server for a request."""
        with tempfile.NamedTemporaryFile("w", suffix=".cookies") as file:
            file.write("\n".join(self.cookies[kind]) + "\n")
            file.flush()
            before = self.cpu_seconds
            done = subprocess.run(
                ["wrk", "-t", "1", "-c", str(USERS), "-d", f"{seconds}s", "--timeout", "60s", "-s",
                 str(ROOT / "benchmarks/portal/users.lua"), f"http://127.0.0.1:{self.port}{path}", "--",
                 file.name, str(think)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            spent = self.cpu_seconds - before
        found = re.search(r"^RESULT (.*)$", done.stdout, re.M)
        if found is None:
            sys.exit(f"wrk told nothing:\n{done.stdout}{done.stderr}")
        told: dict[str, Any] = json.loads(found[1])
        return told, spent / max(1, told["requests"])


@contextmanager
def database(kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of a filled database, and what its server's environment needs."""
    with ExitStack() as stack:
        if kind == "sqlite":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="citycloud-bench-")))
            url, environment = f"sqlite:///{folder}/portal.sqlite", dict[str, str]()
        else:
            store = stack.enter_context(postgresql())
            environment = dict(store.environment)
            os.environ.update(environment)
            socket_folder = parse_qs(urlsplit(store.url).query)["host"][0]
            url = f"postgresql+psycopg://citycloud@/postgres?host={socket_folder}"
        with PortalDatabase(url, key=AUDIT_KEY) as made:
            fill(made, make_city())
        yield url, environment


def measured(server: Server, plain: Server, kind: str, page: str, *, seconds: int, mode: str) -> Taken:
    """A page and the one that does nothing, one right after the other."""
    who, path = PAGES[page]
    think = THINK_MS if mode == "think" else 0
    load = os.getloadavg()[0]
    server.looks_right(who, path)
    server.burdened(who, path, 2, 0)
    server.until_quiet()
    told, cpu = server.burdened(who, path, seconds, think)
    beside, plain_cpu = plain.burdened(who, "/", seconds, think)
    return Taken(
        kind, page, mode, told["requests"] / told["seconds"], told["p50"], told["p95"], told["p99"],
        beside["requests"] / beside["seconds"], beside["p99"], cpu, plain_cpu, told["refused"],
        told["broken"], load,
    )  # fmt: skip


HEAD = (
    f"{'':<12}{'page':<14}{'users':<8}{'req/s':>8}{'p50 ms':>9}{'p95':>8}{'p99':>8}{'plain p99':>11}"
    f"{'CPU ms':>8}{'plain':>7}{'ratio':>7}{'refused':>9}{'load':>7}"
)


def line(one: Taken) -> str:
    ratio = one.cpu / one.plain_cpu if one.plain_cpu else 0
    return (
        f"{one.database:<12}{one.page:<14}{one.mode:<8}{one.rate:>8.1f}{one.p50:>9.1f}{one.p95:>8.1f}"
        f"{one.p99:>8.1f}{one.plain_p99:>11.1f}{one.cpu * 1e3:>8.2f}{one.plain_cpu * 1e3:>7.2f}{ratio:>7.1f}"
        f"{one.refused + one.broken:>9}{one.load:>7.1f}"
    )


def run(kinds: Sequence[str], pages: Sequence[str], modes: Sequence[str], seconds: int) -> list[Taken]:
    found = []
    print(HEAD, flush=True)
    with Server("plain") as plain:
        for kind in kinds:
            with database(kind) as (url, more), Server("portal", url, environment=more) as server:
                for page in pages:
                    for mode in modes:
                        found.append(measured(server, plain, kind, page, seconds=seconds, mode=mode))
                        print(line(found[-1]), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--page", choices=list(PAGES), action="append")
    parser.add_argument("--mode", choices=["think", "loop"], action="append")
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement")
    parser.add_argument("--output", type=Path, help="file that gets the figures as JSON")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: install Debian's package wrk")
    found = run(
        options.database or DATABASES, options.page or list(PAGES), options.mode or ["think", "loop"],
        options.seconds,
    )  # fmt: skip
    if options.output:
        options.output.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")


if __name__ == "__main__":
    main()

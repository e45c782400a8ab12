"""Two real worker processes by `citycloud portal worker`, each with a folder of its own as on servers of
their own, beside one PostgreSQL, one state backend and a cloud behind HTTP.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from infra.domain.audit import moment
from infra.domain.person import Person, Role
from infra.hosts.keys import ensure_key
from infra.portal.interface import AuditFilter, Draft, Line
from infra.portal.service.account import take_in
from infra.portal.service.ground import PortalSite
from infra.portal.service.services import PortalServices
from infra.provisioning import pulumi_engine
from infra.store import lease
from infra.store.portal_database import PortalDatabase
from tests.functional.provider.conftest import ROOT, Place
from tests.functional.provider.stores import postgresql

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
KEY = b"k" * 32
RUN = "import sys; from infra.cli.main import run; sys.exit(run(sys.argv[1:]))"
DRAFT = Draft(
    (Line("private-network", {"purpose": "database"}, 1),), "Mạng riêng cho cơ sở dữ liệu hồ sơ",
    legal_basis="12/QĐ-UBND",
)  # fmt: skip
PATIENCE = 150.0
"""Seconds. Engines are started one after the other, on a machine that others use, too."""


@dataclass
class City:
    """The portal's database with what was asked for, and the workers beside it."""

    place: Place
    folder: Path
    database: PortalDatabase
    url: str
    backend: str
    password: str
    services: PortalServices
    codes: list[str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ask(self, code: str) -> str:
        member = Person(f"{code}-m", "m", code, frozenset({Role.MEMBER}), "Nguyễn Văn Yêu")
        approver = Person(f"{code}-a", "a", code, frozenset({Role.APPROVER}), "Trần Thị Duyệt")
        asked = self.services.submit(member, DRAFT, "")
        self.services.decide(approver, asked, "approve", "Đúng kế hoạch", 1, "")
        return asked

    def worker(self, name: str, backend: str | None = None) -> subprocess.Popen[bytes]:
        """A worker with the folder `name`; its log is beside it."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        config = folder / "portal.yaml"
        shared = self.backend if backend is None else backend
        config.write_text(
            f"inventory: {ROOT}/inventories/lab\ndatabase: {self.url}\nlisten: 127.0.0.1:9190\n"
            f"address: https://cong.test\nfolder: {folder}\nstate_backend: {shared}\nworker: false\n"
            f"engine_path: {pulumi_engine.ensure(self.place.cache).parent}\n"
        )
        environment = {
            **os.environ, **self.place.server.environment(), "PGPASSWORD": self.password,
            "PYTHONPATH": str(ROOT), "CITYCLOUD_CACHE": str(self.place.cache),
            "CITYCLOUD_PORTAL_AUDIT_KEY": base64.b64encode(KEY).decode(),
            "CITYCLOUD_PORTAL_PASSPHRASE": "passphrase",
        }  # fmt: skip
        command = [sys.executable, "-c", RUN, "portal", "worker", "--config", str(config)]
        with (folder / "log").open("wb") as log:
            made = subprocess.Popen(
                [*command, "--metrics-file", str(folder / "worker.prom")], env=environment, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder,
            )  # fmt: skip
        self.running.append(made)
        return made

    def log(self) -> str:
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*/log")))

    def states(self) -> Counter[str]:
        return Counter(one.state for one in self.services.requests(AUDITOR, limit=100).items)

    def holder(self) -> int:
        """The process that has an agency's lease."""
        with self.database.reading() as connection:
            held = lease.held(connection, dt.datetime.now(dt.UTC))
        holder = next(iter(held.values()))
        host, _, process = holder.rpartition(":")
        assert host == socket.gethostname()
        return int(process)

    def run_out(self, holder: str) -> None:
        """The minute of its leases is over: nobody waits for it here."""
        with self.database.touching() as connection:
            connection.exec_driver_sql(
                "UPDATE lease SET until = %s WHERE holder = %s", (moment(dt.datetime.now(dt.UTC)), holder)
            )


AUDITOR = Person("kt", "kt", "", frozenset({Role.AUDITOR}), "Kiểm toán")


@pytest.fixture
def city(place: Place, tmp_path: Path) -> Iterator[City]:
    codes = [one.code for one in place.inventory.agencies if not one.servers][:4]
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up(codes)
    with postgresql() as store, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", store.environment["PGPASSWORD"])
        where = parse_qs(urlsplit(store.url).query)["host"][0]
        server = {"host": where, "user": "citycloud", "dbname": "postgres", "autocommit": True}
        with closing(psycopg.connect(**server)) as opened:  # type: ignore[arg-type]
            opened.execute("CREATE DATABASE portal")
        url = f"postgresql+psycopg://citycloud@/portal?host={where}"
        with PortalDatabase(url, key=KEY) as database:
            lab = place.inventory
            now = lambda: dt.datetime.now(dt.UTC)  # noqa: E731
            take_in(database, lab.agencies, lab.platform.flavors, now())
            site = PortalSite(agencies={one.code: one for one in lab.agencies}, catalog=lab.catalog)
            services = PortalServices(database, site, now)
            made = City(
                place, tmp_path, database, url, store.url, store.environment["PGPASSWORD"], services, codes
            )
            ensure_key(tmp_path / "first/ssh/id_ed25519", "citycloud")
            (tmp_path / "second/ssh").mkdir(parents=True)
            for part in ("id_ed25519", "id_ed25519.pub"):
                key = (tmp_path / "first/ssh" / part).read_bytes()
                (tmp_path / "second/ssh" / part).write_bytes(key)
            try:
                yield made
            finally:
                for one in made.running:
                    one.terminate()
                for one in made.running:
                    one.wait()


def eventually(city: City, reached: Any, what: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not reached():
        alive = any(one.poll() is None for one in city.running)
        assert alive, f"{what}: all workers have ended\n{city.log()[-6000:]}"
        assert time.monotonic() < ends, f"{what}: never\n{city.log()[-6000:]}"
        time.sleep(0.1)


def test_of_two_workers_one_is_killed_in_the_middle_and_the_other_finishes_all_of_it_once(
    city: City,
) -> None:
    fake, begun, killed = city.place.server.fake, threading.Event(), threading.Event()
    real = fake.handle

    def handle(service: str, method: str, path: str, *more: Any) -> Any:
        """The first network is made, and its maker does not hear of it."""
        answer = real(service, method, path, *more)
        if (method, path) == ("POST", "/networks") and not killed.is_set():
            begun.set()
            killed.wait(PATIENCE)
        return answer

    asked = [city.ask(code) for code in city.codes]
    before = len(fake.kind("networks"))
    fake.handle = handle  # type: ignore[method-assign]
    workers = {one.pid: one for one in (city.worker("first"), city.worker("second"))}
    eventually(city, begun.is_set, "a worker begins")
    process = city.holder()
    os.kill(process, signal.SIGKILL)
    workers.pop(process).wait()
    city.run_out(f"{socket.gethostname()}:{process}")
    killed.set()
    eventually(city, lambda: city.states() == {"fulfilled": len(asked)}, "all is fulfilled")
    assert len(fake.kind("networks")) == before + len(asked)
    (other,) = workers.values()
    assert other.poll() is None
    told = Counter(one.action for one in city.services.audit(AUDITOR, AuditFilter(), limit=200).items)
    assert told["request.begin"] == told["request.fulfill"] == told["deployment.activate"] == len(asked)
    assert isinstance(city.database.verify(), int)
    assert "defect" not in city.log()


def test_a_worker_with_another_key_or_without_a_shared_backend_ends_and_says_why(city: City) -> None:
    first = city.worker("first")
    eventually(city, (city.folder / "first/worker.prom").exists, "the first worker tells")
    for name, backend, said in (
        ("third", None, "put that key into the vault as portal_worker_key"),
        ("fourth", f"file://{city.folder}/states", "state_backend"),
    ):
        other = city.worker(name, backend)
        assert other.wait(PATIENCE) == (5 if backend is None else 3)
        assert said in (city.folder / name / "log").read_text()
    assert first.poll() is None

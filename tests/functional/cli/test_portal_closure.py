"""`citycloud portal close|reopen` on the portal's server, over a real database and a cloud behind HTTP."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import inventory as inventories
from infra.cli import portal_closure
from infra.cli.main import EXIT_BUSY, EXIT_INPUT, run
from infra.domain.blueprint import ARCHIVE_KEY, DEPLOYMENT_KEY
from infra.domain.estate import Estate
from infra.portal.interface import Draft, Line
from infra.portal.service.account import take_in
from infra.store import closure, lease
from infra.store.portal_database import PortalDatabase
from tests.fakes.openstack_server import FakeServer
from tests.functional.cli.test_portal_commands import SSH_KEY
from tests.functional.portal.real import ROOT, RealStand

KEY = b"k" * 32
LAB = ROOT / "inventories/lab"


@dataclass
class Desk:
    """The portal's server and what an operator types there."""

    config: Path
    database: PortalDatabase
    stand: RealStand
    cloud: FakeServer
    capsys: pytest.CaptureFixture[str]
    agency: str

    def says(self, *words: str, code: int = 0) -> Any:
        """A command's answer as JSON; its exit code has to be `code`."""
        self.capsys.readouterr()
        done = run(["portal", *words, "--config", str(self.config), "--output", "json"])
        out, err = self.capsys.readouterr()
        assert done == code, f"{done}: {out}{err}"
        return json.loads(out)

    def has(self) -> Estate:
        return closure.read(self.database, self.agency, datetime.now(UTC))


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    url, config = f"sqlite:///{tmp_path}/portal.sqlite", tmp_path / "portal.yaml"
    config.write_text(
        f"inventory: {LAB}\ndatabase: {url}\nlisten: 127.0.0.1:9190\naddress: https://cong.test\n"
        f"folder: {tmp_path}/folder\n"
    )
    monkeypatch.setenv("CITYCLOUD_PORTAL_AUDIT_KEY", base64.b64encode(KEY).decode())
    monkeypatch.setattr(portal_closure, "LOOK_SECONDS", 0.01)
    with PortalDatabase(url, key=KEY) as database, FakeServer() as cloud:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        lab = inventories.load(LAB)
        stand = RealStand(database)
        take_in(database, lab.agencies, lab.platform.flavors, datetime.now(UTC))
        made = Desk(config, database, stand, cloud, capsys, stand.people["hoa"].agency)
        stand.token("hoa")
        yield made


def test_a_check_says_what_there_is_and_changes_nothing(desk: Desk) -> None:
    found = desk.says("close", desk.agency, "--check")
    assert Estate.from_data(found) == desk.has() == Estate(tokens=1, sessions=1, people=1, accounts=1)
    assert run(["portal", "close", desk.agency, "--check", "--config", str(desk.config)]) == 0
    assert f"{desk.agency} has 1 tokens, 1 sessions" in desk.capsys.readouterr().out


def test_access_ends_and_comes_again(desk: Desk) -> None:
    desk.says("close", desk.agency, "--access")
    assert desk.has() == Estate(people=1, accounts=1, closed=True)
    assert desk.says("reopen", desk.agency) == {"agency": desk.agency, "opened": True}
    assert not desk.has().closed


def test_all_ends_and_a_second_time_there_is_nothing_to_end(desk: Desk) -> None:
    assert desk.says("close", desk.agency)["accounts"] == 1
    assert Estate.from_data(desk.says("close", desk.agency)) == desk.has() == Estate(closed=True)
    desk.says("reopen", desk.agency)
    assert desk.has() == Estate(accounts=1)


def test_nothing_ends_while_the_cloud_has_servers_of_it(desk: Desk) -> None:
    id_ = made(desk)
    server = {"id": "s1", "name": "web-1", "status": "ACTIVE", "metadata": {DEPLOYMENT_KEY: id_}}
    desk.cloud.fake.kind("servers")["s1"] = server
    error = desk.says("close", desk.agency, code=EXIT_INPUT)["error"]
    assert error["code"] == "still_standing"
    assert f"web-1 of {desk.agency}" in error["message"]
    assert (desk.has().deployments, desk.has().closed) == (1, False)
    del desk.cloud.fake.kind("servers")["s1"]
    images = desk.cloud.fake.kind("images")
    for name, of in (("kept", id_), ("another's", "d9")):
        images[name] = {"id": name, "name": name, ARCHIVE_KEY: of, "status": "active", "owner": "city"}
    assert desk.says("close", desk.agency)["deployments"] == 1
    assert set(images) == {"another's"}
    assert desk.has() == Estate(closed=True)


def test_a_worker_that_is_at_work_is_waited_for_and_then_named(desk: Desk) -> None:
    name, lasts = lease.of_agency(desk.agency), timedelta(hours=1)
    held = lease.acquire(desk.database, name, "portal1:77", now=datetime.now(UTC), lasts=lasts)
    assert held is not None
    error = desk.says("close", desk.agency, "--access", "--wait", "0.1", code=EXIT_BUSY)["error"]
    assert error["code"] == "agency_at_work"
    assert "portal1:77" in error["message"]
    assert not desk.has().closed

    def done() -> None:
        time.sleep(0.2)
        lease.give_back(desk.database, held, now=datetime.now(UTC))

    beside = threading.Thread(target=done)
    beside.start()
    desk.says("close", desk.agency, "--access", "--wait", "60")
    beside.join()
    assert desk.has().closed


def test_a_server_that_a_worker_makes_while_it_is_waited_for_is_seen(desk: Desk) -> None:
    id_, name = made(desk), lease.of_agency(desk.agency)
    held = lease.acquire(desk.database, name, "portal1:77", now=datetime.now(UTC), lasts=timedelta(hours=1))
    assert held is not None
    real, asked = desk.cloud.fake.handle, threading.Event()

    def handle(service: str, method: str, path: str, *more: Any) -> Any:
        answer = real(service, method, path, *more)
        if path.startswith("/servers"):
            asked.set()
        return answer

    def done() -> None:
        asked.wait(60)
        server = {"id": "s1", "name": "web-1", "status": "ACTIVE", "metadata": {DEPLOYMENT_KEY: id_}}
        desk.cloud.fake.kind("servers")["s1"] = server
        lease.give_back(desk.database, held, now=datetime.now(UTC))

    desk.cloud.fake.handle = handle  # type: ignore[method-assign]
    beside = threading.Thread(target=done)
    beside.start()
    error = desk.says("close", desk.agency, "--wait", "60", code=EXIT_INPUT)["error"]
    beside.join()
    assert error["code"] == "still_standing"
    assert (desk.has().deployments, desk.has().closed) == (1, True)


def made(desk: Desk) -> str:
    """The id of a deployment of the agency."""
    draft = Draft(
        (Line("plain-server", {"size": "container.small", "ssh_key": SSH_KEY}, 1),),
        "Trang tiếp nhận hồ sơ trực tuyến", legal_basis="12/QĐ-UBND",
    )  # fmt: skip
    services, people = desk.stand.services, desk.stand.people
    asked = services.submit(people["hoa"], draft, "")
    services.decide(people["binh"], asked, "approve", "", 1, "")
    desk.stand.work()
    return str(services.deployments(people["hoa"]).items[0].id)

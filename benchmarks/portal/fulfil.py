"""Measures what the portal adds to a cloud's own time: requests from hand-in to fulfilled, beside a script
that makes the same servers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.portal.city import AUDIT_KEY, PLENTY, SSH_KEY, now  # noqa: E402
from infra import inventory as inventories  # noqa: E402
from infra.cloud.connection import connect  # noqa: E402
from infra.cloud.credentials import Credentials  # noqa: E402
from infra.domain.blueprint import Wanted  # noqa: E402
from infra.domain.person import Person, Role  # noqa: E402
from infra.domain.quota import LANDING_ZONE_USAGE  # noqa: E402
from infra.domain.request import RequestState  # noqa: E402
from infra.inventory import Inventory  # noqa: E402
from infra.portal.interface import Draft, Line  # noqa: E402
from infra.portal.service.ground import PortalSite  # noqa: E402
from infra.portal.service.services import PortalServices  # noqa: E402
from infra.provisioning.agency_stack import AgencyStacks, StackPlace  # noqa: E402
from infra.provisioning.portal_hands import CloudHands  # noqa: E402
from infra.provisioning.stack import Stacks  # noqa: E402
from infra.provisioning.worker import AT_ONCE, Worker  # noqa: E402
from infra.store import reservation  # noqa: E402
from infra.store.portal_database import PortalDatabase  # noqa: E402

MANAGER_KEY = "ssh-ed25519 AAAAC3Nz worker"
DRAFT = Draft(
    (Line("plain-server", {"size": "container.small", "ssh_key": SSH_KEY}),),
    "Trang tiếp nhận hồ sơ trực tuyến của cơ quan", legal_basis="12/QĐ-UBND",
)  # fmt: skip


@dataclass(frozen=True)
class Model:
    """A cloud in another process."""

    process: subprocess.Popen[str]
    environment: Mapping[str, str]

    def takes(self, seconds: float) -> tuple[int, float, float]:
        """From now on for each call; (calls, CPU seconds, seconds with a call under way) so far."""
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: PT018
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        calls, used, busy = json.loads(self.process.stdout.readline())
        return int(calls), float(used), float(busy)


@contextmanager
def model() -> Iterator[Model]:
    command = [sys.executable, str(Path(__file__).with_name("model.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        made = Model(process, json.loads(process.stdout.readline()))
        try:
            yield made
        finally:
            process.stdin.close()  # type: ignore[union-attr]


class NoGuests:
    """A model's servers have no system to log in to."""

    def set_up(self, agency: str, wanted: Wanted, outputs: Mapping[str, str], address: str) -> None:
        return


class Open:
    """Lets every plan pass: the landing zones are made here, not measured."""

    def findings(self, plans: Any) -> list[Any]:
        return []

    def admit(self, operation: str, plans: Any) -> None:
        return


def landing_zones(inventory: Inventory, codes: list[str], folder: Path, cache: Path, there: Model) -> None:
    site, depot = folder / "site", folder / "depot"
    (site / "ssh").mkdir(parents=True)
    (site / "ssh" / "id_ed25519.pub").write_text(f"{MANAGER_KEY}\n", encoding="utf-8")
    (depot / "images").mkdir(parents=True)
    files = {}
    for image in inventory.platform.images:
        data = image.name.encode() * 1000
        (depot / "images" / image.file).write_bytes(data)
        files[f"images/{image.file}"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (depot / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    credentials = Credentials.from_environment(there.environment)
    with Stacks(inventory, site, depot, cache, credentials, "passphrase", guard=Open()) as stacks:
        stacks.platform_up()
        stacks.zone_up(codes)


def ask_and_approve(services: PortalServices, codes: list[str], count: int) -> None:
    """Handed in by a member and approved by another, agency after agency."""
    for place in range(count):
        code = codes[place % len(codes)]
        member = Person(f"{code}-m", "m", code, frozenset({Role.MEMBER}), "Nguyễn Văn Yêu")
        approver = Person(f"{code}-a", "a", code, frozenset({Role.APPROVER}), "Trần Thị Duyệt")
        made = services.submit(member, DRAFT, "")
        services.decide(approver, made, "approve", "Đúng kế hoạch", 1, "")


def fulfil(worker: Worker, services: PortalServices, count: int) -> None:
    """Run the worker until every request has ended; raises where one failed."""
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    auditor = Person("auditor", "auditor", "", frozenset({Role.AUDITOR}), "Kiểm toán")
    try:
        while services.requests(auditor, state=RequestState.APPROVED, limit=1).items:
            time.sleep(1)
    finally:
        stop.set()
        running.join()
    failed = services.requests(auditor, state=RequestState.FAILED, limit=1).items
    assert not failed, failed


class Script:
    """Plain calls of one program, with one connection and one token of a project."""

    def __init__(self, environment: Mapping[str, str], project: str = "") -> None:
        self._base = environment["OS_AUTH_URL"].removesuffix("/identity/v3")
        self._client = httpx.Client(timeout=60)
        user = {"name": environment["OS_USERNAME"], "password": environment["OS_PASSWORD"]}
        scope = {"id": project} if project else {"name": "admin", "domain": {"name": "Default"}}
        password = {"user": {**user, "domain": {"name": "Default"}}}
        identity = {"methods": ["password"], "password": password}
        asked = {"auth": {"identity": identity, "scope": {"project": scope}}}
        told = self._client.post(f"{self._base}/identity/v3/auth/tokens", json=asked)
        self._client.headers["X-Auth-Token"] = told.raise_for_status().headers["X-Subject-Token"]

    def get(self, path: str, **query: str) -> Any:
        return self._client.get(f"{self._base}/{path}", params=query).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._client.post(f"{self._base}/{path}", json=body).raise_for_status().json()


def plain(there: Model, codes: list[str], count: int) -> None:
    """The same servers by a script, as many agencies beside each other as the worker has."""

    def one_agency(code: str) -> None:
        every = Script(there.environment).get("identity/v3/projects", name=code)["projects"]
        (project,) = [one["id"] for one in every if not one["is_domain"]]
        script = Script(there.environment, project)
        (network,) = script.get("network/v2.0/networks", name=code, project_id=project)["networks"]
        (group,) = script.get("network/v2.0/security-groups", name="baseline", project_id=project)[
            "security_groups"
        ]
        (image,) = script.get("image/v2/images", name="debian-12-container")["images"]
        flavors = script.get("compute/v2.1/flavors/detail")["flavors"]
        (flavor,) = [one for one in flavors if one["name"] == "container.small"]
        for place in range(codes.index(code), count, len(codes)):
            name = f"script-{place}"
            script.post("compute/v2.1/os-keypairs", {"keypair": {"name": name, "public_key": SSH_KEY}})
            port = {"name": name, "network_id": network["id"], "security_groups": [group["id"]]}
            made = script.post("network/v2.0/ports", {"port": {**port, "project_id": project}})["port"]
            server = {
                "name": name, "imageRef": image["id"], "flavorRef": flavor["id"], "key_name": name,
                "networks": [{"port": made["id"]}],
            }  # fmt: skip
            booted = script.post("compute/v2.1/servers", {"server": server})["server"]
            assert script.get(f"compute/v2.1/servers/{booted['id']}")["server"]["status"] == "ACTIVE"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one_agency, codes))


def cpu() -> float:
    """Of this process and of those that it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def timed(there: Model, delay: float, act: Callable[[], object]) -> dict[str, float]:
    calls, model_cpu, busy = there.takes(delay)
    before, began = cpu(), time.monotonic()
    act()
    seconds = time.monotonic() - began
    calls_after, model_after, busy_after = there.takes(0.0)
    return {
        "seconds": seconds, "calls": calls_after - calls, "cloud_seconds": (calls_after - calls) * delay,
        "busy": busy_after - busy, "cpu": cpu() - before, "model_cpu": model_after - model_cpu,
    }  # fmt: skip


def measure(count: int, agencies: int, delay: float, cache: Path, folder: Path) -> dict[str, Any]:
    inventory = inventories.load(ROOT / "inventories/lab")
    codes = [one.code for one in inventory.agencies][:agencies]
    site = PortalSite({one.code: one for one in inventory.agencies}, inventory.catalog)
    with model() as there:
        landing_zones(inventory, codes, folder, cache, there)
        credentials = Credentials.from_environment(there.environment)
        database = PortalDatabase(f"sqlite:///{folder}/portal.sqlite", key=AUDIT_KEY)
        services = PortalServices(database, site, now)
        with database.writing() as tx:
            for code in codes:
                reservation.set_account(tx, code, PLENTY, LANDING_ZONE_USAGE, now())
        asked = timed(there, delay, lambda: ask_and_approve(services, codes, count))
        place = StackPlace(folder / "portal", cache, "", "passphrase")
        with AgencyStacks(inventory, place, credentials, MANAGER_KEY) as stacks:
            hands = CloudHands(connect(credentials), stacks, NoGuests(), "")  # type: ignore[arg-type]
            worker = Worker(database, hands, now, "benchmark")
            made = timed(there, delay, lambda: fulfil(worker, services, count))
        script = timed(there, delay, lambda: plain(there, codes, count))
    return {"requests": count, "agencies": len(codes), "delay": delay,
            "hand in and approve": asked, "provision": made, "script": script}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--agencies", type=int, default=35)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds that each call takes")
    parser.add_argument(
        "--cache", type=Path, default=Path("/var/cache/citycloud"), help="where the engine is"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fulfil-") as folder:
        told = measure(given.requests, given.agencies, given.delay, given.cache, Path(folder))
    for name in ("hand in and approve", "provision", "script"):
        row = told[name]
        print(
            f"{name:20} {row['seconds']:8.1f} s {row['calls']:7.0f} calls"
            f" {row['cloud_seconds']:8.1f} s of the cloud, busy for {row['busy']:6.1f} s"
            f" {row['cpu']:8.1f} s CPU {row['model_cpu']:8.1f} s CPU of the model"
        )
    print(f"provision / script: {told['provision']['seconds'] / told['script']['seconds']:.2f}")


if __name__ == "__main__":
    main()

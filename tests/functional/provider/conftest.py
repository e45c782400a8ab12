"""The real engine with the real provider, against a cloud in memory behind HTTP on loopback."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.credentials import Credentials
from infra.domain.plan import Finding, Plan
from infra.inventory import Inventory, load
from infra.provisioning.agency_stack import AgencyStacks, StackPlace
from infra.provisioning.stack import Stacks
from infra.provisioning.stack_result import StackProgress
from tests.fakes.openstack_server import FakeServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package warns of its own deprecated parts when it is imported
    import pulumi_openstack  # noqa: F401

ROOT = Path(__file__).resolve().parents[3]


class Open:
    """Lets everything pass: for tests of what comes after."""

    def findings(self, plans: Sequence[Plan]) -> list[Finding]:
        return []

    def admit(self, operation: str, plans: Sequence[Plan]) -> None:
        return


@dataclass(frozen=True)
class Place:
    """A deploy host's folders for one site, and the cloud that it speaks to."""

    inventory: Inventory
    site: Path
    depot: Path
    cache: Path
    server: FakeServer

    def stacks(self, listen: Callable[[StackProgress], None] = lambda progress: None) -> Stacks:
        """Stacks that nobody guards."""
        return self.guarded(on_event=listen, guard=Open())

    def guarded(self, **options: Any) -> Stacks:
        """Stacks as the commands open them."""
        credentials = Credentials.from_environment(self.server.environment())
        return Stacks(self.inventory, self.site, self.depot, self.cache, credentials, "passphrase", **options)


@pytest.fixture(scope="session")
def cache(built_depot: Path) -> Path:
    """Where the engine is kept, which is made with the depot."""
    return Path(os.environ.get("CITYCLOUD_CACHE", "/var/cache/citycloud"))


@pytest.fixture(autouse=True)
def pulumis_own_litter() -> Iterator[None]:
    """Pulumi's SDK leaves the event loops of inline programs to the collector, which warns of each."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, cache: Path, server: FakeServer) -> Place:
    inventory = load(ROOT / "inventories" / "lab")
    site, depot = tmp_path / "site", tmp_path / "depot"
    (site / "ssh").mkdir(parents=True)
    (site / "ssh" / "id_ed25519.pub").write_text("ssh-ed25519 AAAAC3Nz citycloud\n", encoding="utf-8")
    (depot / "images").mkdir(parents=True)
    files = {}
    for image in inventory.platform.images:
        data = image.name.encode() * 1000
        (depot / "images" / image.file).write_bytes(data)
        files[f"images/{image.file}"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (depot / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    return Place(inventory, site, depot, cache, server)


@pytest.fixture
def agency_with_servers(place: Place) -> str:
    return next(agency.code for agency in place.inventory.agencies if agency.servers)


@pytest.fixture
def agency(place: Place) -> str:
    """One with a landing zone and nothing in it."""
    code = next(one.code for one in place.inventory.agencies if not one.servers)
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([code])
    return code


@pytest.fixture
def worker_stacks(place: Place, agency: str, tmp_path: Path) -> Iterator[AgencyStacks]:
    where = StackPlace(tmp_path / "portal", place.cache, "", "passphrase")
    credentials = Credentials.from_environment(place.server.environment())
    with AgencyStacks(place.inventory, where, credentials, "ssh-ed25519 AAAAC3Nz worker") as stacks:
        yield stacks

"""Measures landing zones against a cloud that has processors of its own, beside the same calls in a loop: a
model in another process that takes a fixed time for each call, however many come at once.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openstack

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.portal.fulfil import Model, Open, landing_zones, model, timed  # noqa: E402
from benchmarks.zone import plain  # noqa: E402
from benchmarks.zone.measure import agencies  # noqa: E402
from infra import inventory as inventories  # noqa: E402
from infra.cloud.credentials import Credentials  # noqa: E402
from infra.provisioning.stack import Stacks  # noqa: E402


class Identity:
    """Keystone by openstacksdk, for a model that knows domains as the projects that they are."""

    def __init__(self, identity: Any) -> None:
        self._identity = identity

    def __getattr__(self, name: str) -> Any:
        return getattr(self._identity, name)

    def create_domain(self, **given: Any) -> Any:
        return self._identity.create_project(is_domain=True, **given)

    def find_domain(self, name: str) -> Any:
        return next(self._identity.projects(name=name, is_domain=True))

    def update_domain(self, domain: Any, **given: Any) -> Any:
        return self._identity.update_project(domain, **given)

    def delete_domain(self, domain: Any) -> Any:
        return self._identity.delete_project(domain)


def script(there: Model) -> Any:
    given = there.environment
    cloud = openstack.connect(
        auth_url=given["OS_AUTH_URL"], username=given["OS_USERNAME"], password=given["OS_PASSWORD"],
        user_domain_id="default", project_name="admin", project_domain_id="default",
        region_name=given["OS_REGION_NAME"],
    )  # fmt: skip
    return types.SimpleNamespace(
        identity=Identity(cloud.identity), network=cloud.network, compute=cloud.compute,
        block_storage=cloud.block_storage,
    )  # fmt: skip


def measure(count: int, delay: float, cache: Path, folder: Path) -> None:
    inventory_dir = folder / "inventory"
    shutil.copytree(ROOT / "inventories/lab", inventory_dir)
    agencies(inventory_dir, count)
    inventory = inventories.load(inventory_dir)
    head = f"{'s':>8}{'calls':>9}{'client s':>9}"
    print(" " * 28 + f"{'zone':>26}{'loop':>26}")
    print(f"{count} agencies, {delay * 1000:.0f} ms a call".ljust(28) + head * 2 + f"{'to loop':>9}")
    with model() as there:
        landing_zones(inventory, [], folder, cache, there)
        cloud, site = script(there), inventory.site

        def loop(operation: Callable[..., None]) -> dict[str, float]:
            def work() -> None:
                for number in range(count):
                    operation(cloud, site, f"plain{number:02}", number)

            return timed(there, delay, work)

        up, destroy = loop(plain.up), loop(plain.destroy)
        credentials = Credentials.from_environment(there.environment)
        places = (folder / "site", folder / "depot", cache)
        with Stacks(inventory, *places, credentials, "passphrase", guard=Open()) as stacks:
            show("from nothing", timed(there, delay, stacks.zone_up), up)
            show("no-change preview", timed(there, delay, stacks.zone_preview))
            show("no-change refresh", timed(there, delay, stacks.zone_refresh))
            show("no-change up", timed(there, delay, stacks.zone_up))
            show("destroy", timed(there, delay, stacks.zone_destroy), destroy)


def show(title: str, ours: dict[str, float], loop: dict[str, float] | None = None) -> None:
    row = f"{title:<28}"
    for one in (ours, loop):
        row += f"{one['seconds']:>8.1f}{one['calls']:>9.0f}{one['cpu']:>9.1f}" if one else " " * 26
    print(row + (f"{ours['seconds'] / loop['seconds']:>9.2f}" if loop else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agencies", type=int, default=35)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds that each call takes")
    parser.add_argument(
        "--cache", type=Path, default=Path("/var/cache/citycloud"), help="where the engine is"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zones-") as folder:
        measure(given.agencies, given.delay, given.cache, Path(folder))


if __name__ == "__main__":
    main()

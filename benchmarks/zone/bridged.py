"""The same landing zones by what engineers use today, run in the lab's network: the same program and engine,
and terraform-provider-openstack behind Pulumi's bridge (`incumbent/`).

usage: bridged.py INVENTORY EXECUTABLE {up|preview|refresh|destroy} PREFIX COUNT

As many stacks beside each other, and as many resources of one, as `citycloud zone` has; one provider serves
them all. Stacks of its own stand beside the site's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

from infra.domain.agency import Agency
from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_workspace import PulumiFiles
from infra.provisioning.site import SiteContext
from infra.provisioning.stack import PARALLEL
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_program import LANDING_ZONE, STACKS, load_stack
from infra.provisioning.stack_queue import WORKERS
from infra.provisioning.stack_run import StackRun
from tests.cloud import admin
from tests.cloud.provider.engine import Incumbent
from tests.cloud.provider.ground import credentials_of


def agencies(site: SiteContext, prefix: str, count: int) -> Iterator[Agency]:
    pattern = site.inventory.agencies[0]
    for number in range(count):
        code = f"{prefix}{number:02}"
        yield replace(pattern, code=code, network=IPv4Network(f"10.97.{number}.0/24"), servers=())


@contextmanager
def serving(inventory: str, executable: str) -> Iterator[int]:
    """The port of an incumbent that its engines find configured by its environment."""
    with Incumbent(executable, credentials_of(inventory).environment()) as incumbent:
        yield incumbent.port


def main() -> None:
    inventory, executable, operation, prefix, count = sys.argv[1:]
    site = admin.site_of(inventory)
    known = site.inventory
    engine = pulumi_engine.ensure(site.settings.cache_dir)
    files = PulumiFiles(site.paths.directory, engine, site.secrets.pulumi_passphrase)
    program = load_stack(STACKS / LANDING_ZONE).program
    key = Path(site.paths.directory / "ssh" / "id_ed25519.pub").read_text(encoding="utf-8").strip()
    sources = (str(known.site.management_network.cidr), f"{known.site.external_network.gateway}/32")
    with serving(inventory, executable) as port, ThreadPoolExecutor(WORKERS) as pool:

        def one(agency: Agency) -> None:
            stack = f"{known.site.site_name}-{agency.code}"
            run = StackRun(
                files, port, PARALLEL, LANDING_ZONE, stack, partial(program, known, agency, key, sources)
            )
            run.operate(operation, RunEvents(lambda step: None))  # type: ignore[arg-type]

        for _ in pool.map(one, [*agencies(site, prefix, int(count))]):
            pass


main()

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
from dataclasses import replace
from ipaddress import IPv4Network

from infra.domain.agency import Agency
from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_workspace import PulumiFiles
from infra.provisioning.site import SiteContext
from infra.provisioning.stack import PARALLEL
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_program import StackPrograms
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


def main() -> None:
    inventory, executable, operation, prefix, count = sys.argv[1:]
    site = admin.site_of(inventory)
    zones = [*agencies(site, prefix, int(count))]
    known = replace(site.inventory, agencies=(*site.inventory.agencies, *zones))
    programs = StackPrograms(known, site.paths.directory, site.settings.depot_dir, None)
    programs.prepare(zones=True)
    engine = pulumi_engine.ensure(site.settings.cache_dir)
    files = PulumiFiles(site.paths.directory, engine, site.secrets.pulumi_passphrase)
    environment = credentials_of(inventory).environment()
    with Incumbent(executable, environment) as incumbent, ThreadPoolExecutor(WORKERS) as pool:

        def one(zone: Agency) -> None:
            program = programs.program(zone.code)
            run = StackRun(files, incumbent.port, PARALLEL, *programs.named(zone.code), program)
            run.operate(operation, RunEvents(lambda step: None))  # type: ignore[arg-type]

        for _ in pool.map(one, zones):
            pass


main()

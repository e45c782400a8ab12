"""Meets a site's monitoring with every fault: inside the lab's network.

usage: python -m tests.cloud.monitoring.run INVENTORY [WORD...]   (faults whose name has a word)

Each fault has a stand of its own; a few run beside each other. Standard output is one JSON document: a row
for each fault in the page's order, and the problems. Progress goes to standard error.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.provisioning.site import SiteContext
from tests.cloud import admin
from tests.cloud.monitoring import service_faults, site_faults
from tests.cloud.monitoring.fault import PROJECTS, Fault, Verdict, judge
from tests.cloud.monitoring.setting import FACTOR, Ground, Setting, stand
from tests.cloud.monitoring.stand import NAME
from tests.cloud.provider.fault_proxy import FaultProxy
from tests.monitoring.rendering import render

AT_ONCE = 2
_PROJECT = f"{PROJECTS}{os.getpid()}"


class Keystone:
    """What the administrator does to Keystone while faults are tried. Openstacksdk is not for threads."""

    def __init__(self, cloud: Any) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()

    def revoke(self, token: str) -> None:
        with self._lock:
            told = self._cloud.identity.delete("/auth/tokens", headers={"X-Subject-Token": token})
            assert told.status_code in {204, 404}, told.text

    def make_project(self) -> tuple[str, str]:
        """In a domain of its own, as an agency's is."""
        with self._lock:
            domain = self._cloud.identity.create_domain(name=_PROJECT)
            project = self._cloud.identity.create_project(name=_PROJECT, domain_id=domain.id)
        return project.id, project.name

    def delete_project(self, project: str) -> None:
        with self._lock:
            self._cloud.identity.delete_project(project, ignore_missing=False)

    def sweep(self) -> None:
        """Leave nothing behind."""
        with self._lock:
            domain = self._cloud.identity.find_domain(_PROJECT)
            if domain is not None:
                self._cloud.identity.update_domain(domain, is_enabled=False)
                self._cloud.identity.delete_domain(domain)


def catalogue(keystone: Keystone) -> list[Fault]:
    """In the order of the page."""
    return [
        service_faults.keystone_down(),
        service_faults.started_without_keystone(),
        service_faults.placement_slow(),
        service_faults.placement_hangs(),
        service_faults.nova_fails(),
        service_faults.project_deleted(keystone.make_project, keystone.delete_project),
        service_faults.token_revoked(keystone.revoke),
        site_faults.names_unresolved(),
        site_faults.prometheus_restarted(),
        site_faults.clock_jumps(),
        service_faults.nova_fails(hours=1),
        site_faults.exporters_restarted(),
        site_faults.exporters_gone(),
        site_faults.hypervisor_lost(),
    ]


def ground(site: SiteContext, cloud: Any, folder: Path) -> Ground:
    """What there is: read once, for all stands."""
    projects = {project.id for project in cloud.identity.projects() if project.domain_id != "default"}
    guests = {}
    for server in cloud.compute.servers(all_projects=True):
        ports = [port for ports in server.addresses.values() for port in ports]
        floating = [port["addr"] for port in ports if port.get("OS-EXT-IPS:type") == "floating"]
        if server.project_id in projects and server.status == "ACTIVE" and floating:
            guests[server.id] = (floating[0], server.hypervisor_hostname)
    catalog = cloud.session.auth.get_access(cloud.session).service_catalog.catalog
    services = {
        service["type"]: urlsplit(endpoint["url"]).netloc
        for service in catalog for endpoint in service["endpoints"] if endpoint["interface"] == "public"
    }  # fmt: skip
    render(folder, monitoring_scrape_seconds=2, monitoring_group_wait_seconds=1)
    hosts = {host.name: str(host.address) for host in site.inventory.hypervisors()}
    return Ground(hosts, guests, services, folder)


@contextmanager
def working_folder() -> Iterator[Path]:
    """Kept where KEEP says, to look at logs by hand."""
    kept = os.environ.get("CITYCLOUD_FAULTS_FOLDER")
    if kept:
        Path(kept).mkdir(parents=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="faults-") as made:
        yield Path(made)


def main() -> None:
    inventory, *words = sys.argv[1:]
    site = admin.site_of(inventory)
    cloud = admin.connect(site)
    keystone = Keystone(admin.connect(site))
    chosen = [
        fault for fault in catalogue(keystone) if not words or any(word in fault.name for word in words)
    ]
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} {line}\n")
        sys.stderr.flush()

    with (
        working_folder() as folder,
        FaultProxy(site.identity_url, str(site.paths.ca_certificate), name=NAME) as proxy,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        (folder / "rendered").mkdir()
        there = ground(site, cloud, folder / "rendered")
        try:
            verdicts = [*pool.map(trier(site, proxy, there, folder, say), range(len(chosen)), chosen)]
        finally:
            keystone.sweep()
    json.dump(
        {
            "factor": FACTOR,
            "rows": [dataclasses.asdict(verdict) for verdict in verdicts],
            "problems": [f"{one.title}: {problem}" for one in verdicts for problem in one.problems],
            "seconds": round(time.monotonic() - began),
        },
        sys.stdout, indent=1,
    )  # fmt: skip


def trier(
    site: SiteContext, proxy: FaultProxy, there: Ground, folder: Path, say: Callable[[str], None]
) -> Callable[[int, Fault], Verdict]:
    def tried(number: int, fault: Fault) -> Verdict:
        lane = proxy.lane(f"stand{number}")
        lane.recall_seconds = fault.recall_seconds
        lane.direct = re.escape(there.services[fault.direct]) if fault.direct else lane.direct
        say(f"{fault.name}: begins")
        try:
            setting = Setting(
                site,
                lane,
                there,
                folder / fault.name,
                fault.shifted,
                fault.intervals,
                fault.without,
                fault.factor,
            )
            with stand(setting) as made:
                say(f"{fault.name}: is calm")
                verdict = judge(fault, made)
        except AssertionError as failed:
            verdict = Verdict(fault.title, problems=[str(failed)])
        say(f"{fault.name}: {'; '.join(verdict.problems) or 'as it has to be'} ({verdict.seconds:.0f} s)")
        return verdict

    return tried


if __name__ == "__main__":
    main()

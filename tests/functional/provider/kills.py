"""A small, complete stack, killed at every boundary between an API call and the engine's journal.

With one operation at a time the engine writes its journal, the provider calls the cloud, the engine writes
its journal. So the boundaries are: before the cloud hears call k (the journal says "begun"), after its effect
and before its answer, and after its answer (before the journal says "done"). A call that only reads has no
effect, so it has the first of them alone. Each is met once with kill -9 of the engine and once of the
provider; the next run must end where an undisturbed one ends.

usage: python -m tests.functional.provider.kills FOLDER CACHE

A process of its own: programs that were killed leave event loops behind. Standard output is one JSON
document: how many writes and kills there were, and what was wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi import automation

from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_workspace import PulumiFiles
from tests.cloud.provider.fault_proxy import Aim, Call, FaultProxy, Lane
from tests.fakes.openstack_server import FakeServer
from tests.functional.provider.content import content
from tests.functional.provider.nursery import ForkedProvider, open_nursery

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the package warns of its own deprecated parts when it is imported
    import pulumi_openstack as openstack

PROJECT, STACK = "landing_zone", "small"
PATIENCE = "3,60,0.01,0.02"
SIDE_BY_SIDE = 4
MOMENTS = ("before the cloud hears it", "after its effect", "after its answer")
Place = tuple[int, str, str]
"""Number of the call, moment, victim."""
VICTIMS = ("engine", "provider")
_ANY = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def program() -> None:
    project = openstack.identity.Project("project", name="small")
    tenant = {"tenant_id": project.id}
    network = openstack.networking.Network("network", name="small", **tenant)
    subnet = openstack.networking.Subnet(
        "subnet", name="small", network_id=network.id, cidr="10.9.0.0/24", **tenant
    )
    router = openstack.networking.Router("router", name="small", **tenant)
    openstack.networking.RouterInterface("interface", router_id=router.id, subnet_id=subnet.id)
    group = openstack.networking.SecGroup("group", name="small", **tenant)
    openstack.networking.SecGroupRule(
        "rule", security_group_id=group.id, direction="ingress", ethertype="IPv4", protocol="tcp",
        port_range_min=443, port_range_max=443, remote_ip_prefix="10.0.0.0/8", **tenant,
    )  # fmt: skip
    server = openstack.compute.Instance(
        "server", name="small", flavor_id="flavor", image_id="image", networks=[{"uuid": network.id}],
        opts=pulumi.ResourceOptions(depends_on=[subnet]),
    )  # fmt: skip
    volume = openstack.blockstorage.Volume("volume", name="small", size=1)
    openstack.compute.VolumeAttach("attach", instance_id=server.id, volume_id=volume.id)


@dataclass
class Bed:
    """A stack, a cloud and a proxy of its own, for one kill."""

    server: FakeServer
    proxy: FaultProxy
    files: PulumiFiles
    folder: Path

    @property
    def lane(self) -> Lane:
        return self.proxy.lane("run")

    @contextmanager
    def provider(self) -> Iterator[ForkedProvider]:
        least = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        environ = {**least, **self.server.environment(), "OS_AUTH_URL": self.lane.auth_url}
        running = ForkedProvider(PATIENCE, environ)
        try:
            yield running
        finally:
            running.close()

    def up(self, provider: ForkedProvider) -> dict[str, int]:
        """What a run does; the changes by kind."""
        attached = {"PULUMI_DEBUG_PROVIDERS": f"openstack:{provider.port}"}
        stack = self.files.open(PROJECT, STACK, program, attached)
        self.files.forget_pending_operations(PROJECT, STACK, stack)
        changes: dict[str, int] = {}

        def heard(event: automation.EngineEvent) -> None:
            if event.summary_event:
                changes.update(
                    {str(kind): count for kind, count in event.summary_event.resource_changes.items()}
                )

        stack.up(on_event=heard, parallel=1, suppress_outputs=True)
        return changes

    def engine(self) -> int:
        """The process of the engine that works on this stack."""
        mark = f"file://{self.folder}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "comm").read_text().strip() == "pulumi" and mark in (
                    folder / "environ"
                ).read_bytes():
                    return int(folder.name)
            except OSError:
                continue
        raise AssertionError("no engine runs on this stack")


@contextmanager
def bed(template: Path, folder: Path, cache: Path) -> Iterator[Bed]:
    shutil.copytree(template, folder, symlinks=True)
    engine = pulumi_engine.on_path() or pulumi_engine.place(cache)
    with FakeServer() as server:
        fake = server.fake
        fake.kind("images")["image"] = {"id": "image", "name": "image", "status": "active", "tags": []}
        fake.kind("flavors")["flavor"] = {
            "id": "flavor", "name": "flavor", "vcpus": 1, "ram": 128, "disk": 1, "extra_specs": {}
        }  # fmt: skip
        with FaultProxy(server.auth_url) as proxy:
            yield Bed(server, proxy, PulumiFiles(folder, engine, "passphrase"), folder)
    shutil.rmtree(folder)


def cut_off(bed: Bed, number: int, moment: str, victim: str) -> None:
    """Run until call `number`, and kill the victim then."""
    dead = threading.Event()

    def kill() -> None:
        if not dead.is_set():
            dead.set()
            os.kill(provider.pid if victim == "provider" else bed.engine(), signal.SIGKILL)

    def answered(call: Call) -> None:
        if len(bed.lane.calls) >= number and moment == MOMENTS[2]:
            kill()

    with bed.provider() as provider:
        bed.lane.after = answered
        held = "held before the effect" if moment == MOMENTS[0] else "held after the effect"
        aim = Aim(held, number, methods=_ANY)
        if moment != MOMENTS[2]:
            bed.lane.arm(aim)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(bed.up, provider)
            while not (aim.held.is_set() or dead.is_set() or run.done()):
                time.sleep(0.005)
            if aim.held.is_set():
                kill()
                if victim == "engine":
                    time.sleep(0.05)
            ended = run.exception()
    assert aim.held.is_set() or dead.is_set(), f"the run ended before it was killed: {ended or 'it was done'}"
    assert ended is not None, "the run outlived its kill"
    bed.lane.disarm()
    bed.lane.after = lambda call: None


def problem_of(one: Bed, place: Place, calls: int, wanted: Counter[str]) -> str:
    """What is wrong after a kill and the next run, "" for nothing."""
    number, moment, victim = place
    where = f"call {number} of {calls}, {moment}, kill of the {victim}"
    try:
        cut_off(one, number, moment, victim)
        where = f"{where} ({one.lane.calls[number - 1].method} {one.lane.calls[number - 1].path})"
        with one.provider() as provider:
            one.up(provider)
            found = content(one.server.fake)
            if found != wanted:
                return f"{where}: doubled {found - wanted}, lost {wanted - found}"
            again = one.up(provider)
            return "" if again.keys() == {"same"} else f"{where}: the run after it would {again}"
    except (automation.CommandError, AssertionError) as failed:
        return f"{where}: {failed}"[:3000]


def main() -> None:
    folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
    open_nursery(__spec__.name)
    template = folder / "template"
    engine = pulumi_engine.on_path() or pulumi_engine.place(cache)
    PulumiFiles(template, engine, "passphrase").open(PROJECT, STACK, program, {})
    with bed(template, folder / "calm", cache) as calm, calm.provider() as provider:
        changes = calm.up(provider)
        calls = [*calm.lane.calls]
        wanted = content(calm.server.fake)
        assert calm.up(provider) == {"same": changes["create"]}

    def killed(place: Place) -> str:
        with bed(template, folder / f"{place[0]}-{MOMENTS.index(place[1])}-{place[2]}", cache) as one:
            return problem_of(one, place, len(calls), wanted)

    places = [
        (number, moment, victim)
        for number, call in enumerate(calls, 1)
        for moment in (MOMENTS if call.writes else MOMENTS[:1])
        for victim in VICTIMS
    ]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        problems = [problem for problem in pool.map(killed, places) if problem]
    writes = sum(call.writes for call in calls)
    json.dump({"writes": writes, "kills": len(places), "problems": problems}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

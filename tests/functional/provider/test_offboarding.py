"""An agency's off-boarding with the real engine and provider, against a cloud in memory behind HTTP."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.connection import connect
from infra.cloud.credentials import Credentials
from infra.cloud.image_data import CloudImageData
from infra.cloud.waiting import Deadline
from infra.domain.offboarding import Plan
from infra.domain.operator import Approval
from infra.provisioning import certificates, record
from infra.provisioning.confirmation import PlanRefused
from infra.provisioning.offboarded import AgencyOffboarded, leave_out, readmit
from infra.provisioning.offboarding import Asked, Offboarding
from infra.provisioning.offboarding_case import Case, CaseFiles
from infra.provisioning.offboarding_steps import Means
from infra.provisioning.offboarding_zone import ConfirmedDestroy, StackZone
from tests.fakes.openstack_disks import DiskOpenStack
from tests.functional.provider.conftest import Place

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
NOW = dt.datetime.now(dt.UTC)
AUTHORITY = certificates.make_authority("lab", NOW)


@pytest.fixture
def place(place: Place) -> Place:
    place.server.fake = DiskOpenStack()
    return place


def approve(plan: Plan) -> Approval:
    return Approval(plan.digest, "an", "binh", NOW.isoformat(timespec="seconds"), "signature")


def off_board(place: Place, agency: str, **changed: Any) -> Case:
    cloud = connect(Credentials.from_environment(place.server.environment()))
    zone = StackZone(lambda: place.guarded(guard=ConfirmedDestroy(agency)), agency)
    city = {"vi": place.inventory.city.name_vi, "en": place.inventory.city.name_en}
    given: dict[str, Any] = {
        "cloud": cloud, "data": CloudImageData(cloud), "zone": zone, "confirm": approve, "site": "lab",
        "notary": record.SiteNotary("lab", city, AUTHORITY, lambda: NOW), "say": lambda sentence: None,
        "deadline": lambda: Deadline(60, pause=lambda seconds: time.sleep(0.01)),
    }  # fmt: skip
    asked = Asked(agency, place.site / "exports", "an")
    means = Means(**{**given, **changed})
    return Offboarding(means, CaseFiles(place.site), asked, lambda progress: None).run()


def furnish(place: Place, agency: str) -> dict[str, bytes]:
    """What the agency's people have made by hand; the bytes of its disks by their kind and id."""
    fake = place.server.fake
    assert isinstance(fake, DiskOpenStack)
    projects = fake.kind("projects").values()
    project = next(one["id"] for one in projects if one["name"] == agency and not one.get("is_domain"))
    mine = {"project_id": project, "tenant_id": project, "description": "by hand", "tags": []}
    fake.kind("floatingips")["f"] = {"id": "f", "floating_ip_address": "172.30.2.99", "port_id": None, **mine}
    group = next(x["id"] for x in fake.kind("security-groups").values() if x["project_id"] == project)
    rule = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", **mine}
    fake.kind("security-group-rules")["r"] = {"id": "r", **rule}
    volume, image = fake.make_volume("data", project), fake.make_image("theirs", project, b"image" * 9000)
    servers = [one["id"] for one in fake.kind("servers").values() if one["project_id"] == project]
    for server in servers:
        fake.bytes_of[server] = server.encode() * 999
    fake.attach(servers[0], volume, "/dev/vdb")
    disks = {f"volume/{volume}": volume, f"image/{image}": image, **{f"server/{one}": one for one in servers}}
    return {key: fake.bytes_of[one] for key, one in disks.items()}


def test_on_boarding_is_one_entry_and_off_boarding_leaves_what_was_before(
    place: Place, agency_with_servers: str
) -> None:
    fake, agency = place.server.fake, agency_with_servers
    with place.stacks() as stacks:
        stacks.platform_up()
        before = fake.residue()
        stacks.zone_up([agency])
    disks = furnish(place, agency)
    case = off_board(place, agency)
    assert case.outcome == "removed"
    assert fake.residue() == before
    with place.stacks() as stacks:
        assert stacks.zones() == []
    for key, data in disks.items():
        assert (Path(case.folder) / case.files[key]["path"]).read_bytes() == data
    checked = record.check(Path(case.folder), AUTHORITY.certificate)
    assert (checked.agency, checked.confirmed_by, checked.absent) == (agency, "binh", ())

    with pytest.raises(AgencyOffboarded):
        leave_out(place.site, [agency], named=True)
    readmit(place.site, agency)
    with place.stacks() as stacks:
        stacks.zone_up([agency])
        stacks.zone_destroy([agency])
    assert fake.residue() == before


def test_an_off_boarding_may_destroy_no_other_agencys_stack(place: Place, agency_with_servers: str) -> None:
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([agency_with_servers])
    with (
        place.guarded(guard=ConfirmedDestroy("another")) as stacks,
        pytest.raises(PlanRefused, match="may not run"),
    ):
        stacks.zone_destroy([agency_with_servers])


def test_an_agency_whose_stack_is_gone_is_off_boarded_through_the_apis(
    place: Place, agency_with_servers: str
) -> None:
    fake, agency = place.server.fake, agency_with_servers
    with place.stacks() as stacks:
        stacks.platform_up()
        before = fake.residue()
        stacks.zone_up([agency])
    furnish(place, agency)

    class NoStack:
        def owned(self) -> set[str]:
            return set()

        def destroy(self) -> None:
            raise AssertionError("there is none")

    assert off_board(place, agency, zone=NoStack()).outcome == "removed"
    assert fake.residue() == before


@pytest.mark.parametrize("moment", ["export", "snapshot", "transfer", "destroy"])
def test_an_off_boarding_killed_with_its_engine_is_finished_by_the_next(
    place: Place, agency_with_servers: str, moment: str
) -> None:
    """SIGKILL to the whole process group, engine and provider included, at the first call of a kind."""
    fake, agency = place.server.fake, agency_with_servers
    with place.stacks() as stacks:
        stacks.platform_up()
        before = fake.residue()
        stacks.zone_up([agency])
    disks = furnish(place, agency)
    begun = {
        "export": "/users",
        "snapshot": "/snapshots",
        "transfer": "/file",
        "destroy": "remove_router_interface",
    }
    module = "tests.functional.provider.run_offboarding"
    command = [sys.executable, "-W", "ignore", "-m", module, str(place.site),
               str(place.depot), str(place.cache), agency]  # fmt: skip
    fake.delay = 0.01
    start = len(fake.calls)
    environment = {**os.environ, **place.server.environment()}
    run = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not any(path.endswith(begun[moment]) for _, _, path in fake.calls[start:]) and run.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    time.sleep(0.3)  # calls that the cloud had already heard
    fake.delay = 0.0

    case = off_board(place, agency)
    assert fake.residue() == before
    for key, data in disks.items():
        assert (Path(case.folder) / case.files[key]["path"]).read_bytes() == data
    assert record.check(Path(case.folder), AUTHORITY.certificate).absent == ()

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from infra.provider.mark import mark_in
from infra.provisioning import state_backend
from infra.provisioning.stack import AgencyUnknown
from infra.provisioning.stack_result import PlatformMissing, StackFailure, StackProgress, StacksFailed
from tests.functional.provider.conftest import ROOT, Place
from tests.functional.provider.content import content

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def test_a_landing_zone_goes_up_is_seen_and_leaves_nothing_behind(
    place: Place, agency_with_servers: str
) -> None:
    fake, agency = place.server.fake, agency_with_servers
    heard: list[StackProgress] = []
    with place.stacks(heard.append) as stacks:
        with pytest.raises(PlatformMissing):
            stacks.zone_up([agency])
        assert stacks.platform_preview().changes["create"] == stacks.platform_up().changes["create"]
        before = fake.residue()

        (preview,) = stacks.zone_preview([agency])
        assert stacks.zones() == []
        (up,) = stacks.zone_up([agency])
        assert up.changes == preview.changes
        spec = next(one for one in place.inventory.agencies if one.code == agency)
        assert [server.name for server in up.servers] == [server.name for server in spec.servers]
        assert all(server.fixed_ip.startswith("10.64.") and server.requested_at for server in up.servers)
        assert all(server.floating_ip.startswith("172.30.2.") for server in up.servers)
        projects = {
            one["id"]
            for one in fake.kind("projects").values()
            if one["name"] == agency and not one.get("is_domain")
        }
        assert {server["project_id"] for server in fake.kind("servers").values()} == projects

        (skipped,) = stacks.zone_up([agency])
        assert skipped.skipped
        assert skipped.servers == up.servers
        (forced,) = stacks.zone_up([agency], force=True)
        assert (forced.changed, forced.skipped, forced.servers) == (0, False, up.servers)
        assert stacks.zone_refresh([agency])[0].changed == 0

        stacks.zone_destroy([agency])
        assert fake.residue() == before
        assert stacks.zones() == []
        stacks.platform_destroy()
    assert fake.residue() == {}
    # One token of the provider for the city and one for the agency's servers, one of ours for the refresh.
    assert place.server.logins <= 3
    assert {progress.kind for progress in heard} >= {"started", "step", "finished", "skipped"}


def test_drift_is_found_and_mended(place: Place) -> None:
    fake, agency = place.server.fake, place.inventory.agencies[0].code
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([agency])
        network = next(one for one in fake.kind("networks").values() if one["name"] == agency)
        network["name"] = "renamed by hand"
        rule = next(
            one for one in fake.kind("security-group-rules").values() if one["direction"] == "ingress"
        )
        del fake.kind("security-group-rules")[rule["id"]]

        (found,) = stacks.zone_refresh([agency])
        assert {step.op for step in found.steps} == {"update", "delete"}
        (mended,) = stacks.zone_up([agency])
        assert not mended.skipped
        assert (mended.changes["update"], mended.changes["create"]) == (1, 1)
        assert network["name"] == agency


@pytest.mark.parametrize("attempt", range(2))
def test_a_run_killed_anywhere_is_finished_by_the_next_and_nothing_is_doubled(
    place: Place, agency_with_servers: str, attempt: int
) -> None:
    fake = place.server.fake
    seed = random.randrange(10**6)
    moment = random.Random(seed).randrange(20, 70)  # calls of the cloud after which the run is killed
    print(f"seed {seed}: killed after {moment} calls")
    fake.delay = 0.02
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("run_zones.py")), str(ROOT),
               str(place.site), str(place.depot), str(place.cache), agency_with_servers]  # fmt: skip
    environment = {**os.environ, **place.server.environment()}
    run = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(fake.calls) < moment and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    time.sleep(0.3)  # calls that the cloud had already heard
    fake.delay = 0.0

    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([agency_with_servers])
        for kind in ("networks", "subnets", "routers", "security-groups", "ports", "floatingips"):
            marks = Counter(mark_in(one.get("description", "")) for one in fake.kind(kind).values())
            assert all(count == 1 for mark, count in marks.items() if mark), (kind, marks)
        names = Counter(server["name"] for server in fake.kind("servers").values())
        assert set(names.values()) == {1}
        assert stacks.zone_up([agency_with_servers], force=True)[0].changed == 0
        stacks.zone_destroy()
        stacks.platform_destroy()
    assert fake.residue() == {}


def test_a_state_that_was_cut_off_is_put_back_and_what_was_made_since_is_adopted(place: Place) -> None:
    fake, site = place.server.fake, place.inventory.site.site_name
    with place.stacks() as stacks:
        stacks.platform_up()
        made = content(fake)
        checkpoint = place.site / "pulumi" / "state" / ".pulumi" / "stacks" / "platform" / f"{site}.json"
        assert not [*checkpoint.parent.glob("*.attrs")]
        checkpoint.with_name(f"{site}.json.attrs").touch()  # of an engine that still wrote them
        assert stacks.platform_up(force=True).changed == 0
        checkpoint.with_name(f"{site}.json.attrs").touch()
        older = json.loads(checkpoint.read_text(encoding="utf-8"))
        lost = older["checkpoint"]["latest"]["resources"].pop()
        checkpoint.with_name(f"{site}.json.bak").write_text(json.dumps(older), encoding="utf-8")
        os.truncate(checkpoint, 0)
        assert stacks.platform_up(force=True).changes["create"] == 1, lost["urn"]
        assert content(fake) == made
        assert stacks.platform_up(force=True).changed == 0


def test_one_agency_that_fails_does_not_stop_the_others_and_is_told_with_its_reason(place: Place) -> None:
    fake = place.server.fake
    first, second = (agency.code for agency in place.inventory.agencies[:2])
    with place.stacks() as stacks:
        stacks.platform_up()
        fake.fail("POST", "/routers$", 409, "Quota exceeded for resources: ['router'].")
        with pytest.raises(StacksFailed, match="Quota exceeded") as failed:
            stacks.zone_up([first, second])
        (failure,) = failed.value.failures
        assert isinstance(failure, StackFailure)
        assert "[quota_reached]" in failure.reason
        assert "Traceback" not in failure.reason
        assert len(failed.value.results) == 1
        assert [result.skipped for result in stacks.zone_up([first, second])].count(True) == 1
        with pytest.raises(AgencyUnknown, match="nobody"):
            stacks.zone_up(["nobody"])


def test_a_wrong_password_is_said_plainly(place: Place) -> None:
    wrong = {**place.server.environment(), "OS_PASSWORD": "wrong"}
    place.server.environment = lambda: wrong  # type: ignore[method-assign]
    with place.stacks() as stacks, pytest.raises(StacksFailed, match="requires authentication"):
        stacks.platform_up()


def test_no_password_is_in_anything_that_is_kept(place: Place, agency_with_servers: str) -> None:
    secret = "a-password-that-is-easy-to-find"
    place.server.password = secret
    with place.stacks() as stacks:
        stacks.platform_up()
        stacks.zone_up([agency_with_servers])
    kept = [file for file in place.site.rglob("*") if file.is_file() and not file.is_symlink()]
    assert kept
    assert not [file for file in kept if secret.encode() in file.read_bytes()]


def test_a_stack_is_begun_without_the_engine_and_a_run_that_was_cut_off_there_goes_on(place: Place) -> None:
    first, second = (agency.code for agency in place.inventory.agencies[:2])
    pulumi, site = place.site / "pulumi", place.inventory.site.site_name
    with place.stacks() as stacks:
        stacks.platform_up()
        (up,) = stacks.zone_up([first])
        salted = (pulumi / "projects" / "platform" / f"Pulumi.{site}.yaml").read_text(encoding="utf-8")
        assert (pulumi / "projects/landing_zone" / f"Pulumi.{up.stack}.yaml").read_text() == salted
        state = json.loads((pulumi / "state/.pulumi/stacks/landing_zone" / f"{up.stack}.json").read_text())
        kept_by = state["checkpoint"]["latest"]["secrets_providers"]
        assert kept_by == {"type": "passphrase", "state": {"salt": salted.split(maxsplit=1)[1].strip()}}

        cut = up.stack.replace(first, second)
        (pulumi / "projects/landing_zone" / f"Pulumi.{cut}.yaml").write_text(salted, encoding="utf-8")
        state_backend.FileBackend(pulumi / "state").begin("landing_zone", cut)
        (preview,) = stacks.zone_preview([second])
        assert preview.changes == up.changes
        assert stacks.zone_up([second])[0].changes == up.changes
        assert len(stacks.zone_destroy()) == 2


def test_the_lock_of_a_dead_engine_is_broken_and_that_of_a_living_one_is_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_backend, "LOCK_PATIENCE_SECONDS", 0.5)
    site = place.inventory.site.site_name
    with place.stacks() as stacks:
        stacks.platform_up()
        folder = place.site / "pulumi" / "state" / ".pulumi" / "locks" / "organization" / "platform" / site
        folder.mkdir(parents=True, exist_ok=True)
        host = os.uname().nodename
        dead = subprocess.Popen(["true"])
        dead.wait()
        (folder / "dead.json").write_text(json.dumps({"pid": dead.pid, "hostname": host}), encoding="utf-8")
        assert stacks.platform_up(force=True).changed == 0
        engine = place.site / "pulumi" / "engine" / "bin" / "pulumi"
        living = subprocess.Popen([engine, "login", "--interactive"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={**os.environ, "HOME": str(place.site)})  # fmt: skip
        living.send_signal(signal.SIGSTOP)
        try:
            lock = {"pid": living.pid, "hostname": host, "timestamp": "now"}
            (folder / "living.json").write_text(json.dumps(lock), encoding="utf-8")
            with pytest.raises(StacksFailed, match=f"locked by process {living.pid}"):
                stacks.platform_up(force=True)
            assert (folder / "living.json").exists()
        finally:
            living.kill()
            living.communicate()
        assert stacks.platform_up(force=True).changed == 0

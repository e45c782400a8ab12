"""The self-service portal on the real cloud: a clerk asks in a browser, an approver decides, the worker
makes, and the clerk enters the server with the key that was shown once.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from infra.hosts.keys import write_whole
from tests.cloud.conftest import Site
from tests.cloud.portal_kills import VICTIMS

AGENCY = "sonv"
PEOPLE = {"member": ("hoa", "member"), "colleague": ("lan", "member"), "approver": ("binh", "approver")}
"""Name and role."""


def drift(site: Site) -> dict[str, Any]:
    return dict(site.ok("zone", "drift", AGENCY, "--output", "json").json["report"])


@pytest.fixture(scope="module")
def walked(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the walk through the whole path told."""
    folder = tmp_path_factory.mktemp("portal")
    people: dict[str, Any] = {"portal": f"https://{site.variables['api_name']}"}
    for who, (name, role) in PEOPLE.items():
        made = site.ok("people", "add", AGENCY, name, "--role", role, "--output", "json").json
        people[who] = {"agency": AGENCY, "name": name, "password": made["password"]}
    file = folder / "people.json"
    write_whole(file, json.dumps(people).encode(), 0o600)
    before, orphans = site.holdings(AGENCY), drift(site)["orphans"]
    told: dict[str, Any] = json.loads(
        site.script("tests.cloud.portal_walk", str(file), str(folder), timeout=1800)
    )
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    return {**told, "held before": before, "orphans before": orphans, "folder": folder}


def test_a_clerk_asks_in_a_browser_and_ends_in_the_server(walked: dict[str, Any]) -> None:
    assert walked["state"] == "fulfilled", walked["page"]
    assert walked["ssh"].splitlines()[0] == "debian"
    assert walked["ssh"].splitlines()[-1] == "1"  # the web server's first page


def test_every_phase_is_told_with_its_times(walked: dict[str, Any]) -> None:
    steps = walked["deployment"]["steps"]
    assert [one["state"] for one in steps] == ["done"] * len(steps)
    assert all(one["started"] and one["ended"] for one in steps)


def test_a_container_has_no_screen_and_its_page_says_so(walked: dict[str, Any]) -> None:
    assert "A container has no screen" in walked["screen"]


def test_what_is_given_back_leaves_nothing(walked: dict[str, Any], site: Site) -> None:
    assert walked["given_back"] == "retired"
    assert site.holdings(AGENCY) == walked["held before"]


@pytest.fixture(scope="module")
def lived(walked: dict[str, Any], site: Site) -> dict[str, dict[str, Any]]:
    """What was found in a virtual machine at each step of its life."""
    told: dict[str, dict[str, Any]] = json.loads(
        site.script("tests.cloud.portal_life", str(walked["folder"]), timeout=3600)
    )
    return told


def test_a_machine_keeps_what_it_holds_through_every_change(lived: dict[str, dict[str, Any]]) -> None:
    found = {
        step: (told["cores"], told["system"], told["volume"])
        for step, told in lived.items()
        if "cores" in told
    }
    assert found == {
        "made": ("1", "first", "none"),
        "larger": ("2", "first", "none"),
        "larger volume": ("2", "first", "data"),
        "rebuild": ("2", "none", "data"),
        "revert": ("2", "first", "data"),
        "started": ("2", "first", "data"),
    }, lived
    sizes = [int(lived[step]["volume_mib"]) // 512 for step in ("made", "larger", "larger volume", "rebuild")]
    assert sizes == [0, 1, 3, 3]  # a file system is a little smaller than its volume


def test_every_step_of_a_machines_life_ends_as_it_should(lived: dict[str, dict[str, Any]]) -> None:
    assert {step: told["state"] for step, told in lived.items() if "state" in told} == {
        "made": "fulfilled", "larger": "fulfilled", "larger volume": "fulfilled",
        "snapshot": "ready", "rebuild": "done", "revert": "done",
        "stop": "SHUTOFF", "start": "ACTIVE", "given back": "retired",
    }, lived  # fmt: skip


def test_its_screen_opens_in_the_owners_browser(lived: dict[str, dict[str, Any]]) -> None:
    assert lived["screen"]["told"].startswith("Connected")


@pytest.fixture(scope="module")
def killed(walked: dict[str, Any], site: Site) -> list[dict[str, Any]]:
    """A row for each request while whose making something was killed."""
    told = site.script("tests.cloud.portal_kills", str(walked["folder"]), timeout=3600)
    rows: list[dict[str, Any]] = json.loads(told)
    return rows


def test_whatever_is_killed_every_request_ends_and_nothing_is_left(
    killed: list[dict[str, Any]], walked: dict[str, Any], site: Site
) -> None:
    assert {one["victim"]: one["state"] for one in killed} == dict.fromkeys(VICTIMS, "fulfilled")
    assert [one["given back"] for one in killed] == [["retired"]] * len(VICTIMS)
    assert site.holdings(AGENCY) == walked["held before"]


@pytest.mark.usefixtures("killed")
def test_the_audit_chain_is_whole_and_tells_of_it(site: Site) -> None:
    told = site.on("ctl1", "citycloud-portal", "audit", "verify", "--output", "json")
    assert json.loads(told)["records"] > 10


def test_a_backup_of_the_portal_can_be_restored(site: Site) -> None:
    folder = "/var/lib/citycloud-portal"
    script = (
        f"set -eu; citycloud-portal backup --to {folder}/backup.gz;"
        f" citycloud-portal restore --from {folder}/backup.gz --into sqlite:///{folder}/restored.sqlite;"
        f" rm {folder}/backup.gz {folder}/restored.sqlite*"
    )
    site.on("ctl1", script)


@pytest.mark.usefixtures("killed")
def test_what_the_portal_made_is_no_drift(walked: dict[str, Any], site: Site) -> None:
    report = drift(site)
    found = {stack["agency"]: stack["findings"] for stack in report["stacks"]}
    assert found[AGENCY] == []
    assert report["orphans"] == walked["orphans before"]

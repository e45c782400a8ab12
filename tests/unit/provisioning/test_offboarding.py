from __future__ import annotations

import datetime as dt
import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from infra.domain.estate import Estate, HeldByLaw
from infra.domain.offboarding import OffboardingOver, Waiver
from infra.errors import InfraError
from infra.provisioning.offboarding_disks import DisksInTheWay
from infra.provisioning.record import tell
from tests.fakes.openstack_disks import Killed
from tests.unit.provisioning.offboarding_place import AGENCY, AgencyPlace


@pytest.fixture(autouse=True)
def no_waiting_for_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def place(tmp_path: Path) -> AgencyPlace:
    return AgencyPlace(tmp_path)


def test_an_off_boarded_agency_leaves_nothing_and_its_data_is_in_the_folder(place: AgencyPlace) -> None:
    before = {
        place.ids[name]: place.fake.bytes_of[place.ids[name]]
        for name in ("data", "loose", "root", "image", "web")
    }
    case = place.off_board()
    assert (case.outcome, case.step) == ("removed", None)
    assert place.left() == {}
    assert [image["name"] for image in place.fake.kind("images").values()] == ["debian-12"]
    for kind, name in (
        ("volume", "data"),
        ("volume", "loose"),
        ("volume", "root"),
        ("image", "image"),
        ("server", "web"),
    ):
        assert place.exported(kind, name) == before[place.ids[name]]
    assert case.given_up == {"server/db-1": "holds no bytes of its own"}
    assert case.proof["left"] == []
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS", "--quiet"], cwd=case.folder, check=False)
    assert done.returncode == 0


def test_the_metadata_is_that_of_the_running_agency_and_the_bytes_are_of_the_frozen_one(
    place: AgencyPlace,
) -> None:
    place.off_board()
    assert {one["name"]: one["status"] for one in place.told("server")} == {"web": "ACTIVE", "db": "SHUTOFF"}
    calls = [f"{method} {path}" for _, method, path in place.fake.calls]
    stopped = next(i for i, call in enumerate(calls) if call == "POST /servers/web-1/action")
    disabled = next(i for i, call in enumerate(calls) if call == f"PATCH /projects/{place.ids['project']}")
    first_snapshot = calls.index("POST /snapshots")
    assert disabled < stopped < first_snapshot


def test_nothing_is_changed_before_a_second_person_has_confirmed(place: AgencyPlace) -> None:
    def refuse(plan: object) -> None:
        raise InfraError("nobody confirmed")

    before = place.fake.residue()
    with pytest.raises(InfraError, match="nobody confirmed"):
        place.off_board(confirm=refuse)
    assert place.fake.residue() == before
    assert {method for _, method, _ in place.fake.calls[-40:]} == {"GET"}
    assert place.case().step == "confirmation"
    place.off_board()
    assert place.left() == {}


def test_what_comes_between_inventory_and_freeze_has_to_be_confirmed_anew(place: AgencyPlace) -> None:
    def late(plan: object) -> object:
        if len(place.plans) == 0:
            place.ids["late"] = place.fake.make_volume("late", place.ids["project"])
        return place.approve(plan)  # type: ignore[arg-type]

    case = place.off_board(confirm=late)
    assert len(place.plans) == 2
    assert place.plans[0].digest != place.plans[1].digest
    assert "volume/" + place.ids["late"] in case.files


THEIRS = {"requests": 2, "deployments": 1, "tokens": 1, "sessions": 3, "people": 4, "accounts": 1}
DISKS = {"data": "volume", "loose": "volume", "root": "volume", "image": "image", "web": "server"}


def finish(place: AgencyPlace, killed: str) -> None:
    """The next run goes to the same end as one that was never killed."""
    data = {name: place.fake.bytes_of[place.ids[name]] for name in DISKS}
    place.fake.kill_at = 0
    case = place.off_board()
    assert (case.outcome, place.left()) == ("removed", {}), killed
    assert [image["name"] for image in place.fake.kind("images").values()] == ["debian-12"], killed
    assert {name: place.exported(kind, name) for name, kind in DISKS.items()} == data, killed
    assert not [*Path(case.folder).rglob("*.part")], killed
    assert len(place.plans) <= 2, killed
    assert place.portal.has == Estate(closed=True), killed
    assert case.portal == THEIRS, killed


@pytest.mark.parametrize("after", [False, True])
def test_a_run_killed_at_any_call_that_writes_is_finished_by_the_next(tmp_path: Path, after: bool) -> None:
    whole = AgencyPlace(tmp_path / "whole")
    before = whole.fake.writes
    whole.off_board()
    writes = whole.fake.writes - before
    assert writes > 40
    for number in range(1, writes + 1):
        place = AgencyPlace(tmp_path / f"{after}-{number}")
        place.fake.kill_at, place.fake.kill_after = place.fake.writes + number, after
        with pytest.raises(Killed):
            place.off_board()
        finish(place, f"killed at call {number}")


def test_a_run_killed_between_any_two_pieces_of_a_disk_goes_on_with_the_next_piece(tmp_path: Path) -> None:
    whole = AgencyPlace(tmp_path / "whole")
    whole.off_board()
    pieces = whole.data.pieces
    assert pieces > 20
    for number in range(1, pieces + 1):
        place = AgencyPlace(tmp_path / str(number))
        place.data.kill_at = number
        with pytest.raises(Killed):
            place.off_board()
        finish(place, f"killed at piece {number}")
        assert place.data.pieces <= pieces + 1


def test_a_run_killed_at_any_write_to_disk_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.provisioning import export, offboarding_case

    real, count, die_at = offboarding_case.replace_file, 0, 0

    def replace_file(path: Path, parts: list[bytes]) -> None:
        nonlocal count
        count += 1
        if count == die_at:
            raise Killed
        real(path, parts)
        if count == -die_at:
            raise Killed

    for module in (offboarding_case, export):
        monkeypatch.setattr(module, "replace_file", replace_file)
    AgencyPlace(tmp_path / "whole").off_board()
    writes = count
    assert writes > 30
    for sign in (1, -1):
        for number in range(1, writes + 1):
            place = AgencyPlace(tmp_path / f"{sign}-{number}")
            count, die_at = 0, sign * number
            with pytest.raises(Killed):
                place.off_board()
            die_at = 0
            finish(place, f"killed at write {sign * number}")


def test_nothing_is_deleted_when_a_file_of_the_export_is_damaged(place: AgencyPlace) -> None:
    class Damaging(type(place.data)):  # type: ignore[misc]
        def chunks(self, identity: str, start: int = 0):  # type: ignore[no-untyped-def]
            for chunk in super().chunks(identity, start):
                yield chunk.replace(b"w", b"v") if b"disk of web" in chunk else chunk

    with pytest.raises(InfraError, match="Glance keeps"):
        place.off_board(data=Damaging(place.fake))
    assert place.case().step == "transfer"
    assert "web-1" in place.fake.kind("servers")
    place.off_board()
    assert place.left() == {}


def test_a_file_that_rots_before_the_check_stops_the_deletion(place: AgencyPlace) -> None:
    from infra.provisioning.offboarding_steps import Steps

    def rot(self: Steps) -> None:
        real(self)
        file = Path(place.case().folder) / place.case().files[f"volume/{place.ids['loose']}"]["path"]
        file.write_bytes(file.read_bytes()[:-1] + b"?")

    real, Steps._transfer = Steps._transfer, rot  # type: ignore[method-assign]
    try:
        with pytest.raises(InfraError, match="not as they were written"):
            place.off_board()
    finally:
        Steps._transfer = real  # type: ignore[method-assign]
    assert set(place.fake.kind("servers")) == {"web-1", "db-1"}


def test_a_stream_that_breaks_goes_on_where_it_was(place: AgencyPlace) -> None:
    place.data.cuts = [10_000, 5_000]
    place.off_board()
    assert 10_000 in place.data.starts
    assert 15_000 in place.data.starts
    assert place.left() == {}


def test_a_disk_that_the_cloud_cannot_copy_stops_it_until_it_is_given_up_with_a_reason(
    place: AgencyPlace,
) -> None:
    place.fake.hidden_failure = "web-1"
    with pytest.raises(InfraError, match="--without web-1=REASON"):
        place.off_board()
    assert "web-1" in place.fake.kind("servers")
    case = place.off_board(Waiver("web-1", "the agency has its own copy"))
    assert len(place.plans) == 2, "giving up more has to be confirmed anew"
    assert case.given_up["server/web-1"] == "the agency has its own copy"
    assert place.left() == {}


@pytest.mark.parametrize(
    ("kind", "name", "change", "why"),
    [
        ("volumes", "data", {"encrypted": True}, "encrypted"),
        ("volumes", "data", {"status": "error"}, "cannot be read"),
        ("servers", "web", {"flavor": {"ephemeral": 5}}, "ephemeral"),
        ("servers", "web", {"status": "SHELVED_OFFLOADED"}, "its image is not there"),
        ("servers", "web", {"status": "ERROR"}, "no snapshot can be made"),
        ("images", "image", {"status": "saving"}, "not all there"),
    ],
)
def test_what_no_api_can_export_is_said_before_anything_is_changed(
    place: AgencyPlace, kind: str, name: str, change: dict[str, object], why: str
) -> None:
    place.fake.kind(kind)[place.ids[name]].update(change)
    place.fake.kind("images")[place.ids["image"]].setdefault("status", "active")
    with pytest.raises(DisksInTheWay, match=why):
        place.off_board()
    assert place.plans == []


def test_a_waiver_that_names_nothing_is_refused(place: AgencyPlace) -> None:
    with pytest.raises(DisksInTheWay, match="names no server, volume or image"):
        place.off_board(Waiver("nothing", "a reason"))


def test_an_off_boarding_that_is_called_off_gives_everything_back(place: AgencyPlace) -> None:
    place.fake.hidden_failure = "web-1"
    with pytest.raises(InfraError, match="did not make an image"):
        place.off_board()
    assert not place.fake.kind("projects")[place.ids["project"]]["enabled"]
    case = place.offboarding().call_off()
    assert case.outcome == "called off"
    assert place.fake.kind("projects")[place.ids["project"]]["enabled"]
    assert place.fake.kind("users")[place.ids["user"]]["enabled"]
    assert place.fake.kind("servers")["web-1"]["status"] == "ACTIVE"
    assert place.fake.kind("servers")["db-1"]["status"] == "SHUTOFF"
    assert place.fake.kind("volumes")[place.ids["data"]]["attachments"] == [
        {"server_id": "web-1", "device": "/dev/vdb"}
    ]
    assert place.fake.kind("snapshots") == {}
    assert place.files.find(AGENCY) is None


def test_it_cannot_be_called_off_once_things_may_be_gone(place: AgencyPlace) -> None:
    place.fake.fail("DELETE", "/servers/web-1$", 500)
    with pytest.raises(InfraError):
        place.off_board()
    assert place.case().step == "delete"
    with pytest.raises(OffboardingOver, match="finish it"):
        place.offboarding().call_off()


def test_what_is_left_at_the_proof_is_removed_by_the_same_run_and_proved_again(place: AgencyPlace) -> None:
    from infra.provisioning.residue import Residue

    real = Residue.prove
    seen: list[str] = []

    def prove(self: Residue, now: float) -> object:
        if not seen:
            place.fake.make_volume("late", place.ids["project"])
        event = real(self, now)
        seen.append(event)
        return event

    Residue.prove = prove  # type: ignore[method-assign,assignment]
    try:
        place.off_board()
    finally:
        Residue.prove = real  # type: ignore[method-assign]
    assert seen == ["changed", "done"]
    assert place.left() == {}


def test_a_finished_off_boarding_that_is_run_again_changes_nothing(place: AgencyPlace) -> None:
    case = place.off_board()
    calls = len(place.fake.calls)
    assert place.off_board() == case
    assert len(place.fake.calls) == calls


def test_the_limits_of_the_administrators_project_are_as_before(place: AgencyPlace) -> None:
    place.fake.quotas["volume", place.fake.project_id] = {"snapshots": 0, "gigabytes": 0}
    place.off_board()
    assert place.fake.quotas["volume", place.fake.project_id] == {"snapshots": 0, "gigabytes": 0}


def test_other_agencies_things_are_never_touched(place: AgencyPlace) -> None:
    place.off_board()
    assert [one["name"] for one in place.fake.kind("volumes").values()] == ["others"]


def test_the_checksums_are_those_of_the_bytes(place: AgencyPlace) -> None:
    case = place.off_board()
    for file in case.files.values():
        data = (Path(case.folder) / file["path"]).read_bytes()
        assert (file["sha256"], file["size"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_the_portal_is_closed_before_the_freeze_and_ends_all_after_the_deletion(place: AgencyPlace) -> None:
    case = place.off_board()
    calls = [f"{method} {path}" for _, method, path in place.fake.calls]
    frozen = calls.index(f"PATCH /projects/{place.ids['project']}")
    deleted = max(index for index, call in enumerate(calls) if call.startswith("DELETE /projects"))
    assert calls.index("POST /close") < frozen < deleted < calls.index("POST /end")
    assert [line for line in place.plans[0].lines if line.startswith("in the portal")] == [
        f"in the portal, to be ended: {count} {kind}" for kind, count in THEIRS.items()
    ]
    assert case.portal == THEIRS
    assert case.proof["portal"] == {"closed": True, "left": {}}


def test_what_the_portal_has_is_part_of_what_is_confirmed(tmp_path: Path) -> None:
    digests = set()
    for requests in (2, 3):
        place = AgencyPlace(tmp_path / str(requests))
        place.portal.has = replace(place.portal.has, requests=requests)
        digests.add((place.off_board().id, place.plans[0].digest))
    assert len({digest for _, digest in digests}) == 2


def test_a_deployment_on_legal_hold_stops_it_before_anything_is_changed(place: AgencyPlace) -> None:
    place.portal.has = replace(place.portal.has, on_hold=("web-1",))
    with pytest.raises(HeldByLaw, match="web-1 of so-yt may not be removed"):
        place.off_board()
    assert (place.plans, place.portal.asked) == ([], [])
    place.portal.has = replace(place.portal.has, on_hold=())
    assert place.off_board().outcome == "removed"


def test_a_legal_hold_that_is_set_meanwhile_stops_it_before_the_deletion(place: AgencyPlace) -> None:
    place.portal.close = lambda agency: setattr(  # type: ignore[method-assign]
        place.portal, "has", replace(place.portal.has, closed=True, on_hold=("web-1",))
    )
    with pytest.raises(HeldByLaw):
        place.off_board()
    assert place.case().step == "check"
    assert set(place.fake.kind("servers")) == {"web-1", "db-1"}


def test_an_agency_that_the_portal_still_lets_in_is_not_proved_gone(place: AgencyPlace) -> None:
    end, seen = place.portal.end, []

    def half(agency: str) -> None:
        end(agency)
        if not seen:
            place.portal.has = Estate(sessions=1)
        seen.append(agency)

    place.portal.end = half  # type: ignore[method-assign]
    assert place.off_board().proof["portal"] == {"closed": True, "left": {}}
    assert len(seen) == 2


def test_one_that_is_called_off_lets_people_into_the_portal_again(place: AgencyPlace) -> None:
    place.fake.hidden_failure = "web-1"
    with pytest.raises(InfraError, match="did not make an image"):
        place.off_board()
    assert place.portal.has.closed
    place.offboarding().call_off()
    assert place.portal.asked == ["close", "reopen"]
    assert place.portal.has.deployments == 1


def test_a_site_without_a_portal_has_nothing_of_it_in_its_record(place: AgencyPlace) -> None:
    case = place.off_board(portal=None)
    assert (case.portal, "portal" in case.proof, place.portal.asked) == ({}, False, [])
    told = tell(case, "lab", {}, dt.datetime.now(dt.UTC))
    assert {"close", "end"}.isdisjoint(one["step"] for one in told["steps"])

"""`citycloud request|approve|deployment` over real HTTP, against the portal on the real services."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.cli import portal_client, request
from infra.cli.main import run
from infra.domain.session import Scope
from infra.domain.words import Words
from infra.portal import live
from tests.functional.portal.portal import served
from tests.functional.portal.real import SCREEN, RealStand
from tests.functional.store.tables import portal_database
from tests.monitoring.sinks import eventually

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"
DRAFT = f"""\
purpose: Trang tiếp nhận hồ sơ trực tuyến
legal_basis: 12/QĐ-UBND
end: 2027-03-31
items:
  - item: plain-server
    values: {{size: vm.small, volume_gib: 2, public_address: true, ssh_key: "{SSH_KEY}"}}
"""


@dataclass
class Desk:
    """People at their terminals: each call is a command line of one person; what it printed is kept."""

    stand: RealStand
    address: str
    folder: Path
    capsys: pytest.CaptureFixture[str]
    code: int = 0
    out: str = ""
    err: str = ""

    def token_file(self, person: str, *scopes: Scope) -> Path:
        file = self.folder / f"token-{person}"
        file.touch(0o600)
        file.write_text(self.stand.token(person, *scopes) + "\n")
        return file

    def says(self, person: str, *words: str, code: int = 0) -> str:
        """A command line; standard output. Its exit code has to be `code`."""
        token = ("--token-file", str(self.token_file(person)))
        self.capsys.readouterr()
        self.code = run([*words, "--portal", self.address, *token, "--language", "en"])
        self.out, self.err = self.capsys.readouterr()
        assert self.code == code, f"{words}: {self.code}\n{self.out}\n{self.err}"
        return self.out

    def told(self, person: str, *words: str, code: int = 0) -> Any:
        """As `says`, as JSON."""
        return json.loads(self.says(person, *words, "--output", "json", code=code))

    def draft(self, text: str = DRAFT) -> str:
        file = self.folder / "request.yaml"
        file.write_text(text, encoding="utf-8")
        return str(file)

    def asked(self, person: str = "hoa") -> str:
        """The number of a new request."""
        found = self.told(person, "request", "submit", "--file", self.draft())
        return str(found["summary"]["number"])

    def decided(self, number: str, verdict: str = "approve", reason: str = "Đúng kế hoạch") -> None:
        version = str(self.told("binh", "approve", "show", number)["request"]["version"])
        self.says("binh", "approve", verdict, number, "--version", version, "--reason", reason)

    def made(self) -> str:
        """The name of a new deployment that is active."""
        self.decided(self.asked())
        self.stand.work()
        return str(self.told("hoa", "deployment", "list")["items"][0]["name"])


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with portal_database(tmp_path) as database:
        stand = RealStand(database, own=True)
        with served(stand.app) as address:
            yield Desk(stand, address, tmp_path, capsys)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)


def test_a_clerk_asks_an_approver_signs_and_the_clerk_uses_and_gives_back(desk: Desk) -> None:
    said = desk.says("hoa", "request", "submit", "--file", desk.draft())
    number = said.split()[0]
    assert number.startswith("YC-2026-")
    assert "Waiting for approval" in said
    assert number in desk.says("binh", "approve", "list")
    desk.decided(number)
    assert "Approved" in desk.says("hoa", "request", "show", number)
    desk.stand.work()
    found = desk.told("hoa", "request", "show", number)
    assert found["summary"]["state"] == "fulfilled"
    name = desk.told("hoa", "deployment", "list")["items"][0]["name"]
    shown = desk.says("hoa", "deployment", "show", name)
    assert "ssh debian@192.0.2.7" in shown
    assert "192.0.2.7" in shown
    for action, state in (("stop", "off"), ("start", "on"), ("reboot", "on")):
        after = desk.told("hoa", "deployment", action, name)
        assert ("start" in after["may"]) == (state == "off"), action
    assert desk.told("hoa", "deployment", "retire", name, "--yes")["summary"]["state"] == "retiring"


def test_a_deployment_is_changed_by_a_request_that_is_signed(desk: Desk) -> None:
    name = desk.made()
    shown = desk.says("hoa", "deployment", "show", name)
    assert "volume_gib (requested)" in shown
    change = ("deployment", "change", name, "--set", "volume_gib=5", "--set", "public_address=false")
    looked = desk.says("hoa", *change, "--purpose", "Thêm chỗ cho hồ sơ", "--check")
    assert "50,000" in looked
    said = desk.says("hoa", *change, "--purpose", "Thêm chỗ cho hồ sơ")
    number = said.split()[0]
    assert f"Change of {name}" in said
    assert "2 GiB → 5 GiB" in desk.says("binh", "approve", "show", number)
    desk.says("hoa", *change, "--purpose", "Thêm chỗ cho hồ sơ", code=3)
    assert "changes this deployment already" in desk.err
    desk.decided(number)
    desk.stand.work()
    found = desk.told("hoa", "deployment", "show", name)
    assert (found["values"]["volume_gib"], found["values"]["public_address"]) == ("5", "false")


def test_a_change_that_is_wrong_is_told_by_its_field_and_changes_nothing(desk: Desk) -> None:
    name = desk.made()
    for more in ((), ("--check",)):
        words = ("--set", "volume_gib=1", "--purpose", "Thêm chỗ cho hồ sơ", *more)
        desk.says("hoa", "deployment", "change", name, *words, code=3)
        assert "volume_gib = 1: It only grows: it is 2 GiB now" in desk.err
    desk.says("hoa", "deployment", "change", name, "--set", "volume_gib", code=2)
    assert "write NAME=VALUE" in desk.err
    assert desk.told("hoa", "deployment", "show", name)["changed_by"] == ""


def test_what_the_approver_weighs_is_shown(desk: Desk) -> None:
    number = desk.asked()
    said = desk.says("binh", "approve", "show", number)
    for fact in (
        "Quota",
        "Left",
        "Cost of 30 days",
        "₫",
        "Policy",
        "The cloud would hold",
        "Automatic approval",
    ):
        assert fact in said, fact
    assert f"approve {number}" not in said
    assert f"citycloud approve approve|reject|return {number} --version 1" in said
    desk.asked()
    facts = desk.told("binh", "approve", "show", number)["facts"]
    assert {"quota", "capacity", "costs", "policies", "similar", "shadow", "change"} == set(facts)
    assert len(facts["similar"]) == 1
    assert "Similar requests" in desk.says("binh", "approve", "show", number)


@pytest.mark.parametrize(("verdict", "state"), [("reject", "rejected"), ("return", "returned")])
def test_a_refusal_has_its_reason_and_a_returned_request_comes_again(
    desk: Desk, verdict: str, state: str
) -> None:
    number = desk.asked()
    desk.decided(number, verdict, "Thiếu số hồ sơ")
    found = desk.told("hoa", "request", "show", number)
    assert found["summary"]["state"] == state
    assert "Thiếu số hồ sơ" in desk.says("hoa", "request", "show", number)
    again = ("request", "submit", "--file", desk.draft(), "--again", number)
    if state == "returned":
        assert desk.told("hoa", *again)["summary"]["state"] == "submitted"
    else:
        desk.says("hoa", *again, code=3)


def test_who_asked_cannot_sign_and_another_agency_sees_nothing(desk: Desk) -> None:
    number = desk.asked()
    decide = ("approve", "approve", number, "--version", "1")
    assert desk.told("hoa", *decide, code=3)["error"]["code"] == "not_allowed"
    assert desk.told("mai", "request", "show", number, code=3)["error"]["code"] == "not_found"
    assert desk.told("mai", "request", "list")["items"] == []
    assert "nothing found" in desk.says("mai", "request", "list")


def test_one_decides_on_what_one_has_read(desk: Desk) -> None:
    number = desk.asked()
    desk.says("binh", "approve", "approve", number, code=2)
    error = desk.told("binh", "approve", "approve", number, "--version", "7", code=3)["error"]
    assert error["code"] == "conflict"
    assert "look again" in error["message"]


def test_every_wrong_field_is_named_as_in_the_file(desk: Desk) -> None:
    wrong = (
        "purpose: ngắn\nitems:\n  - item: plain-server\n    values: {size: huge, volume_gib: 900, speed: 1}\n"
    )
    file = desk.draft(wrong)
    for more in ((), ("--check",)):
        error = desk.told("hoa", "request", "submit", "--file", file, *more, code=3)["error"]
        found = {one["key"]: one["value"] for one in error["problems"]}
        assert found == {
            "purpose": "ngắn", "items[0].values.size": "huge", "items[0].values.volume_gib": "900",
            "items[0].values.speed": "1", "items[0].values.ssh_key": "",
        }  # fmt: skip
        assert {one["file"] for one in error["problems"]} == {file}
    desk.says("hoa", "request", "submit", "--file", file, code=3)
    assert f"{file}: items[0].values.size = huge" in desk.err
    unknown = desk.told("hoa", "request", "submit", "--file", desk.draft(DRAFT + "agencies: x\n"), code=3)
    assert [one["key"] for one in unknown["error"]["problems"]] == ["agencies"]


@pytest.mark.parametrize("text", ["", "- a\n", "items: [", "\x01", "items: {a: &x [*x]}\n"])
def test_a_file_that_holds_no_request_is_refused(desk: Desk, text: str) -> None:
    error = desk.told("hoa", "request", "submit", "--file", desk.draft(text), code=3)["error"]
    assert error["code"] == "input_refused"
    assert error["problems"]


def test_a_check_hands_in_nothing_and_says_what_it_takes(desk: Desk) -> None:
    said = desk.says("hoa", "request", "submit", "--check", "--file", desk.draft())
    assert "This takes" in said
    assert "Total" in said
    assert desk.told("hoa", "request", "list")["items"] == []


def test_the_catalog_says_what_a_file_may_hold(desk: Desk) -> None:
    assert "plain-server" in desk.says("hoa", "request", "catalog")
    said = desk.says("hoa", "request", "catalog", "plain-server")
    assert "[container.small] | container.medium" in said
    assert "integer 1..20 ?" in said
    desk.says("hoa", "request", "catalog", "nothing", code=2)


def test_a_list_follows_its_pages_up_to_its_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_client, "LARGEST_PAGE", 2)
    modest = DRAFT.replace("public_address: true", "public_address: false")
    for _ in range(5):
        desk.says("hoa", "request", "submit", "--file", desk.draft(modest))
    numbers = [f"YC-2026-{number:06}" for number in range(1, 6)]
    found = desk.told("hoa", "request", "list", "--limit", "4")
    assert [one["number"] for one in found["items"]] == numbers[:0:-1]
    assert found["more"] is True
    assert "raise --limit" in desk.says("hoa", "request", "list", "--limit", "4")
    whole = desk.told("hoa", "request", "list", "--limit", "5")
    assert (len(whole["items"]), whole["more"]) == (5, False)
    assert desk.told("hoa", "request", "show", numbers[0])["summary"]["number"] == numbers[0]
    assert desk.told("hoa", "request", "show", "YC-2026-999999", code=3)["error"]["code"] == "not_found"


def test_withdraw_and_retry_say_where_the_request_is_now(desk: Desk) -> None:
    number = desk.asked()
    assert "Withdrawn" in desk.says("hoa", "request", "withdraw", number)
    desk.says("hoa", "request", "withdraw", number, code=3)
    failed = desk.asked()
    desk.decided(failed)
    desk.stand.work(Words("hết chỗ", "no room"))
    assert "no room" in desk.says("hoa", "request", "show", failed)
    assert desk.told("hoa", "request", "retry", failed)["summary"]["state"] == "approved"


@pytest.mark.usefixtures("quick")
def test_watch_tells_each_phase_until_the_request_is_fulfilled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, looks, services = desk.asked(), list[str](), desk.stand.services
    look = services.request

    def noted(*given: Any) -> Any:
        """What the stream sees each time that it looks."""
        found = look(*given)
        looks.append(found.summary.state)
        return found

    monkeypatch.setattr(services, "request", noted)

    def others() -> None:
        """Each goes on when the stream has told of what was before."""
        binh = desk.stand.people["binh"]
        id_ = services.requests(binh).items[0].id
        eventually(lambda: looks.count("submitted") > 3, "the stream's first looks", 30, every=0.01)
        services.decide(binh, id_, "approve", "", 1, "")
        eventually(lambda: looks.count("approved") > 3, "looks at what was approved", 30, every=0.01)
        desk.stand.work()

    beside = threading.Thread(target=others)
    beside.start()
    found = desk.told("hoa", "request", "watch", number)
    beside.join()
    assert found["summary"]["state"] == "fulfilled"
    lines = desk.err.splitlines()
    assert [line for line in lines if "Handed in" in line and "Finished" in line]
    assert [line for line in lines if "The agency approves" in line and "In progress" in line]
    assert [line for line in lines if "The agency approves" in line and "Finished" in line]
    assert "Ready for use" in lines[-1]
    assert len(set(lines)) == len(lines)


@pytest.mark.usefixtures("quick")
def test_watch_ends_with_5_where_nothing_was_made(desk: Desk) -> None:
    number = desk.asked()
    desk.decided(number)
    desk.stand.work(Words("hết chỗ", "no room"))
    assert "no room" in desk.says("hoa", "request", "watch", number, code=5)


def test_renewal_legal_hold_and_a_question_before_deleting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = desk.made()
    assert desk.told("hoa", "deployment", "renew", name, code=3)["error"]["code"] == "conflict"
    desk.stand.now += timedelta(days=110)
    before = desk.told("hoa", "deployment", "show", name)["summary"]["expires"]
    assert desk.told("hoa", "deployment", "renew", name)["summary"]["expires"] > before
    desk.says("hoa", "deployment", "hold", name, code=3)
    assert desk.told("dung", "deployment", "hold", name)["legal_hold"] is True
    assert desk.told("hoa", "deployment", "retire", name, "--yes", code=3)["error"]["code"] == "conflict"
    assert desk.told("dung", "deployment", "unhold", name)["legal_hold"] is False
    for answer in ("n\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        desk.says("hoa", "deployment", "retire", name, code=5)
        assert "all data in it" in desk.err
    assert desk.told("hoa", "deployment", "show", name)["summary"]["state"] == "active"


def test_people_read_their_own_language(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.asked()
    words = ["request", "list", "--portal", desk.address, "--token-file", str(desk.token_file("hoa"))]
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert run(words) == 0
    assert "Chờ phê duyệt" in desk.capsys.readouterr().out
    assert run([*words, "--agency", "khac"]) == 0
    assert "không có gì" in desk.capsys.readouterr().out


def test_settings_come_from_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYCLOUD_PORTAL", desk.address + "/")
    monkeypatch.setenv("CITYCLOUD_PORTAL_TOKEN_FILE", str(desk.token_file("hoa")))
    assert run(["request", "list"]) == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_token_that_others_can_read_is_not_used(desk: Desk, mode: int) -> None:
    file = desk.token_file("hoa")
    file.chmod(mode)
    words = ["request", "list", "--portal", desk.address, "--token-file", str(file)]
    assert run(words) == 3
    assert f"chmod 600 {file}" in desk.capsys.readouterr().err


def test_no_token_an_empty_one_and_a_revoked_one_say_what_to_do(desk: Desk) -> None:
    assert run(["request", "list", "--portal", desk.address]) == 3
    assert "CITYCLOUD_PORTAL_TOKEN_FILE" in desk.capsys.readouterr().err
    file = desk.token_file("hoa")
    for text, said in (("", "holds no token"), ("a b", "holds no token"), ("cityc_gone", "make a new one")):
        file.write_text(text)
        assert run(["request", "list", "--portal", desk.address, "--token-file", str(file)]) == 3
        assert said in desk.capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["", "portal.city.vn", "http://portal.city.vn", "https://a:b@portal.city.vn", "ftp://x"]
)
def test_a_token_goes_over_https_only(desk: Desk, address: str) -> None:
    words = ["request", "list", "--portal", address, "--token-file", str(desk.token_file("hoa"))]
    assert run(words) == 3
    assert "https" in desk.capsys.readouterr().err


def test_a_token_of_another_scope_is_refused_with_the_scope_that_is_needed(desk: Desk) -> None:
    file = desk.token_file("hoa", Scope.READ)
    words = ["request", "submit", "--file", desk.draft(), "--portal", desk.address, "--token-file", str(file)]
    assert run(words) == 3
    assert "scope request" in desk.capsys.readouterr().err


@pytest.mark.usefixtures("quick")
def test_a_portal_that_is_away_and_one_that_is_none(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["request", "list", "--token-file", str(desk.token_file("hoa")), "--portal"]
    assert run([*words, f"http://127.0.0.1:{port}"]) == 6
    assert "check --portal" in desk.capsys.readouterr().err
    with unlucky(desk.address, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (other, _):
        assert run([*words, other]) == 6
    assert "no portal" in desk.capsys.readouterr().err


BEHIND_IT_NOTHING = b"HTTP/1.1 503 No server\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("answer", [b"", BEHIND_IT_NOTHING], ids=["none", "the load balancer's"])
def test_a_call_whose_answer_is_lost_is_sent_again_and_does_its_work_once(desk: Desk, answer: bytes) -> None:
    token = ("--token-file", str(desk.token_file("hoa")), "--output", "json")
    with unlucky(desk.address, lambda number: answer if number in (0, 1) else None) as (address, keys):
        assert run(["request", "submit", "--file", desk.draft(), "--portal", address, *token]) == 0
    assert json.loads(desk.capsys.readouterr().out)["summary"]["state"] == "submitted"
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert len(desk.told("hoa", "request", "list")["items"]) == 1


@pytest.mark.usefixtures("quick")
def test_who_never_hears_the_answer_is_told_the_key_that_makes_a_repeat_harmless(desk: Desk) -> None:
    words = ["request", "submit", "--file", desk.draft(), "--token-file", str(desk.token_file("hoa"))]
    with unlucky(desk.address, lambda _: b"") as (address, keys):
        assert run([*words, "--portal", address]) == 6
    assert f"--key {keys[0]}" in desk.capsys.readouterr().err
    assert run([*words, "--portal", desk.address, "--key", keys[0]]) == 0
    assert len(desk.told("hoa", "request", "list")["items"]) == 1


def test_what_somebody_entered_cannot_drive_the_terminal(desk: Desk) -> None:
    text = 'purpose: "Trang tin\\ttên [red]miền[/red] của quận"\n' + DRAFT.partition("\n")[2]
    desk.says("hoa", "request", "submit", "--file", desk.draft(text))
    said = desk.says("hoa", "request", "show", desk.told("hoa", "request", "list")["items"][0]["number"])
    assert "[red]miền[/red]" in said
    assert request.plain("a\x1b[31mb").plain == "a\N{REPLACEMENT CHARACTER}[31mb"


@contextmanager
def unlucky(
    address: str, instead: Callable[[int], bytes | None]
) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    """A way to the portal that hands every request on; `instead` says by the number of a change what comes
    back in place of the answer: b"" for a connection that ends, None for the answer. The idempotency keys
    that went by.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    keys: list[str] = []
    port = int(address.rpartition(":")[2])

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                asked = client.recv(65536)
                head, _, body = asked.partition(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
                while len(body) < int(fields.get(b"content-length", b"0")):
                    more = client.recv(65536)
                    body, asked = body + more, asked + more
                own = [line for line in head.split(b"\r\n") if line.lower().startswith(b"idempotency-key")]
                keys.extend(line.split(b": ")[1].decode() for line in own)
                server.sendall(asked.replace(b"Connection: keep-alive", b"Connection: close"))
                answer = b""
                while part := server.recv(65536):
                    answer += part
                said = instead(len(keys) - 1) if own or instead(99) else None
                client.sendall(answer if said is None else said)

    runner = threading.Thread(target=serve, daemon=True)
    runner.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", keys
    listener.close()


def test_a_server_is_opened_kept_and_made_new(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    name = desk.made()
    desk.says("hoa", "deployment", "open", name, "--service", "postgresql", "--from", "agency")
    refused = ("deployment", "open", name, "--service", "ssh", "--from", "everybody")
    desk.says("hoa", *refused, code=3)
    assert "VPN" in desk.err
    said = desk.says("hoa", "deployment", "reach", name)
    assert "PostgreSQL database from my agency's network" in said
    assert "postgresql:agency" in said
    desk.says("hoa", "deployment", "close", name, "postgresql:agency")
    assert [one["given"] for one in desk.told("hoa", "deployment", "reach", name)] == [True]

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    desk.says("hoa", "deployment", "rebuild", name, code=5)
    assert "is lost" in desk.err
    assert desk.told("hoa", "deployment", "show", name)["upkeep"]["rebuild"] is None
    desk.says("hoa", "deployment", "snapshot", name, "Trước khi nâng cấp")
    assert "Trước khi nâng cấp" in desk.says("hoa", "deployment", "snapshots", name)
    assert desk.told("hoa", "deployment", "rebuild", name, "--yes", code=3)["error"]["code"] == "conflict"
    desk.says("hoa", "deployment", "revert", name, "none such", "--yes", code=3)


def test_a_server_is_handed_on_within_its_agency_alone_and_its_console_is_read(desk: Desk) -> None:
    name = desk.made()
    refused = desk.told("hoa", "deployment", "transfer", name, "mai", code=3)
    assert refused["error"]["code"] == "input_refused"
    assert "joined to no cloud" in desk.says("hoa", "deployment", "console-log", name)
    told = [what["en"] for _, what in desk.told("hoa", "deployment", "show", name)["events"]]
    assert told[0] == f"Read the console of {name}"


def test_the_address_of_a_screen_is_printed_whole_and_recorded_without_it(desk: Desk) -> None:
    name = desk.made()
    address = SCREEN.format("server-1")
    assert desk.says("hoa", "deployment", "console", name) == f"{address}\n"
    assert desk.told("hoa", "deployment", "console", name)["url"] == address
    told = [what["en"] for _, what in desk.told("hoa", "deployment", "show", name)["events"]]
    assert told[:2] == [f"Opened the screen of {name}"] * 2
    desk.says("hoa", "deployment", "stop", name)
    desk.says("hoa", "deployment", "console", name, code=3)
    assert "start it first" in desk.err

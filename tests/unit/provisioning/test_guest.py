"""Guests are reached with a host key that is compared, pinned and remembered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from infra.cloud.errors import Refused, Unavailable
from infra.hosts import ssh
from infra.provisioning.guest import (
    CONSOLE,
    FIRST_USE,
    FORMER,
    Guest,
    GuestKeyMismatch,
    GuestRoll,
    printed_keys,
)
from infra.provisioning.guest_watch import GuestWatch
from infra.settings import SitePaths

KEY = "ssh-ed25519 AAAAgood"
PRINTED = f"boot\n-----BEGIN SSH HOST KEY KEYS-----\n{KEY} root@web\n-----END SSH HOST KEY KEYS-----\nlogin:"
WEB = Guest("sotttt", "web", "debian", "id-1", "active", "172.30.2.60", "10.64.1.5", "hv2", created=1000.0)


@dataclass
class FakeCompute:
    output: str = PRINTED
    error: Exception | None = None
    found: list[Guest] = field(default_factory=lambda: [WEB])

    def guests(self) -> list[Guest]:
        if self.error is not None:
            raise self.error
        return self.found

    def console(self, server_id: str) -> str:
        if self.error is not None:
            raise self.error
        return self.output


@dataclass
class Network:
    """What guests offer and whether they let us in."""

    offered: str | None = KEY
    refusal: Exception | None = None
    log_ins: list[ssh.Target] = field(default_factory=list)

    def scan(self, address: str) -> str | None:
        return self.offered

    def log_in(self, target: ssh.Target) -> None:
        self.log_ins.append(target)
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def compute() -> FakeCompute:
    return FakeCompute()


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def roll(tmp_path: Path, compute: FakeCompute, network: Network) -> GuestRoll:
    return GuestRoll(SitePaths(tmp_path), compute, network.scan, network.log_in, clock=lambda: 1012.34)


def test_a_guest_that_answers_is_reached_with_its_users_name_and_the_sites_key(
    roll: GuestRoll, network: Network, tmp_path: Path
) -> None:
    record = roll.reach(WEB, watched=True)
    assert record is not None
    assert (record.ssh_seconds, record.watched, record.key_source) == (12.3, True, CONSOLE)
    target = network.log_ins[0]
    assert (target.address, target.user, target.key) == (
        "172.30.2.60",
        "debian",
        tmp_path / "ssh" / "id_ed25519",
    )
    assert target.known_hosts.read_text() == f"172.30.2.60 {KEY}\n"


def test_the_first_contact_is_remembered(roll: GuestRoll, network: Network) -> None:
    first = roll.reach(WEB, watched=True)
    network.offered = None
    assert roll.reach(WEB, watched=False) == first
    assert roll.record(WEB) == first


def test_a_guest_that_does_not_answer_yet_is_not_reached(roll: GuestRoll, network: Network) -> None:
    network.offered = None
    assert roll.reach(WEB, watched=True) is None
    assert network.log_ins == []


@pytest.mark.parametrize(
    "refusal", [ssh.HostUnreachable("x"), ssh.LoginRefused("x"), ssh.CommandTimedOut("x")]
)
def test_a_guest_that_is_still_starting_is_not_reached(
    roll: GuestRoll, network: Network, refusal: Exception
) -> None:
    network.refusal = refusal
    assert roll.reach(WEB, watched=True) is None
    assert roll.record(WEB) is None


def test_a_key_that_the_guest_has_not_printed_is_refused(roll: GuestRoll, network: Network) -> None:
    network.offered = "ssh-ed25519 AAAAother"
    with pytest.raises(GuestKeyMismatch, match=r"sotttt/web .* not printed on its console"):
        roll.reach(WEB, watched=True)
    assert network.log_ins == []


@pytest.mark.parametrize(("output", "error"), [("no marks", None), ("", Refused("no console"))])
def test_a_guest_that_prints_no_key_is_trusted_at_first_use_and_the_record_says_so(
    roll: GuestRoll, compute: FakeCompute, output: str, error: Exception | None
) -> None:
    compute.output, compute.error = output, error
    record = roll.reach(WEB, watched=True)
    assert record is not None
    assert record.key_source == FIRST_USE


def test_a_changed_key_of_a_known_guest_is_not_accepted(roll: GuestRoll, network: Network) -> None:
    roll.reach(WEB, watched=True)
    network.refusal = ssh.HostKeyChanged("another key")
    with pytest.raises(ssh.HostKeyChanged):
        roll.reach(WEB, watched=False)


def test_every_kind_of_printed_key_is_read() -> None:
    console = PRINTED.replace(KEY, f"ssh-rsa BBBB root@web\r\n{KEY}")
    assert printed_keys(console) == {KEY, "ssh-rsa BBBB"}


def test_the_watch_is_done_when_every_guest_was_reached(
    roll: GuestRoll, compute: FakeCompute, network: Network
) -> None:
    assert GuestWatch(compute, roll).look()
    network.offered = None
    assert GuestWatch(compute, roll).look()
    record = roll.record(WEB)
    assert record is not None
    assert record.watched


@pytest.mark.parametrize("error", [Unavailable("busy"), None])
def test_the_watch_leaves_failures_to_the_verification(
    roll: GuestRoll, compute: FakeCompute, network: Network, error: Exception | None
) -> None:
    compute.error = error
    network.offered = "ssh-ed25519 AAAAother"
    assert not GuestWatch(compute, roll).look()


def test_the_watch_waits_for_guests_that_have_no_address_yet(
    roll: GuestRoll, compute: FakeCompute, network: Network
) -> None:
    compute.found = [replace(WEB, address="", state="build")]
    assert not GuestWatch(compute, roll).look()
    assert network.log_ins == []


def test_the_watch_ends_with_its_block(roll: GuestRoll, compute: FakeCompute) -> None:
    compute.error = Unavailable("busy")
    with GuestWatch(compute, roll) as watch:
        thread = watch._thread
    assert not thread.is_alive()


NEW = "ssh-ed25519 AAAAnew"


def test_a_disk_that_is_made_new_has_a_new_key_which_is_pinned_for_that_making(
    roll: GuestRoll, compute: FakeCompute, network: Network, tmp_path: Path
) -> None:
    roll.reach(WEB, watched=True)
    network.offered, compute.output = NEW, PRINTED.replace(KEY, NEW)
    again = replace(WEB, boot="rebuild-1")
    assert roll.record(again) is None
    record = roll.reach(again, watched=True)
    assert record is not None
    assert (record.host_key, record.key_source, record.former) == (NEW, CONSOLE, (KEY,))
    assert network.log_ins[-1].known_hosts.read_text() == f"172.30.2.60 {NEW}\n"
    assert roll.reach(again, watched=True) == record


def test_a_disk_that_went_back_to_a_snapshot_has_a_key_of_before_and_prints_none_anew(
    roll: GuestRoll, compute: FakeCompute, network: Network
) -> None:
    roll.reach(WEB, watched=True)
    network.offered, compute.output = NEW, PRINTED.replace(KEY, NEW)
    roll.reach(replace(WEB, boot="rebuild-1"), watched=True)
    network.offered = KEY
    record = roll.reach(replace(WEB, boot="rebuild-2"), watched=True)
    assert record is not None
    assert (record.host_key, record.key_source, record.former) == (KEY, FORMER, (NEW, KEY))


def test_after_a_disk_was_made_new_a_key_that_nobody_knows_is_still_refused(
    roll: GuestRoll, network: Network
) -> None:
    roll.reach(WEB, watched=True)
    network.offered = "ssh-ed25519 AAAAother"
    with pytest.raises(GuestKeyMismatch):
        roll.reach(replace(WEB, boot="rebuild-1"), watched=True)


def test_a_guest_offers_every_worker_the_key_that_the_first_one_met(
    compute: FakeCompute, network: Network, tmp_path: Path
) -> None:
    held: dict[tuple[str, str], str] = {}

    def worker(name: str) -> GuestRoll:
        def pinned(guest: Guest, key: str) -> str:
            return held.setdefault((guest.id, guest.boot), key)

        return GuestRoll(
            SitePaths(tmp_path / name), compute, network.scan, network.log_in, lambda: 1012.34, pinned=pinned
        )

    compute.output = "a hypervisor that keeps no keys in its log"
    first = worker("first").reach(WEB, watched=True)
    assert first is not None
    assert worker("second").reach(WEB, watched=True) == first
    network.offered = NEW
    with pytest.raises(GuestKeyMismatch, match="than it offered to another worker"):
        worker("third").reach(WEB, watched=True)
    anew = replace(WEB, boot="rebuild-1")
    assert [worker(name).reach(anew, watched=True) is not None for name in ("first", "third")] == [True, True]

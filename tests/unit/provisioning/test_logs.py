"""Reading what journalctl printed on the server that gathers the journals."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from infra.domain.log import LogQuery
from infra.hosts import ssh
from infra.provisioning import logs
from infra.provisioning.logs import LogSearchFailed, NoLogServer, UnknownHost, entries, search

LINE = {
    "__REALTIME_TIMESTAMP": "1764201600123456", "_HOSTNAME": "hv1", "_SYSTEMD_UNIT": "nova-compute.service",
    "PRIORITY": "3", "MESSAGE": "libvirt is gone",
}  # fmt: skip


def test_an_entry_has_its_moment_server_unit_and_words() -> None:
    (entry,) = entries(json.dumps(LINE))
    assert entry.at == "2025-11-27T00:00:00.123+00:00"
    assert (entry.host, entry.unit, entry.priority) == ("hv1", "nova-compute.service", "err")
    assert entry.message == "libvirt is gone"


def test_what_is_no_text_is_shown_all_the_same() -> None:
    told = {
        **LINE,
        "MESSAGE": list(b"gone \xff"),
        "PRIORITY": None,
        "_SYSTEMD_UNIT": None,
        "UNIT": ["a", "b"],
    }
    (entry,) = entries(json.dumps(told))
    assert (entry.message, entry.priority, entry.unit) == ("gone \ufffd", "info", "a b")


def test_a_line_that_was_cut_off_is_left_out() -> None:
    assert entries(json.dumps(LINE) + "\n" + json.dumps(LINE)[:-9]) == entries(json.dumps(LINE))


class Server:
    """The server that gathers the journals, and what journalctl says there."""

    def __init__(self, result: ssh.Result) -> None:
        self.result, self.commands = result, list[str]()

    def __call__(self, target: Any) -> Server:
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def run(self, command: str, *, deadline_seconds: float) -> ssh.Result:
        self.commands.append(command)
        return self.result


def make_site(
    monkeypatch: pytest.MonkeyPatch, result: ssh.Result, *, monitoring: bool = True
) -> tuple[Any, Server]:
    server = Server(result)
    monkeypatch.setattr(ssh, "Connection", server)
    monkeypatch.setattr(logs, "target_of", lambda *_: SimpleNamespace(name="mon1", user="deploy"))
    mon1, hv1 = (
        SimpleNamespace(name="mon1", address="10.0.0.1"),
        SimpleNamespace(name="hv1", address="10.0.0.2"),
    )
    inventory = SimpleNamespace(
        hosts=(mon1, hv1), monitoring=lambda: (mon1,) if monitoring else (), path="inventory"
    )
    return SimpleNamespace(inventory=inventory, settings=None, enter_network=lambda: None), server


def test_no_word_of_a_query_is_a_word_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    site, server = make_site(monkeypatch, ssh.Result(0, json.dumps(LINE) + "\n", ""))
    assert len(search(site, LogQuery(hosts=("hv1",), grep="x'; rm -rf / #"))) == 1
    assert server.commands[0].startswith("sudo -n sh -c ")
    import shlex

    inner = shlex.split(shlex.split(server.commands[0])[-1])
    assert "--grep=x'; rm -rf / #" in inner
    assert inner[0] == "journalctl"


def test_nothing_found_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = make_site(monkeypatch, ssh.Result(1, "", ""))
    assert search(site, LogQuery(grep="x")) == []


def test_journalctls_own_words_reach_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = make_site(monkeypatch, ssh.Result(1, "", "Failed to parse timestamp: -1x"))
    with pytest.raises(LogSearchFailed, match="Failed to parse timestamp"):
        search(site, LogQuery(since="-1x"))


def test_a_server_that_is_none_of_the_sites_is_told_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, _ = make_site(monkeypatch, ssh.Result(0, "", ""))
    with pytest.raises(UnknownHost, match="one of: hv1, mon1"):
        search(site, LogQuery(hosts=("hv9",)))


def test_a_site_without_monitoring_gathers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = make_site(monkeypatch, ssh.Result(0, "", ""), monitoring=False)
    with pytest.raises(NoLogServer, match="group `monitoring`"):
        search(site, LogQuery())

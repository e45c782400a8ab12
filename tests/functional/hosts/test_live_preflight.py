"""Preflight against real servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from infra.errors import Problem
from infra.hosts import namespace, preflight
from tests.functional.hosts.lab_site import Site

pytestmark = pytest.mark.live


def problems(site: Site) -> list[Problem]:
    report = namespace.run_inside(
        site.lab.namespace, lambda: preflight.examine(site.inventory, site.settings)
    )
    return list(report.problems)


@contextmanager
def changed(site: Site, server: str, do: str, undo: str) -> Iterator[None]:
    site.run(server, do)
    try:
        yield
    finally:
        site.run(server, undo)


def test_a_bare_lab_is_fit_and_stays_as_it_was(site: Site) -> None:
    site.run("hv1", "touch /root/mark")
    time.sleep(0.1)
    assert problems(site) == []
    assert site.run("hv1", "find / -xdev -newer /root/mark -type f -not -path '/var/log/*'") == ""


def test_everything_that_is_wrong_comes_in_one_report(site: Site) -> None:
    listen = (
        "systemd-run -q --unit stranger python3 -m http.server 3306"
        " && until ss -ltn | grep -q ':3306 '; do sleep 0.1; done"
    )
    with (
        changed(site, "ctl1", listen, "systemctl stop stranger"),
        changed(site, "hv1", "hostname other", "hostname hv1"),
        changed(
            site, "hv2", "ip link set ext0 down && ip link set tun0 name tun9", "ip link set tun9 name tun0"
        ),
    ):
        found = {problem.key: problem.value for problem in problems(site)}
    assert found["controllers.hosts.ctl1"] == "port 3306: stranger.service"
    assert found["hypervisors.hosts.hv1"] == "other"
    assert "tun9" in found["hypervisors.hosts.hv2"]


def test_a_server_that_is_off_does_not_hide_the_others(site: Site) -> None:
    (server,) = [one for one in site.lab.servers if one.name == "hv1"]
    server.stop()
    try:
        with changed(site, "hv2", "hostname other", "hostname hv2"):
            found = {problem.key: problem.why for problem in problems(site)}
    finally:
        site.lab.start(print)
    assert "does not answer" in found["hypervisors.hosts.hv1.ansible_host"]
    assert "hostname" in found["hypervisors.hosts.hv2"]


def test_another_depot_is_noticed(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("depot")
    (other / "manifest.json").write_text("{}")
    settings = replace(site.settings, depot_dir=other)
    report = namespace.run_inside(site.lab.namespace, lambda: preflight.examine(site.inventory, settings))
    assert len(report.problems) == 3
    assert all("manifests differ" in problem.why for problem in report.problems)

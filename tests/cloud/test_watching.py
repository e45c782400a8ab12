"""Alerts that ops staff and agencies depend on: seen to fire, to arrive by mail and webhook, and to end; a
server that comes and goes meanwhile raises none.

The last of the live tests: the server that is stopped here spends more of its agency's error budget than
there is, and the site tells so for hours.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from infra.hosts.keys import write_whole
from tests.cloud.conftest import ROOT, Site
from tests.monitoring.sinks import PASSWORD, USERNAME, eventually

T = TypeVar("T")
ALERT = "HypervisorComputeDown"
AGENCY, SERVER = "sogddt", "web"
ALERT_SECONDS = 240
PATIENCE_SECONDS = 720  # five minutes that a server must be down, and everybody's turn
ALERTING = {
    "sender": "cloud@haiphong.example", "on_call": ["oncall@haiphong.example"], "hotline": "0225 3 000 111",
    "teams": {"cloud_operations": ["ops@haiphong.example"]},
}  # fmt: skip


@dataclass(frozen=True)
class Mailbox:
    """What arrived at the mail server and the webhook that stand beside the lab's servers."""

    folder: Path

    def _arrived(self, kind: str) -> list[dict[str, Any]]:
        file = self.folder / "arrived.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        return [one[kind] for line in lines if line.endswith("\n") and kind in (one := json.loads(line))]

    def mails(self, to: str, *words: str) -> list[dict[str, Any]]:
        """Mails to an address that have all the words in subject or text."""
        return [
            mail
            for mail in self._arrived("mail")
            if to in mail["to"] and all(word in mail["subject"] + mail["text"] for word in words)
        ]

    def alerts(self, name: str, status: str) -> list[dict[str, Any]]:
        return [
            alert
            for alert in self._arrived("alert")
            if alert["labels"]["alertname"] == name and alert["status"] == status
        ]


def wait(look: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    return eventually(look, what, seconds, every=1)


@contextmanager
def standing_sink(site: Site, folder: Path) -> Iterator[dict[str, str]]:
    """A mail server with TLS and a password, and a webhook, at the lab's own address."""
    address = site.variables["lab"]["bridges"]["mgmt"]["address"].split("/")[0]
    command = site.arguments(
        "lab", "shell", "-", sys.executable, "-m", "tests.cloud.alert_sink", address, str(folder)
    )
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, env=site.environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log
        ) as sink,
    ):
        ready = folder / "sinks.json"
        wait(lambda: ready.exists() or sink.poll() is not None, "the sink")
        assert ready.exists(), (folder / "log").read_text()
        yield json.loads(ready.read_text())  # its standard input ends with this block, and the sink with it


@contextmanager
def more_secrets(site: Site, **added: str) -> Iterator[None]:
    """The vault with what a person adds to it by `ansible-vault edit`."""
    vault = site.folder / "secrets.yml"
    before = vault.read_bytes()
    tool = [str(Path(sys.executable).with_name("ansible-vault"))]
    told = ["--vault-password-file", str(site.folder / "vault-password")]
    clear = subprocess.run([*tool, "view", *told, vault], capture_output=True, check=True).stdout
    content = yaml.safe_load(clear)
    content["secrets"] |= added
    sealed = subprocess.run(
        [*tool, "encrypt", *told, "--output", "-"], input=yaml.safe_dump(content).encode(),
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    write_whole(vault, sealed, 0o600)
    try:
        yield
    finally:
        write_whole(vault, before, 0o600)


@pytest.fixture(scope="module")
def mailbox(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    """The site as it tells people by mail and webhook; without them again afterwards."""
    tmp_path = tmp_path_factory.mktemp("mailbox")
    variables = site.inventory / "group_vars/all.yml"
    before = variables.read_text()
    authority = "/usr/local/share/ca-certificates/city-mail.crt"
    with standing_sink(site, tmp_path) as sink:
        content = base64.b64encode((tmp_path / "smtp-ca.pem").read_bytes()).decode()
        site.on("ctl1", f"echo {content} | base64 --decode > {authority} && update-ca-certificates")
        added = {
            "alert_webhook_url": sink["webhook"], "alert_smtp_username": USERNAME,
            "alert_smtp_password": PASSWORD,
        }  # fmt: skip
        with more_secrets(site, **added):
            told = yaml.safe_dump({"alerting": {**ALERTING, "smarthost": sink["smtp"]}})
            variables.write_text(f"{before}\n{told}")
            try:
                site.ok("deploy", "--phase", "monitoring", "--phase", "portal")
                yield Mailbox(tmp_path)
            finally:
                variables.write_text(before)
        site.ok("deploy", "--phase", "monitoring", "--phase", "portal")
        site.on("ctl1", f"rm {authority} && update-ca-certificates --fresh")


@pytest.fixture(scope="module")
def discovery(site: Site) -> Iterator[Future[str]]:
    """A server that is made, watched and retired while the alerts take their time."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(site.script, "tests.cloud.monitoring.discovery", "sotttt")


def firing(site: Site) -> list[dict[str, Any]]:
    return [
        alert for alert in site.run("status", "--output", "json").json["alerts"] if alert["name"] == ALERT
    ]


@pytest.mark.usefixtures("discovery")
def test_a_fault_reaches_people_on_call_and_the_agency_it_hits_and_so_does_its_end(
    site: Site, mailbox: Mailbox
) -> None:
    assert firing(site) == []
    site.on("hv1", "systemctl stop nova-compute")
    site.script("tests.cloud.power", AGENCY, SERVER, "stop")
    try:
        alert, *_ = wait(lambda: firing(site), ALERT, ALERT_SECONDS)
        assert alert["labels"]["hypervisor"] == "hv1"
        assert alert["severity"] == "page"
        page, *_ = wait(lambda: mailbox.mails("oncall@haiphong.example", ALERT), "the page by mail")
        assert page["subject"].startswith("[page ")
        wait(lambda: mailbox.alerts(ALERT, "firing"), "the page by webhook")
        told = wait(lambda: mailbox.mails("cntt@sogddt.haiphong.example", SERVER), "the agency's own mail")
        assert "Sở Giáo dục và Đào tạo" in told[0]["subject"]
        assert ALERT not in told[0]["text"]
        assert mailbox.mails("cntt@soyt.haiphong.example", "Sở Giáo dục và Đào tạo") == []
    finally:
        site.on("hv1", "systemctl start nova-compute")
        site.script("tests.cloud.power", AGENCY, SERVER, "start")
        wait(lambda: not firing(site), "calm", ALERT_SECONDS)
    wait(lambda: mailbox.alerts(ALERT, "resolved"), "its end by webhook")
    wait(lambda: mailbox.mails("oncall@haiphong.example", "[resolved]", ALERT), "its end by mail")
    wait(
        lambda: mailbox.mails("cntt@sogddt.haiphong.example", "Đã trở lại bình thường"),
        "the agency's good news",
    )


def test_the_portals_notices_reach_people_by_mail(site: Site, mailbox: Mailbox) -> None:
    people: dict[str, Any] = {"portal": f"https://{site.variables['api_name']}"}
    for role in ("member", "approver"):
        options = ("--role", role, "--email", f"{role}@sogddt.haiphong.example", "--output", "json")
        made = site.ok("people", "add", AGENCY, f"thu-{role}", *options).json
        people[role] = {"agency": AGENCY, "name": f"thu-{role}", "password": made["password"]}
    file = mailbox.folder / "people.json"
    write_whole(file, json.dumps(people).encode(), 0o600)
    number = site.script("tests.cloud.portal_refusal", str(file), str(mailbox.folder)).strip()
    asked, *_ = wait(lambda: mailbox.mails("approver@sogddt.haiphong.example", number), "the approver's mail")
    assert "đang chờ anh/chị duyệt" in asked["text"]
    told, *_ = wait(lambda: mailbox.mails("member@sogddt.haiphong.example", number), "the member's mail")
    assert "bị từ chối. Lý do: Đúng kế hoạch năm" in told["text"]


def test_a_new_server_is_watched_and_a_retired_one_raises_no_alert(discovery: Future[str]) -> None:
    told = json.loads(discovery.result())
    labels = {name: told["target"][name] for name in ("agency", "project", "item", "endpoint")}
    assert labels == {"agency": "sotttt", "project": "sotttt", "item": "web-server", "endpoint": "node"}
    assert told["fired"] == []
    assert told["left"] == []

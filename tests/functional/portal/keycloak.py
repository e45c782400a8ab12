"""A real Keycloak on this machine: the realm that the role `keycloak` imports, in a folder that goes away."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from infra.depot import keycloak
from infra.provisioning import certificates
from infra.settings import Settings

ROOT = Path(__file__).parents[3]
REALM, CLIENT = "citycloud", "citycloud-portal"
SECRET = "client secret of the test"
ADMIN = "admin password of the test"
PASSWORD = "mật khẩu đủ dài 1"
STARTS_WITHIN = 900.0  # seconds; on a machine with nothing else to do it takes one minute


@dataclass
class Keycloak:
    """`address` is what browsers open; `authority` a file of certificates by which its own is checked."""

    address: str
    authority: Path

    @property
    def issuer(self) -> str:
        return f"{self.address}/realms/{REALM}"

    def __post_init__(self) -> None:
        self.trust = ssl.create_default_context(cafile=str(self.authority))
        self._client = httpx.Client(verify=self.trust, timeout=60)
        self._portal = ""

    def close(self) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Keycloak's own API, as its administrator; the JSON answer, or the id of what was made."""
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": ADMIN}
        token = self._client.post(
            f"{self.address}/realms/master/protocol/openid-connect/token", data=form
        ).raise_for_status().json()["access_token"]  # fmt: skip
        answer = self._client.request(
            method, f"{self.address}/admin/realms/{REALM}{path}", json=body,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        if answer.status_code == 201:
            return answer.headers["location"].rpartition("/")[2]
        return answer.json() if answer.content else None

    def add_person(self, name: str, agency: str, roles: tuple[str, ...] = ()) -> str:
        """The id of a new person with `PASSWORD`."""
        person: str = self.call("POST", "/users", {
            "username": name, "enabled": True, "firstName": "Nguyễn Thị", "lastName": "Hoa",
            "email": f"{name}@haiphong.test", "emailVerified": True,
            "attributes": {"agency": [agency]} if agency else {},
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        })  # fmt: skip
        self.give(person, *roles)
        return person

    def give(self, person: str, *roles: str) -> None:
        self._change("POST", person, roles)

    def take(self, person: str, *roles: str) -> None:
        self._change("DELETE", person, roles)

    def sessions(self, person: str) -> int:
        """How many sessions the person has at Keycloak."""
        return len(self.call("GET", f"/users/{person}/sessions"))

    def _change(self, method: str, person: str, roles: tuple[str, ...]) -> None:
        if not self._portal:
            self._portal = self.call("GET", f"/clients?clientId={CLIENT}")[0]["id"]
        known = {one["name"]: one for one in self.call("GET", f"/clients/{self._portal}/roles")}
        if roles:
            place = f"/users/{person}/role-mappings/clients/{self._portal}"
            self.call(method, place, [known[role] for role in roles])


@contextmanager
def running(folder: Path, portal: str) -> Iterator[Keycloak]:
    """Keycloak in this folder, for the portal at this address; ended at the end."""
    home = _unpacked(folder)
    port, health = _free_port(), _free_port()
    pair = _certificate(folder)
    (home / "data/import").mkdir(parents=True)
    environment = {
        "PATH": os.environ["PATH"], "JAVA_HOME": "/usr/lib/jvm/java-17-openjdk-amd64", "LC_ALL": "C.UTF-8",
        "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m",
        "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",  # it lives for a minute or two
        "CITYCLOUD_CLIENT_SECRET": SECRET,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin", "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN,
    }  # fmt: skip
    command = [
        home / "bin/kc.sh", "start", "--import-realm", "--db=dev-file", "--cache=local",
        "--health-enabled=true", "--http-host=127.0.0.1", f"--https-port={port}",
        f"--http-management-port={health}", f"--hostname=https://localhost:{port}", "--log-level=warn",
        f"--https-certificate-file={pair}.pem", f"--https-certificate-key-file={pair}.key",
    ]  # fmt: skip
    _realm(home / "data/import/realm.json", portal)
    server = Keycloak(f"https://localhost:{port}", folder / "authority.pem")
    with (folder / "keycloak.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, server, f"https://localhost:{health}/health/ready", folder)
        yield server
    finally:
        server.close()
        _end(process)


def _wait(process: subprocess.Popen[bytes], server: Keycloak, health: str, folder: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        log = (folder / "keycloak.log").read_text(errors="replace")
        assert process.poll() is None, log[-4000:]
        try:
            if httpx.get(health, verify=server.trust, timeout=10).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"Keycloak did not start: {log[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """It ends by itself when it is told to, unless the machine has too much else to do."""
    process.terminate()
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unpacked(folder: Path) -> Path:
    """Keycloak's own folder, from the archive that the depot has, too."""
    cache = Settings.from_environment(os.environ).cache_dir / "depot/keycloak"
    cache.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--extract", "--file", keycloak.fetched(cache), "--directory", folder], check=True)
    return folder / f"keycloak-{keycloak.VERSION}"


def _certificate(folder: Path) -> Path:
    """As the site's authority gives its servers: PATH.pem and PATH.key; authority.pem beside them."""
    now = datetime.now(UTC)
    authority = certificates.make_authority("test", now)
    (folder / "authority.pem").write_text(authority.certificate)
    pair = certificates.make_server_certificate(authority, ["localhost", "127.0.0.1"], now)
    (folder / "server.pem").write_text(pair.certificate)
    (folder / "server.key").write_text(pair.key)
    return folder / "server"


def _realm(path: Path, portal: str) -> None:
    """The role's template, written by Ansible as a deployment writes it."""
    source = ROOT / "playbooks/roles/keycloak/templates/realm.json.j2"
    facts: Mapping[str, str] = {"keycloak_realm": REALM, "portal_url": portal}
    subprocess.run(
        [Path(sys.executable).with_name("ansible"), "localhost", "-i", "localhost,", "-c", "local",
         "-m", "template", "-a", f"src={source} dest={path}", "-e", json.dumps(facts),
         "-e", f"ansible_python_interpreter={sys.executable}"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
             "ANSIBLE_HOME": str(path.parents[3] / "ansible")},
        stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port

"""Keystone's own users as the portal's directory: openstacksdk speaks to a Keystone of a few lines."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.cloud.credentials import Credentials
from infra.domain.person import Person, Role
from infra.portal.identity import DirectoryUnreachable, SignInRefused
from infra.portal.keystone import KeystoneDirectory
from tests.fakes.canned import CannedCloud

PASSWORD = "mat khau"


@dataclass
class Keystone:
    """`roles` are those in the project's token; `given_back` the tokens that were revoked."""

    roles: tuple[str, ...] = ("member", "reader")
    status: int = 201
    asked: list[dict[str, Any]] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    address: str = ""

    def sign_in(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(asked)
        user = asked["auth"]["identity"]["password"]["user"]
        if user["password"] != PASSWORD:
            return 401, {"error": {"code": 401, "message": "refused"}}
        domain = {"id": "d-1", "name": user["domain"]["name"]}
        return self.status, {"token": {
            "methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z", "catalog": [],
            "user": {"id": "u-1", "name": user["name"], "domain": domain},
            "project": {"id": "p-1", "name": domain["name"], "domain": domain},
            "roles": [{"id": name, "name": name} for name in self.roles],
        }}  # fmt: skip


@pytest.fixture
def keystone() -> Iterator[Keystone]:
    made = Keystone()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            version = {
                "id": "v3.14",
                "status": "stable",
                "links": [{"rel": "self", "href": f"{made.address}/v3/"}],
            }
            self.send(200, {"version": version} if "v3" in self.path else {"versions": {"values": [version]}})

        def do_POST(self) -> None:
            self.send(*made.sign_in(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def do_DELETE(self) -> None:
            made.given_back.append(self.headers["X-Subject-Token"])
            self.send(204, None)

        def send(self, status: int, body: Any) -> None:
            text = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Subject-Token", "token-1")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def directory(keystone: Keystone, **answers: Any) -> KeystoneDirectory:
    return KeystoneDirectory(CannedCloud(**answers), Credentials(auth_url=f"{keystone.address}/v3"))


def test_a_person_signs_in_with_the_roles_of_their_agencys_project(keystone: Keystone) -> None:
    person = directory(keystone).sign_in("hongbang", "hoa", PASSWORD)
    assert person == Person("u-1", "hoa", "hongbang", frozenset({Role.MEMBER}))
    scope = keystone.asked[-1]["auth"]["scope"]["project"]
    assert (scope["name"], scope["domain"]["name"]) == ("hongbang", "hongbang")
    assert keystone.given_back == ["token-1"]


def test_a_wrong_password_and_an_account_without_a_role_are_refused_alike(keystone: Keystone) -> None:
    with pytest.raises(SignInRefused):
        directory(keystone).sign_in("hongbang", "hoa", "khong phai")
    keystone.roles = ("reader",)
    with pytest.raises(SignInRefused):
        directory(keystone).sign_in("hongbang", "hoa", PASSWORD)


def test_a_keystone_that_fails_or_is_gone_is_no_wrong_password(keystone: Keystone) -> None:
    keystone.status = 500
    with pytest.raises(DirectoryUnreachable):
        directory(keystone).sign_in("hongbang", "hoa", PASSWORD)
    keystone.address = "http://127.0.0.1:9"
    with pytest.raises(DirectoryUnreachable):
        directory(keystone).sign_in("hongbang", "hoa", PASSWORD)


def answers(**user: Any) -> dict[str, Any]:
    def granted(role: str, project: str, domain: str) -> dict[str, Any]:
        scope = {"project": {"name": project, "domain": {"name": domain}}}
        return {"role": {"name": role}, "scope": scope}

    return {
        "identity /users/u-1": {
            "user": {"id": "u-1", "name": "hoa", "domain_id": "d-1", "enabled": True, **user}
        },
        "identity /domains/d-1": {"domain": {"name": "hongbang", "enabled": True}},
        "identity /role_assignments": {"role_assignments": [
            granted("approver", "hongbang", "hongbang"), granted("member", "khac", "hongbang"),
            granted("admin", "hongbang", "lechan"), {"role": {"name": "auditor"}, "scope": {"domain": {}}},
        ]},
    }  # fmt: skip


def test_only_roles_in_the_agencys_own_project_count(keystone: Keystone) -> None:
    found = directory(keystone, **answers(email="hoa@example.vn")).look_up("u-1")
    assert found == Person("u-1", "hoa", "hongbang", frozenset({Role.APPROVER}), "", "hoa@example.vn")


def test_who_is_disabled_or_gone_is_nobody(keystone: Keystone) -> None:
    assert directory(keystone, **answers(enabled=False)).look_up("u-1") is None
    assert directory(keystone).look_up("u-1") is None


def test_a_keystone_that_does_not_answer_says_nothing_about_anybody(keystone: Keystone) -> None:
    with pytest.raises(DirectoryUnreachable):
        directory(keystone, **{"identity /users/u-1": 503}).look_up("u-1")

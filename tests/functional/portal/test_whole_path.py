"""From asking to deciding over the real services and the real database, with the lab's own catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.portal.real import RealStand
from tests.functional.store.tables import portal_database

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealStand]:
    with portal_database(tmp_path) as database:
        yield RealStand(database)


def test_a_clerk_asks_the_approver_approves_and_the_auditor_finds_both(real: RealStand) -> None:
    with real.as_person("hoa") as hoa:
        place = f"/requests/new?item={real.catalog.requestable[0].name}"
        page = hoa.get(place)
        assert page.status_code == 200
        given = dict(re.findall(r'name="(items\[0\][^"]*)"[^>]*? value="([^"]*)"', page.text))
        radios = dict(re.findall(r'type="radio" name="([^"]*)" value="([^"]*)" checked', page.text))
        fields = {**given, **radios, "purpose": "Trang tiếp nhận hồ sơ trực tuyến", "do": "submit"}
        fields |= dict.fromkeys(re.findall(r'<textarea id="(items[^"]*)"', page.text), KEY)
        names = re.findall(r'name="(items\[0\]\.values\.[a-z_-]*name)"', page.text)
        fields |= dict.fromkeys(names, "web-01")
        answer = hoa.submit("/requests/new", place, **fields)
        assert answer.status_code == 303, re.findall(r'class="wrong"[^>]*>([^<]+)', answer.text)
        request = answer.headers["location"]
        assert "Chờ phê duyệt" in hoa.get(request).text
        assert hoa.get(request.replace("requests", "approvals")).status_code == 403
    with real.as_person("mai") as mai:
        assert mai.get(request).status_code == 404
    with real.as_person("binh") as binh:
        facts = request.replace("requests", "approvals")
        assert binh.get(facts).status_code == 200
        version = binh.hidden(facts, "version")
        decided = binh.submit(facts, facts, verdict="approve", reason="Đúng kế hoạch", version=version)
        assert decided.headers["location"] == "/approvals?done=1"
        assert "Đã duyệt" in binh.get(request).text
    with real.as_person("lan") as lan:
        log = lan.get("/audit").text
        assert "request.submit" in log
        assert "request.approve" in log
        assert lan.get("/audit/export.csv").text.count("request.") >= 2


def test_a_session_of_the_database_is_known_again_and_ends(real: RealStand) -> None:
    with real.as_person("hoa") as client, real.as_person("hoa") as other:
        assert client.get("/api/v1/me").json()["roles"] == ["member"]
        page = client.submit("/account/tokens", "/account", name="bao cao", scopes="read", days="30").text
        secret = re.search(r"cityc_[\w-]{40,}", page)
        assert secret is not None
        with real.client() as script:
            script.headers["Authorization"] = f"Bearer {secret[0]}"
            assert script.get("/api/v1/requests").status_code == 200
        assert client.submit("/sign-out", "/account", all="1").status_code == 303
        assert [one.get("/").status_code for one in (client, other)] == [303, 303]


def test_every_page_of_every_role_is_there(real: RealStand) -> None:
    for id in real.people:
        with real.as_person(id) as client:
            places = set(re.findall(r'<a href="(/[^"?]*)"', client.get("/").text))
            assert {"/", "/requests", "/deployments", "/status"} <= places
            assert {place: client.get(place).status_code for place in places} == dict.fromkeys(places, 200)


def test_every_item_of_the_catalog_has_a_form(real: RealStand) -> None:
    with real.as_person("hoa") as client:
        for item in real.catalog.requestable:
            assert client.get(f"/requests/new?item={item.name}").status_code == 200

"""Changing what stands, over HTTP, the real services and both databases: form, API, and what they refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.domain.words import Words
from infra.store.portal_database import PortalDatabase
from tests.functional.portal.portal import Client
from tests.functional.portal.real import RealStand
from tests.functional.store.conftest import cluster, portal, url

__all__ = ["cluster", "portal", "url"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"
PURPOSE = "Thêm chỗ cho hồ sơ năm mới"
CONTAINER = {"size": "container.small", "ssh_key": KEY}
PLAIN = {"size": "vm.small", "ssh_key": KEY}
FULL = {"size": "vm.small", "volume_gib": "5", "ssh_key": KEY}


@pytest.fixture
def real(portal: PortalDatabase) -> RealStand:
    return RealStand(portal)


def post(client: Client, path: str, body: dict[str, Any], key: str) -> Any:
    headers = {"Idempotency-Key": key, "Accept-Language": "en", **client.headers_of_a_script()}
    return client.post(f"/api/v1{path}", json=body, headers=headers)


def asked(values: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"items": [{"item": "plain-server", "values": values, **more}], "purpose": PURPOSE}


def approved(real: RealStand, request: str) -> None:
    with real.as_person("binh") as binh:
        version = binh.get(f"/api/v1/requests/{request}").json()["version"]
        body = {"version": version, "verdict": "approve"}
        assert post(binh, f"/requests/{request}/decision", body, f"key-{request}").status_code == 204


def made(real: RealStand, values: dict[str, str]) -> str:
    """The id of an active deployment of hoa's."""
    with real.as_person("hoa") as hoa:
        request = post(hoa, "/requests", asked(values), "key-made").json()["id"]
        approved(real, request)
        real.work()
        (one,) = hoa.get(f"/api/v1/requests/{request}").json()["deployments"]
        return str(one)


def entered(page: str) -> dict[str, str]:
    """What a browser would send of the form that a page has, without its buttons."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page))
    fields |= dict(re.findall(r'name="([^"]*)" type="number" inputmode="numeric" value="([^"]*)"', page))
    fields |= dict(re.findall(r'type="(?:radio|checkbox)" name="([^"]*)" value="([^"]*)" checked', page))
    return {**fields, "purpose": PURPOSE, "do": "submit"}


def shown(client: Client, one: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/deployments/{one}").json()
    return found


def test_a_clerk_changes_the_size_the_approver_sees_before_and_after_and_it_is_made(real: RealStand) -> None:
    one = made(real, PLAIN)
    with real.as_person("hoa") as hoa:
        assert f'href="/deployments/{one}/change"' in hoa.get(f"/deployments/{one}").text
        place = f"/deployments/{one}/change"
        page = hoa.get(place).text
        assert "Hiện nay: Nhỏ, máy ảo đầy đủ." in page
        assert "vm.medium" in page
        assert "container." not in page
        form = {**entered(page), "items[0].values.size": "vm.medium"}
        looked = hoa.post("/requests/check", data=form).json()
        assert looked["problems"] == {}
        assert "+150.000" in looked["takes"]
        answer = hoa.post(place, data=form)
        assert answer.status_code == 303, re.findall(r"✘ ([^<]+)", answer.text)
        request = answer.headers["location"].rpartition("/")[2]
        text = hoa.get(f"/requests/{request}").text
        assert re.search(r"Cỡ máy.*Nhỏ.*Vừa", text, re.DOTALL)
        waiting = hoa.get(f"/deployments/{one}").text
        assert f'href="/requests/{request}"' in waiting
        assert 'value="retire"' not in waiting
        assert hoa.get(place).status_code == 404
    with real.as_person("binh") as binh:
        facts = binh.get(f"/approvals/{request}").text
        assert re.search(r"Trước.*Sau.*Cỡ máy.*Nhỏ.*Vừa", facts, re.DOTALL)
        assert "+150.000" in facts
    approved(real, request)
    real.work()
    with real.as_person("hoa") as hoa:
        assert shown(hoa, one)["values"]["size"] == "vm.medium"
        assert "Vừa" in hoa.get(f"/deployments/{one}").text
        assert "Hoàn thành" in hoa.get(f"/requests/{request}").text


def test_what_failed_is_told_and_what_stood_stays(real: RealStand) -> None:
    one = made(real, PLAIN)
    with real.as_person("hoa") as hoa:
        line = {"deployment": one, "version": shown(hoa, one)["version"]}
        body = asked({"size": "vm.medium"}, **line)
        request = post(hoa, "/requests", body, "key-change").json()["id"]
        assert post(hoa, "/requests", body, "key-change").json()["id"] == request
        approved(real, request)
        real.work(Words("hết chỗ", "no room"))
        found = hoa.get(f"/api/v1/requests/{request}").json()
        assert found["summary"]["state"] == "failed"
        assert found["failure"] == {"vi": "hết chỗ", "en": "no room"}
        after = shown(hoa, one)
        assert (after["summary"]["state"], after["values"]["size"]) == ("active", "vm.small")
        assert "change" in after["may"]


def test_a_returned_change_is_handed_in_again_by_its_form(real: RealStand) -> None:
    one = made(real, FULL)
    with real.as_person("hoa") as hoa, real.as_person("binh") as binh:
        place = f"/deployments/{one}/change"
        form = {**entered(hoa.get(place).text), "items[0].values.volume_gib": "9"}
        request = hoa.post(place, data=form).headers["location"].rpartition("/")[2]
        back = {"version": 1, "verdict": "return", "reason": "Xin 8 thôi"}
        assert post(binh, f"/requests/{request}/decision", back, "key-return").status_code == 204
        moved = hoa.get(f"/requests/{request}/change")
        assert moved.headers["location"] == f"{place}?again={request}"
        page = hoa.get(moved.headers["location"]).text
        assert 'value="9"' in page
        assert PURPOSE in page
        form = {**entered(page), "items[0].values.volume_gib": "8"}
        assert hoa.post(place, data=form).headers["location"] == f"/requests/{request}"
        (item,) = hoa.get(f"/api/v1/requests/{request}").json()["items"]
        assert [[told["en"] for told in row] for row in item["changes"]] == [
            ["Additional data volume", "5 GiB", "8 GiB"]
        ]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("volume_gib", "4", "Chỉ tăng được"),
        ("volume_gib", "21", "nhiều nhất là 20"),
        ("volume_gib", "", "Chỉ tăng được"),
        ("size", "container.small", "container và máy ảo đầy đủ"),
        ("volume_gib", "5", "Chưa có gì khác"),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_the_reason(
    real: RealStand, field: str, value: str, told: str
) -> None:
    one = made(real, FULL)
    with real.as_person("hoa") as hoa:
        place = f"/deployments/{one}/change"
        form = {**entered(hoa.get(place).text), f"items[0].values.{field}": value}
        answer = hoa.post(place, data=form)
        assert answer.status_code == 422
        assert told in answer.text
        assert any(told in one for one in hoa.post("/requests/check", data=form).json()["problems"].values())
        assert shown(hoa, one)["changed_by"] == ""


def test_a_form_of_before_somebody_else_did_something_is_refused_and_keeps_what_was_entered(
    real: RealStand,
) -> None:
    one = made(real, FULL)
    with real.as_person("hoa") as hoa:
        place = f"/deployments/{one}/change"
        form = {**entered(hoa.get(place).text), "items[0].values.volume_gib": "9"}
        body = {"version": shown(hoa, one)["version"], "action": "reboot"}
        assert post(hoa, f"/deployments/{one}/actions", body, "key-reboot").status_code == 204
        answer = hoa.post(place, data=form)
        assert answer.status_code == 409
        assert "đã thay đổi" in answer.text
        assert 'value="9"' in answer.text


def test_a_box_that_is_unticked_gives_the_address_back(real: RealStand) -> None:
    one = made(real, {**FULL, "public_address": "true"})
    with real.as_person("hoa") as hoa:
        place = f"/deployments/{one}/change"
        form = {**entered(hoa.get(place).text), "items[0].values.public_address": "false"}
        looked = hoa.post("/requests/check", data=form).json()["takes"]
        assert "-50.000" in looked.replace("\u2212", "-")
        request = hoa.post(place, data=form).headers["location"].rpartition("/")[2]
        approved(real, request)
        real.work()
        assert shown(hoa, one)["values"]["public_address"] == "false"


def test_what_the_catalog_allows_is_changed_by_one_button_or_one_call(portal: PortalDatabase) -> None:
    real = RealStand(portal, allowed=("public_address",))
    one = made(real, FULL)
    with real.as_person("hoa") as hoa:
        place = f"/deployments/{one}/change"
        form = {**entered(hoa.get(place).text), "items[0].values.public_address": "true"}
        answer = hoa.post(place, data={**form, "purpose": ""})
        assert answer.status_code == 303
        assert "Cơ quan duyệt" not in hoa.get(answer.headers["location"]).text
        real.work()
        found = shown(hoa, one)
        assert found["values"]["public_address"] == "true"
        body = {"version": found["version"], "values": {"public_address": "false"}}
        assert post(hoa, f"/deployments/{one}/changes", body, "key-at-once").status_code == 201
        real.work()
        body = {"version": shown(hoa, one)["version"], "values": {"volume_gib": "9"}}
        refused = post(hoa, f"/deployments/{one}/changes", body, "key-volume")
        assert (refused.status_code, "has to be approved" in refused.json()["detail"]) == (409, True)


def test_a_container_gets_no_volume_as_one_types_and_at_the_api(real: RealStand) -> None:
    values = {**CONTAINER, "volume_gib": "5"}
    with real.as_person("hoa") as hoa:
        form = entered(hoa.get("/requests/new?item=plain-server").text)
        form |= {f"items[0].values.{name}": value for name, value in values.items()}
        told = hoa.post("/requests/check", data=form).json()["problems"]
        assert "Không dùng được khi Cỡ máy là" in told["items[0].values.volume_gib"]
        refused = post(hoa, "/requests", asked(values), "key-refused")
        assert refused.status_code == 422
        (problem,) = refused.json()["problems"]
        assert problem["field"] == "items[0].values.volume_gib"
        assert "cannot be had where Size is" in problem["detail"]
        for given, volumes in ((FULL, 1), (CONTAINER, 0)):
            looked = post(hoa, "/previews", asked(given), "key-looked").json()
            assert {one["resource"]: one["takes"] for one in looked["quota"]}["volumes"] == volumes


@pytest.mark.parametrize(("values", "offered"), [(PLAIN, True), (CONTAINER, False)])
def test_a_snapshot_is_offered_of_what_has_a_disk_to_make_an_image_of(
    real: RealStand, values: dict[str, str], offered: bool
) -> None:
    one = made(real, values)
    with real.as_person("hoa") as hoa:
        assert ("snapshot" in shown(hoa, one)["may"]) is offered

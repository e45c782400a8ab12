"""A clerk changes what stands in a real Chromium, over the real services: desk and phone, both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.portal.interface import Draft, Line
from tests.functional.portal.portal import served
from tests.functional.portal.real import RealStand
from tests.functional.portal.test_browser import SCREENS, keep, violations
from tests.functional.store.tables import portal_database

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"
TEXTS = {
    "vi": {
        "change": "Thay đổi", "size": "Vừa", "volume": "Ổ dữ liệu thêm", "public": "Địa chỉ công khai",
        "purpose": "Mục đích", "submit": "Gửi yêu cầu thay đổi", "grows": "Chỉ tăng được: hiện nay là 5 GiB",
        "waits": "Đến yêu cầu", "approve": "Duyệt", "record": "Ghi quyết định", "before": "Trước",
        "after": "Sau", "done": "Hoàn thành", "more": "Lấy thêm từ hạn mức", "nothing": "Chưa có gì khác",
    },
    "en": {
        "change": "Change", "size": "Medium", "volume": "Additional data volume", "public": "Public address",
        "purpose": "Purpose", "submit": "Submit the change", "grows": "It only grows: it is 5 GiB now",
        "waits": "Go to the request", "approve": "Approve", "record": "Record my decision",
        "before": "Before", "after": "After", "done": "Done", "more": "What it takes more",
        "nothing": "Nothing differs",
    },
}  # fmt: skip
"""What the pages say, by language."""


@pytest.fixture
def city(tmp_path: Path) -> Iterator[RealStand]:
    with portal_database(tmp_path) as database:
        yield RealStand(database, own=True)


@pytest.fixture
def address(city: RealStand) -> Iterator[str]:
    with served(city.app) as found:
        yield found


@contextmanager
def seen(
    browser: Browser, city: RealStand, address: str, person: str, language: str, screen: str, **options: bool
) -> Iterator[Page]:
    """A page of somebody who is signed in; what it complains of fails the test."""
    size = {"width": SCREENS[screen], "height": 900}
    complaints: list[str] = []
    with browser.new_context(viewport=size, **options) as context:  # type: ignore[arg-type]
        secret = city.access.begin(city.people[person], "keystone", "127.0.0.1")
        context.add_cookies([
            {"name": "lang", "value": language, "url": address},
            {"name": "__Host-session", "value": secret, "domain": "localhost", "path": "/", "secure": True,
             "httpOnly": True},
        ])  # fmt: skip
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    assert [one for one in complaints if "422" not in one] == []


def made(city: RealStand, values: dict[str, str]) -> str:
    draft = Draft((Line("plain-server", {**values, "ssh_key": KEY}),), "Trang tin của quận", date(2027, 6, 1))
    request = city.services.submit(city.people["hoa"], draft, "")
    city.services.decide(city.people["binh"], request, "approve", "", 1, "")
    city.work()
    (one,) = city.services.request(city.people["hoa"], request).deployments
    return one


def look(page: Page, name: str) -> None:
    """It fits and breaks no rule of WCAG; a picture for people."""
    keep(page, f"change-{name}")
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == {}


@pytest.mark.parametrize(
    ("language", "screen"), [("vi", "desk"), ("vi", "phone"), ("en", "desk"), ("en", "phone")]
)
def test_a_clerk_makes_a_server_larger_and_the_approver_sees_what_it_was(
    browser: Browser, city: RealStand, address: str, language: str, screen: str
) -> None:
    say, one, name = TEXTS[language], made(city, {"size": "vm.small"}), f"{language}-{screen}"
    with seen(browser, city, address, "hoa", language, screen) as page:
        page.goto(f"{address}/deployments/{one}")
        look(page, f"deployment-{name}")
        page.get_by_role("link", name=say["change"], exact=True).click()
        expect(page.locator("#takes-title")).to_contain_text(say["more"])
        page.get_by_label(say["size"]).check()
        expect(page.locator("#takes")).to_contain_text(re.compile(r"\+₫?150[.,]000"))
        page.get_by_label(say["purpose"]).fill("Thêm người dùng từ tháng sau")
        look(page, f"form-{name}")
        page.get_by_role("button", name=say["submit"]).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("YC-2026-")
        look(page, f"request-{name}")
        place = page.url.removeprefix(address)
        page.goto(f"{address}/deployments/{one}")
        expect(page.get_by_role("link", name=say["waits"])).to_be_visible()
        look(page, f"waiting-{name}")
    with seen(browser, city, address, "binh", language, screen) as page:
        page.goto(address + place.replace("requests", "approvals"))
        table = page.locator("table.stack").first
        expect(table).to_contain_text(say["size"])
        if screen == "desk":
            expect(table.locator("thead")).to_contain_text(say["before"])
            expect(table.locator("thead")).to_contain_text(say["after"])
        look(page, f"approval-{name}")
        page.get_by_label(say["approve"], exact=True).check()
        page.get_by_role("button", name=say["record"]).click()
        expect(page.get_by_role("status").first).to_be_visible()
    city.work()
    with seen(browser, city, address, "hoa", language, screen) as page:
        page.goto(address + place)
        expect(page.locator("#progress")).to_contain_text(say["done"])
        page.goto(f"{address}/deployments/{one}")
        expect(page.locator("dl.facts").last).to_contain_text(say["size"])


@pytest.mark.parametrize(("language", "screen"), [("vi", "desk"), ("en", "phone")])
def test_what_only_grows_is_told_as_one_types_and_nothing_is_lost(
    browser: Browser, city: RealStand, address: str, language: str, screen: str
) -> None:
    say, one = TEXTS[language], made(city, {"size": "vm.small", "volume_gib": "5"})
    with seen(browser, city, address, "hoa", language, screen) as page:
        page.goto(f"{address}/deployments/{one}/change")
        volume = page.get_by_label(say["volume"])
        expect(volume).to_have_value("5")
        volume.fill("4")
        expect(page.locator("[id='wrong-items[0].values.volume_gib']")).to_contain_text(say["grows"])
        page.get_by_label(say["purpose"]).fill("Thêm chỗ cho hồ sơ")
        page.get_by_role("button", name=say["submit"]).click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text(say["grows"])
        expect(alert).to_be_focused()
        look(page, f"wrong-{language}-{screen}")
        page.get_by_label(say["volume"]).fill("5")
        page.get_by_role("button", name=say["submit"]).click()
        expect(page.get_by_role("alert")).to_contain_text(say["nothing"])
        page.get_by_label(say["volume"]).fill("9")
        page.get_by_label(say["public"]).check()
        page.get_by_role("button", name=say["submit"]).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("YC-2026-")
        expect(page.locator("body")).to_contain_text("9 GiB")


def test_without_a_script_a_box_that_is_unticked_is_sent(
    browser: Browser, city: RealStand, address: str
) -> None:
    one = made(city, {"size": "container.small", "public_address": "true"})
    with seen(browser, city, address, "hoa", "vi", "desk", java_script_enabled=False) as page:
        page.goto(f"{address}/deployments/{one}/change")
        page.get_by_label("Địa chỉ công khai").uncheck()
        page.get_by_label("Mục đích").fill("Chỉ dùng trong mạng riêng")
        page.get_by_role("button", name="Tính lại").click()
        expect(page.locator("#takes")).to_contain_text(re.compile("[-\N{MINUS SIGN}]50.000"))
        page.get_by_role("button", name="Gửi yêu cầu thay đổi").click()
        expect(page.locator("table.stack")).to_contain_text("Không")
        assert Path(page.url).name in city.services.deployment(city.people["hoa"], one).changed_by

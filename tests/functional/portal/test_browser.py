"""The pages in a real Chromium: both languages, light and dark, desk and phone; and what scripts add."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from infra.portal.upkeep import Rebuild, Snapshot
from tests.functional.portal import memory
from tests.functional.portal.memory import PASSWORD, PEOPLE, a_draft
from tests.functional.portal.portal import Stand, served

SCREENS = {"desk": 1280, "phone": 390}
PAGES = (
    ("", "/sign-in"), ("", "/status"), ("u-hoa", "/"), ("u-hoa", "/catalog"),
    ("u-hoa", "/requests/new?item=database-server"), ("u-hoa", "/requests"), ("u-hoa", "/requests/r13"),
    ("u-hoa", "/deployments"), ("u-hoa", "/deployments/d-hongbang"),
    ("u-hoa", "/deployments/d-hongbang/console"), ("u-hoa", "/deployments/d-hongbang/change"),
    ("u-hoa", "/account"),
    ("u-binh", "/approvals"), ("u-binh", "/approvals/r12"), ("u-lan", "/audit"), ("u-hoa", "/nowhere"),
    ("u-dung", "/approvals/reviews"), ("u-dung", "/approvals/r16"), ("u-binh", "/approvals/delegations"),
    ("u-hoa", "/approvals/delegations"), ("u-dung", "/agencies"), ("u-hoa", "/agencies/hongbang"),
    ("u-hoa", "/agencies/hongbang/sla?month=2026-10"),
    ("u-lan", "/operations"), ("u-hoa", "/notices"), ("u-dung", "/notices"),
)  # fmt: skip
BY_PEOPLE = (
    r"Nguyễn|Trần|Phạm|Lê Thị|Đỗ|Vũ Tiến|Máy thay|Thử ứng|SHA256:"
    r"|Để dành|Để thử|Linux version|login:|Trang tiếp|Cổng thông|web-0|ssh |ubuntu|QĐ-UBND|City Cloud|nho"
    r"|-storage|(request|session|deployment)\."
)
"""Names, and what people wrote themselves."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def city() -> Stand:
    return Stand(own=True)


@pytest.fixture(scope="module")
def address(city: Stand) -> Iterator[str]:
    with served(city.app) as found:
        yield found


def opened(browser: Browser, city: Stand, address: str, person: str, **options: object) -> BrowserContext:
    """A browser in which the person is signed in, Vietnamese unless told otherwise."""
    language = str(options.pop("language", "vi"))
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.add_cookies([{"name": "lang", "value": language, "url": address}])
    if person:
        secret = city.access.begin(PEOPLE[person], "keystone", "127.0.0.1")
        context.add_cookies([
            {"name": "__Host-session", "value": secret, "domain": "localhost", "path": "/", "secure": True,
             "httpOnly": True},
        ])  # fmt: skip
    return context


def held(page: Page, pattern: str) -> list[Route]:
    """What the page asks for by this pattern, to be let go when the test wants."""
    found: list[Route] = []

    def hold(route: Route) -> None:
        found.append(route)

    page.route(pattern, hold)
    return found


def violations(page: Page) -> dict[str, list[str]]:
    """Rules of WCAG that the page breaks, with where."""
    found = Axe().run(page, options=RULES)
    assert found.response["passes"]
    return {one["id"]: [node["html"][:150] for node in one["nodes"]] for one in found.response["violations"]}


def keep(page: Page, name: str) -> None:
    """A picture of the page, for people to look at, where they named a folder for them."""
    if folder := os.environ.get("CITYCLOUD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("person", "path"), PAGES, ids=[f"{person}{path}" for person, path in PAGES])
@pytest.mark.parametrize(
    ("language", "theme", "screen"),
    [("vi", "light", "desk"), ("vi", "dark", "phone"), ("en", "light", "phone")],
)
def test_a_page_fits_and_breaks_no_rule_of_wcag(
    browser: Browser,
    city: Stand,
    address: str,
    person: str,
    path: str,
    language: str,
    theme: str,
    screen: str,
) -> None:
    width = SCREENS[screen]
    with opened(
        browser, city, address, person, language=language, color_scheme=theme,
        viewport={"width": width, "height": 900},
    ) as context:  # fmt: skip
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        answer = page.goto(address + path)
        assert answer is not None
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.lang") == language
        name = path.partition("?")[0].strip("/").replace("/", "-") or "home"
        keep(page, f"{name}-{person}-{language}-{theme}-{screen}")
        assert violations(page) == {}
        assert [one for one in complaints if "404" not in one] == []


def test_the_whole_path_without_a_script(browser: Browser, city: Stand, address: str) -> None:
    """Signs in, asks with two items, is approved by another person; JavaScript is off."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address + "/requests")
        sign_in(page, "u-hoa")
        assert page.url == address + "/requests"
        page.get_by_role("link", name="Gửi yêu cầu mới").click()
        page.get_by_role("link", name="Yêu cầu: Máy chủ ảo").click()
        page.get_by_label("Tên máy").fill("web-09")
        page.get_by_role("button", name="Gửi yêu cầu").click()
        expect(page.get_by_role("alert")).to_contain_text("mục đích")
        page.get_by_label("Mục đích").fill("Trang tiếp nhận hồ sơ trực tuyến")
        page.locator("#add").select_option("private-network")
        page.get_by_role("button", name="Thêm vào yêu cầu").click()
        page.get_by_label("Tên máy").nth(1).fill("noi-bo")
        page.get_by_role("button", name="Gửi yêu cầu").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("YC-2026-")
        place = page.url.removeprefix(address)
        page.get_by_role("button", name="Đăng xuất").click()
        sign_in(page, "u-binh")
        page.goto(address + place.replace("requests", "approvals"))
        page.get_by_label("Duyệt", exact=True).check()
        page.get_by_role("button", name="Ghi quyết định").click()
        expect(page.get_by_role("status")).to_contain_text("Đã ghi quyết định")


def test_the_form_tells_what_is_wrong_and_what_it_takes_while_one_types(
    browser: Browser, city: Stand, address: str
) -> None:
    with opened(browser, city, address, "u-hoa", language="en") as context:
        page = context.new_page()
        page.goto(address + "/requests/new?item=plain-server")
        name = page.get_by_label("Name of the server")
        name.fill("Máy 1")
        expect(page.locator("[id='wrong-items[0].values.name']")).to_contain_text("Not right yet")
        expect(name).to_have_attribute("aria-invalid", "true")
        # What nobody has touched yet is not complained about.
        expect(page.locator("#wrong-purpose")).to_be_hidden()
        name.fill("web-1")
        expect(page.locator("[id='wrong-items[0].values.name']")).to_be_hidden()
        page.get_by_label("Large").check()
        page.get_by_label("How many of these").fill("4")
        expect(page.locator("#takes")).to_contain_text("too much")


def test_what_is_chosen_before_the_script_comes_is_worked_out_too(
    browser: Browser, city: Stand, address: str
) -> None:
    with opened(browser, city, address, "u-hoa", language="en") as context:
        page = context.new_page()
        slow = held(page, "**/portal.js")
        page.goto(address + "/requests/new?item=plain-server", wait_until="commit")
        page.get_by_label("Large").check()
        page.get_by_label("How many of these").fill("4")
        expect(page.get_by_role("button", name="Work it out again")).to_be_visible()
        slow[0].continue_()
        expect(page.locator("#takes")).to_contain_text("too much")


@pytest.mark.parametrize("failure", [429, 503, "connectionreset"])
def test_what_could_not_be_worked_out_is_worked_out_later(
    browser: Browser, city: Stand, address: str, failure: int | str
) -> None:
    with opened(browser, city, address, "u-hoa", language="en") as context:
        page = context.new_page()
        asked: list[str] = []

        def fail_once(route: Route) -> None:
            asked.append(route.request.url)
            if len(asked) > 1:
                route.continue_()
            elif isinstance(failure, int):
                route.fulfill(status=failure)
            else:
                route.abort(failure)

        page.route("**/requests/check", fail_once)
        page.goto(address + "/requests/new?item=plain-server")
        page.get_by_label("Large").check()
        page.get_by_label("How many of these").fill("4")
        expect(page.locator("#takes")).to_contain_text("too much")
        assert len(asked) == 2


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_key_is_made_saved_as_a_file_and_gone_from_the_next_page(
    browser: Browser, city: Stand, address: str, tmp_path: Path, scripts: bool
) -> None:
    with opened(browser, city, address, "u-hoa", java_script_enabled=scripts) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(address + "/requests/new?item=plain-server")
        page.get_by_label("Tên máy").fill("web-11")
        page.get_by_label("Mục đích").fill("Trang tiếp nhận hồ sơ trực tuyến")
        page.get_by_role("button", name="Tạo khóa cho tôi").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Lưu khóa về máy").click()
        assert download.value.suggested_filename == "citycloud-hoa.key"
        file = tmp_path / "saved.key"
        download.value.save_as(file)
        file.chmod(0o600)
        derived = subprocess.run(
            ["ssh-keygen", "-y", "-P", "", "-f", str(file)], capture_output=True, text=True, check=True
        ).stdout
        public = page.get_by_label("Khóa SSH công khai").input_value()
        assert derived.split()[:2] == public.split()[:2]
        page.get_by_text("Hoặc chép từ đây").click()
        shown = page.get_by_role("textbox", name="Khóa bí mật")
        assert shown.input_value() == file.read_text()
        assert shown.is_editable() is False
        assert page.get_by_label("Tên máy").input_value() == "web-11"
        page.get_by_role("button", name="Gửi yêu cầu").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("YC-2026-")
        expect(page.locator("body")).to_contain_text(public.split()[1])
        expect(page.locator("body")).not_to_contain_text("PRIVATE")
        assert complaints == []


@pytest.mark.parametrize(("language", "screen"), [("vi", "desk"), ("en", "phone")])
def test_the_page_that_shows_a_key_fits_and_breaks_no_rule_of_wcag(
    browser: Browser, city: Stand, address: str, language: str, screen: str
) -> None:
    width = SCREENS[screen]
    with opened(
        browser, city, address, "u-hoa", language=language, viewport={"width": width, "height": 900}
    ) as context:
        page = context.new_page()
        page.goto(address + "/requests/new?item=plain-server")
        page.locator("button[value^='key:']").click()
        page.locator(".made-key summary").click()
        keep(page, f"made-key-{language}-{screen}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == {}


@pytest.mark.parametrize(("language", "theme", "screen"), [("vi", "light", "desk"), ("en", "dark", "phone")])
@pytest.mark.parametrize("action", ["rebuild", "revert", "transfer", "delete_snapshot"])
def test_what_loses_something_is_asked_once_more_in_plain_words(
    browser: Browser, city: Stand, address: str, language: str, theme: str, screen: str, action: str
) -> None:  # fmt: skip
    width = SCREENS[screen]
    with opened(
        browser, city, address, "u-hoa", language=language, color_scheme=theme,
        viewport={"width": width, "height": 900},
    ) as context:  # fmt: skip
        page = context.new_page()
        page.goto(address + "/deployments/d-hongbang")
        page.locator("#to").select_option("u-nam")
        page.locator(f"form:has(input[name=action][value={action}]) button").first.click()
        asked = page.locator("form.alert")
        expect(asked.locator("p").first).not_to_be_empty()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        keep(page, f"sure-{action}-{language}-{theme}-{screen}")
        assert violations(page) == {}
        before = city.services.living["d-hongbang"].version
        asked.get_by_role("link").click()
        assert city.services.living["d-hongbang"].version == before


def test_a_server_is_opened_kept_and_made_new_without_a_script(
    browser: Browser, city: Stand, address: str
) -> None:
    with opened(browser, city, address, "u-hoa", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address + "/deployments/d-hongbang")
        page.get_by_text("Mở thêm").click()
        page.get_by_label("Dịch vụ").select_option("ssh")
        page.get_by_label("Ai", exact=True).select_option("everybody")
        page.get_by_role("button", name="Mở", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("#wrong-source")).to_contain_text("Không mở được")
        assert page.get_by_label("Dịch vụ").input_value() == "ssh"
        keep(page, "open-refused-vi")
        page.get_by_label("Ai", exact=True).select_option("agency")
        page.get_by_role("button", name="Mở", exact=True).click()
        expect(page.locator(".events").last).to_contain_text("open")
        page.get_by_label("Tên bản chụp mới").fill("Trước khi nâng cấp")
        page.get_by_role("button", name="Chụp ngay").click()
        expect(page.locator(".events").last).to_contain_text("snapshot")
        page.get_by_role("button", name="Cài lại ổ hệ thống").click()
        expect(page.locator("form.alert")).to_contain_text("sẽ mất")
        page.get_by_role("button", name="Đồng ý, thực hiện").click()
        expect(page.locator(".events").last).to_contain_text("rebuild")


def test_a_disk_that_is_made_new_is_shown_as_it_happens(browser: Browser, city: Stand, address: str) -> None:
    found = city.services.living["d-hongbang"]
    done = found.upkeep.rebuild
    assert done is not None
    running = replace(done.phases[1], state="running", ended=None)
    under_way = replace(done, state="wanted", phases=(done.phases[0], running))

    def show(rebuild: Rebuild) -> None:
        now = city.services.living["d-hongbang"]
        city.services.living["d-hongbang"] = replace(now, upkeep=replace(now.upkeep, rebuild=rebuild))

    show(replace(under_way, phases=(replace(done.phases[0], state="running", ended=None),)))
    with opened(browser, city, address, "u-hoa") as context:
        page = context.new_page()
        with page.expect_response("**/events"):
            page.goto(f"{address}/deployments/d-hongbang")
        expect(page.locator(".steps .running .name")).to_have_text("Làm mới ổ hệ thống")
        show(under_way)
        expect(page.locator(".steps .running .name")).to_contain_text("Cài đặt phần mềm")
        show(done)
        expect(page.locator(".steps .running")).to_have_count(0)


def test_what_is_typed_while_something_is_made_is_not_lost(
    browser: Browser, city: Stand, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = city.services.living["d-hongbang"]
    one, other = (replace(living.upkeep.snapshots[0], id=id, state="ready") for id in ("s-1", "s-2"))

    def show(*snapshots: Snapshot) -> None:
        now = replace(living, upkeep=replace(living.upkeep, snapshots=snapshots))
        monkeypatch.setitem(city.services.living, "d-hongbang", now)

    show(replace(one, state="wanted"), replace(other, state="wanted"))
    with opened(browser, city, address, "u-hoa") as context:
        page = context.new_page()
        with page.expect_response("**/events"):
            page.goto(f"{address}/deployments/d-hongbang")
        page.evaluate("window.loadedOnce = true")
        name, rows = page.get_by_label("Tên bản chụp mới"), page.locator("#snapshots tbody tr")
        name.fill("Trước khi nâng")
        show(one, replace(other, state="wanted"))
        expect(rows.first).to_contain_text("Sẵn sàng")
        expect(name).to_have_value("Trước khi nâng")
        expect(name).to_be_focused()
        name.press_sequentially(" cấp")
        with page.expect_event("requestfinished", lambda asked: asked.url.endswith("/events")):
            show(one, other)
        expect(rows.last).to_contain_text("Sẵn sàng")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.loadedOnce")
        expect(name).to_have_value("Trước khi nâng cấp")


def test_a_page_that_tells_what_is_wrong_stays_as_it_is(
    browser: Browser, city: Stand, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = city.services.living["d-hongbang"]
    one = replace(living.upkeep.snapshots[0], state="wanted")
    busy = replace(living, upkeep=replace(living.upkeep, snapshots=(one,)))
    monkeypatch.setitem(city.services.living, "d-hongbang", busy)
    with opened(browser, city, address, "u-hoa") as context:
        page = context.new_page()
        page.goto(f"{address}/deployments/d-hongbang")
        expect(page.locator("[data-events]")).to_have_count(1)
        page.get_by_text("Mở thêm").click()
        page.get_by_label("Dịch vụ").select_option("ssh")
        page.get_by_label("Ai", exact=True).select_option("everybody")
        page.get_by_role("button", name="Mở", exact=True).click()
        expect(page.locator("#wrong-source")).to_contain_text("Không mở được")
        expect(page.locator("[data-events]")).to_have_count(0)


def test_progress_is_shown_as_it_happens(browser: Browser, city: Stand, address: str) -> None:
    made = city.services.submit(PEOPLE["u-hoa"], a_draft("Để xem tiến độ trực tiếp"), "live-progress-1")
    with opened(browser, city, address, "u-hoa") as context:
        page = context.new_page()
        with page.expect_response("**/events"):
            page.goto(f"{address}/requests/{made}")
        expect(page.locator(".steps .running .name")).to_have_text("Phê duyệt")
        city.services.advance(made, 2)
        expect(page.locator(".steps .running .name")).to_have_text("Cài đặt bên trong")


def test_progress_before_the_page_listens_is_shown_too(browser: Browser, city: Stand, address: str) -> None:
    made = city.services.submit(PEOPLE["u-hoa"], a_draft("Để xem tiến độ sớm"), "live-progress-2")
    with opened(browser, city, address, "u-hoa") as context:
        page = context.new_page()
        slow = held(page, "**/events")
        page.goto(f"{address}/requests/{made}")
        expect(page.locator(".steps .running .name")).to_have_text("Phê duyệt")
        city.services.advance(made, 2)
        slow[0].continue_()
        expect(page.locator(".steps .running .name")).to_have_text("Cài đặt bên trong")


def test_a_request_is_printed_with_places_to_sign_and_without_the_menu(
    browser: Browser, city: Stand, address: str
) -> None:
    with opened(browser, city, address, "u-hoa") as context:
        page = context.new_page()
        page.goto(f"{address}/requests/r13")
        page.emulate_media(media="print")
        expect(page.locator("nav")).to_be_hidden()
        expect(page.locator(".signatures")).to_be_visible()


def test_nothing_but_names_is_the_same_in_both_languages(browser: Browser, city: Stand, address: str) -> None:
    for person, path in PAGES:
        texts = {}
        for language in ("vi", "en"):
            with opened(browser, city, address, person, language=language) as context:
                page = context.new_page()
                page.goto(address + path)
                texts[language] = set(page.locator("body").inner_text().split("\n"))
        same = {text for text in texts["vi"] & texts["en"] if re.search(r"[^\W\d_]{3}", text)}
        written_by_people = {
            text for text in same
            if re.search(BY_PEOPLE, text)
            or re.fullmatch(r"[a-z]+|OpenAPI|Để .*|[\d.,\s]*(GiB|[KM]iB/s)", text)
        }  # fmt: skip
        assert same - written_by_people == set(), path


def sign_in(page: Page, id: str) -> None:
    person = PEOPLE[id]
    page.get_by_label("Cơ quan").select_option(person.agency)
    page.get_by_label("Tên đăng nhập").fill(person.name)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()


class Screen(BaseHTTPRequestHandler):
    """What stands where a screen would be: it says what the browser told of where it came from."""

    def do_GET(self) -> None:
        told = f"{self.path} from {self.headers.get('Referer', 'nowhere')}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_screen_opens_in_a_tab_of_its_own_as_often_as_one_likes(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, scripts: bool
) -> None:
    """Another origin by its address, as a site without names in its DNS has it."""
    with ThreadingHTTPServer(("127.0.0.2", 0), Screen) as screens:
        threading.Thread(target=screens.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.2:{screens.server_port}"
        monkeypatch.setattr(memory, "CONSOLE", origin)
        city = Stand(own=True, more={"console_origin": origin})
        with (
            served(city.app) as address,
            opened(browser, city, address, "u-hoa", java_script_enabled=scripts) as context,
        ):
            page = context.new_page()
            page.goto(f"{address}/deployments/d-hongbang")
            for _ in range(2):
                with context.expect_page() as tab:
                    page.get_by_role("button", name="Màn hình và bàn phím").click()
                tab.value.wait_for_url(f"{origin}/vnc_lite.html?path=%3Ftoken%3Dsecret")
                shown = tab.value.locator("body").inner_text()
                assert shown == "/vnc_lite.html?path=%3Ftoken%3Dsecret from nowhere"
            assert page.url == f"{address}/deployments/d-hongbang"
        screens.shutdown()

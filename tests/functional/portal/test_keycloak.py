"""Sign-in at a real Keycloak with the realm that the role `keycloak` imports, in a real Chromium."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from infra.portal import oidc
from infra.portal.identity import DirectoryUnreachable
from infra.portal.oidc import OpenId, Provider
from infra.portal.session import Access
from tests.functional.portal.keycloak import CLIENT, PASSWORD, SECRET, Keycloak, running
from tests.functional.portal.memory import AGENCIES
from tests.functional.portal.portal import Stand, served
from tests.functional.portal.test_browser import violations

PATIENCE_SECONDS = 60
"""For a page, and for Keycloak's answers: the machine may have a cloud to run beside this."""


@dataclass
class Site:
    """The portal at `address`, whose people sign in at `keycloak`."""

    stand: Stand
    address: str
    keycloak: Keycloak


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One Keycloak for all: its start is most of what these tests take."""
    stand = Stand(own=True)
    with (
        pytest.MonkeyPatch.context() as patience,
        served(stand.app) as address,
        running(tmp_path_factory.mktemp("keycloak"), address) as keycloak,
    ):
        patience.setattr(oidc, "SECONDS", PATIENCE_SECONDS)
        openid = _openid(keycloak, keycloak.issuer)
        stand.access = Access(stand.sessions, stand.directory, stand.clock, openid)
        stand.wiring = replace(stand.wiring, access=stand.access, openid=openid)
        stand.app.state.wiring = stand.wiring
        yield Site(stand, address, keycloak)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that reads Vietnamese; nobody is signed in."""
    with browser.new_context(ignore_https_errors=True, locale="vi-VN") as made:
        made.set_default_timeout(PATIENCE_SECONDS * 1000)
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        yield made


def _openid(keycloak: Keycloak, issuer: str) -> OpenId:
    settings = Provider(issuer, CLIENT, SECRET, authority=str(keycloak.authority))
    return OpenId(settings, frozenset(AGENCIES), lambda: datetime.now(UTC))


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("CITYCLOUD_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"keycloak-{name}.png", full_page=True)


def sign_in(page: Page, site: Site, name: str, place: str = "/") -> None:
    """The way of a person: the portal's link, Keycloak's page, and wherever that leads."""
    page.goto(f"{site.address}/sign-in?next={place}")
    keep(page, "portal")
    page.get_by_role("link", name="Đăng nhập bằng tài khoản của thành phố").click()
    page.locator("#username").fill(name)
    page.locator("#password").fill(PASSWORD)
    keep(page, "sign-in")
    page.locator("#kc-login").click()


def me(page: Page, site: Site) -> dict[str, object] | None:
    """Who the portal says is signed in."""
    answer = page.request.get(f"{site.address}/api/v1/me")
    found: dict[str, object] = answer.json()
    return found if answer.ok else None


def test_a_person_signs_in_and_out_and_both_sessions_are_over(site: Site, context: BrowserContext) -> None:
    person = site.keycloak.add_person("hoa", "hongbang", ("member", "approver"))
    page = context.new_page()
    sign_in(page, site, "hoa", "/requests")
    expect(page).to_have_url(f"{site.address}/requests")
    known = me(page, site)
    assert known is not None
    assert (known["agency"], sorted(known["roles"])) == ("hongbang", ["approver", "member"])  # type: ignore[call-overload]
    expect(page.locator(".me")).to_have_text("Nguyễn Thị Hoa")
    assert site.keycloak.sessions(person) == 1
    page.get_by_role("button", name="Đăng xuất").click()
    page.wait_for_url(re.compile(re.escape(f"{site.address}/sign-in")))
    assert me(page, site) is None
    assert site.keycloak.sessions(person) == 0
    page.get_by_role("link", name="Đăng nhập bằng tài khoản của thành phố").click()
    expect(page.locator("#password")).to_be_visible()


def test_who_does_not_get_to_keycloak_is_told_that_they_are_signed_out_here(
    site: Site, context: BrowserContext
) -> None:
    site.keycloak.add_person("chi", "hongbang", ("member",))
    page = context.new_page()
    sign_in(page, site, "chi")
    page.set_viewport_size({"width": 390, "height": 700})
    page.route("**/protocol/openid-connect/logout?*", lambda route: route.fulfill(status=204))
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đã đăng xuất")
    assert page.get_by_role("link", name="Kết thúc phiên ở dịch vụ đăng nhập").is_visible()
    keep(page, "signed-out")
    assert violations(page) == {}
    assert me(page, site) is None


@pytest.mark.parametrize(
    ("name", "agency", "roles"),
    [
        ("khong-vai-tro", "hongbang", ()),
        ("khong-co-quan", "", ("member",)),
        ("la", "khong-co", ("operator",)),
    ],
)
def test_an_account_without_agency_or_role_is_refused_in_plain_words(
    site: Site, context: BrowserContext, name: str, agency: str, roles: tuple[str, ...]
) -> None:
    person = site.keycloak.add_person(name, agency, roles)
    page = context.new_page()
    sign_in(page, site, name)
    expect(page.get_by_role("alert")).to_contain_text("chưa gắn với cơ quan hoặc vai trò")
    keep(page, "refused")
    assert violations(page) == {}
    assert me(page, site) is None
    assert site.stand.services.log[-1].action == "session.refuse"
    page.get_by_role("link", name="Đăng nhập bằng tài khoản khác").click()
    page.wait_for_url(re.compile(re.escape(f"{site.address}/sign-in")))
    assert site.keycloak.sessions(person) == 0


def test_a_role_that_was_taken_away_is_gone_while_the_session_lasts(
    site: Site, context: BrowserContext
) -> None:
    person = site.keycloak.add_person("binh", "hongbang", ("member", "approver"))
    page = context.new_page()
    sign_in(page, site, "binh")
    expect(page.locator(".me")).to_be_visible()
    site.keycloak.take(person, "approver")
    site.stand.later(timedelta(minutes=6))
    known = me(page, site)
    assert known is not None
    assert known["roles"] == ["member"]
    site.keycloak.take(person, "member")
    site.stand.later(timedelta(minutes=6))
    assert me(page, site) is None
    page.goto(f"{site.address}/requests")
    expect(page.get_by_role("heading", level=1)).to_have_text("Đăng nhập")


def test_a_session_that_was_ended_at_keycloak_ends_here(site: Site, context: BrowserContext) -> None:
    person = site.keycloak.add_person("mai", "lechan", ("member",))
    page = context.new_page()
    sign_in(page, site, "mai")
    expect(page.locator(".me")).to_be_visible()
    site.stand.later(timedelta(minutes=6))
    assert me(page, site) is not None
    site.keycloak.call("POST", f"/users/{person}/logout")
    site.stand.later(timedelta(minutes=6))
    assert me(page, site) is None


def test_a_code_that_is_too_old_opens_nothing_and_says_to_sign_in_again(
    site: Site, context: BrowserContext
) -> None:
    site.keycloak.add_person("son", "lechan", ("approver",))
    site.keycloak.call("PUT", "", {"accessCodeLifespan": 1})
    page = context.new_page()
    page.goto(f"{site.address}/oidc/start")
    form = page.locator("#kc-form-login").get_attribute("action")
    assert form is not None
    entered = {"username": "son", "password": PASSWORD}
    back = page.request.post(form, form=entered, max_redirects=0).headers["location"]
    time.sleep(3)
    page.goto(back)
    expect(page.get_by_role("alert")).to_contain_text("hãy đăng nhập lại")
    assert me(page, site) is None
    site.keycloak.call("PUT", "", {"accessCodeLifespan": 60})


def test_keycloak_gives_no_code_without_pkce(site: Site) -> None:
    asked = {
        "client_id": CLIENT, "response_type": "code", "scope": "openid", "state": "s",
        "redirect_uri": f"{site.address}/oidc/callback",
    }  # fmt: skip
    place = f"{site.keycloak.issuer}/protocol/openid-connect/auth"
    answer = httpx.get(place, params=asked, verify=site.keycloak.trust)
    assert (answer.status_code, "error=invalid_request" in answer.headers["location"]) == (302, True)
    elsewhere = {**asked, "redirect_uri": "https://evil.test/oidc/callback"}
    assert httpx.get(place, params=elsewhere, verify=site.keycloak.trust).status_code == 400


def test_an_issuer_that_calls_itself_otherwise_is_refused_with_its_name(site: Site) -> None:
    other = site.keycloak.issuer.replace("localhost", "127.0.0.1")
    with pytest.raises(DirectoryUnreachable, match=re.escape(f"says that it is '{site.keycloak.issuer}'")):
        _openid(site.keycloak, other).begin(f"{site.address}/oidc/callback")


def test_a_server_of_another_authority_is_not_believed(site: Site) -> None:
    settings = Provider(site.keycloak.issuer, CLIENT, SECRET)
    strange = OpenId(settings, frozenset(AGENCIES), lambda: datetime.now(UTC))
    with pytest.raises(DirectoryUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        strange.begin(f"{site.address}/oidc/callback")


def test_nobody_writes_the_agency_of_their_own_account(site: Site) -> None:
    profile = site.keycloak.call("GET", "/users/profile")
    edit = {one["name"]: one["permissions"]["edit"] for one in profile["attributes"]}
    assert edit["agency"] == ["admin"]
    assert "unmanagedAttributePolicy" not in profile

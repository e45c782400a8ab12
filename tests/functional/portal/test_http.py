"""The portal over HTTP: signing in, forged forms, limits, headers, idempotency, what programs are told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from limits import parse

from infra.domain.estate import AgencyClosed
from infra.domain.session import Scope, Session
from infra.domain.words import Words
from infra.portal.guard import LARGEST_BODY
from infra.portal.interface import NewDelegation
from infra.portal.rates import Rates
from tests.functional.portal.memory import CONSOLE, PASSWORD, PEOPLE, a_draft
from tests.functional.portal.portal import ORIGIN, Client, Stand

HOA, BINH = PEOPLE["u-hoa"], PEOPLE["u-binh"]
DRAFT = {
    "items": [{"item": "plain-server", "values": {"size": "nho", "name": "web-03"}}],
    "purpose": "Một máy để thử",
}
FORM = {
    "items[0].item": "plain-server", "items[0].values.size": "nho", "items[0].values.name": "web-07",
    "items[0].count": "1", "purpose": "Trang tiếp nhận hồ sơ", "end": "30/06/2027", "do": "submit",
}  # fmt: skip


def token(stand: Stand, person: str, *scopes: Scope, days: int = 1) -> str:
    session = stand.access.session(stand.access.begin(PEOPLE[person], "keystone", ""))
    assert session is not None
    return stand.access.issue(session, "test", frozenset(scopes), days)[1]


def program(stand: Stand, person: str, *scopes: Scope) -> Client:
    made = stand.client()
    made.headers["Authorization"] = f"Bearer {token(stand, person, *scopes)}"
    return made


# Signing in -----------------------------------------------------------------------------------------------


def test_the_right_password_begins_a_session_that_no_script_can_read(stand: Stand) -> None:
    with stand.client() as client:
        answer = client.sign_in(HOA)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = next(
            one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-session")
        )
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(re.split("; ", cookie))
        assert "Nguyễn Thị Hoa" in client.get("/").text
        assert client.get("/sign-in").status_code == 303
    assert stand.services.log[-1].action == "session.begin"


def test_a_wrong_password_is_refused_without_a_word_on_what_is_wrong_and_recorded(stand: Stand) -> None:
    with stand.client() as client:
        answer = client.sign_in(HOA, "khong phai")
        assert answer.status_code == 401
        assert "Cơ quan, tên đăng nhập hoặc mật khẩu không đúng" in answer.text
        assert "khong phai" not in answer.text
        assert client.get("/").headers["location"].startswith("/sign-in")
    assert stand.services.log[-1].action == "session.refuse"


def test_a_session_planted_before_signing_in_is_worth_nothing(stand: Stand) -> None:
    with stand.client() as client:
        client.cookies.set("__Host-session", "planted")
        client.sign_in(HOA)
        client.cookies.clear()
        client.cookies.set("__Host-session", "planted")
        assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    ("place", "to"),
    [("/requests?mine=true", "/requests?mine=true"), ("//evil.test", "/"), ("https://evil.test", "/"),
     ("/\\evil.test", "/"), ("/\tevil", "/")],
)  # fmt: skip
def test_signing_in_leads_back_to_a_page_of_ours_only(stand: Stand, place: str, to: str) -> None:
    with stand.client() as client:
        answer = client.submit(
            "/sign-in", "/sign-in", agency=HOA.agency, name=HOA.name, password=PASSWORD, next=place
        )
        assert answer.headers["location"] == to


def test_an_account_is_closed_to_guessing_while_others_still_get_in(stand: Stand) -> None:
    with stand.client() as client:
        statuses = [client.sign_in(HOA, "wrong").status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        assert client.sign_in(HOA).status_code == 429
        assert client.sign_in(BINH).status_code == 303


def test_a_session_ends_when_it_idles_and_at_the_latest_after_a_working_day(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        stand.later(timedelta(minutes=31))
        assert client.get("/").status_code == 303
    with stand.as_person("u-hoa") as client:
        for _ in range(24):
            stand.later(timedelta(minutes=20))
            assert client.get("/").status_code == 200
        stand.later(timedelta(minutes=20))
        assert client.get("/").status_code == 303


def test_signing_out_everywhere_ends_every_session_of_the_person(stand: Stand) -> None:
    with (
        stand.as_person("u-hoa") as office,
        stand.as_person("u-hoa") as home,
        stand.as_person("u-binh") as other,
    ):
        assert office.submit("/sign-out", "/account", all="1").status_code == 303
        assert [one.get("/").status_code for one in (office, home, other)] == [303, 303, 200]


def test_people_stay_signed_in_while_the_directory_is_away_for_an_hour_at_most(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        stand.directory.down = True
        for _ in range(3):
            stand.later(timedelta(minutes=20))
            assert client.get("/").status_code == 200
        stand.later(timedelta(minutes=5))
        assert client.get("/").status_code == 503
        assert client.get("/api/v1/me").json()["code"] == "directory_unreachable"
    with stand.client() as client:
        assert client.sign_in(HOA).status_code == 503


def test_nobody_of_an_agency_that_leaves_the_cloud_signs_in_and_is_told_why(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(session: Session) -> None:
        raise AgencyClosed(session.person.agency)

    monkeypatch.setattr(stand.sessions, "add_session", closed)
    with stand.client() as client:
        answer = client.sign_in(HOA)
        assert answer.status_code == 403
        assert "Cơ quan này đang rời khỏi hoặc đã rời khỏi đám mây của thành phố" in answer.text
        assert "__Host-session" not in str(answer.headers)
        assert client.get("/").headers["location"].startswith("/sign-in")


# Forged forms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "", "0" * 64])
def test_a_form_without_its_sessions_token_changes_nothing(stand: Stand, given: str | None) -> None:
    before = len(stand.services.found)
    with stand.as_person("u-hoa") as client:
        fields = {**FORM, "key": "key-12345678", **({} if given is None else {"csrf": given})}
        assert client.post("/requests/new", data=fields).status_code == 403
    assert len(stand.services.found) == before


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_a_form_from_another_site_changes_nothing_even_with_the_token(
    stand: Stand, headers: dict[str, str]
) -> None:
    with stand.as_person("u-hoa") as client:
        fields = {**FORM, "csrf": client.csrf_or(""), "key": "key-12345678"}
        assert client.post("/requests/new", data=fields, headers=headers).status_code == 403
        assert client.post("/requests/new", data=fields, headers={"Origin": ORIGIN}).status_code == 303


def test_one_persons_token_does_not_fit_anothers_session(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client, stand.as_person("u-mai") as other:
        fields = {**FORM, "csrf": other.csrf_or(""), "key": "key-12345678"}
        assert client.post("/requests/new", data=fields).status_code == 403


def test_the_api_takes_a_change_by_cookie_only_with_the_sessions_token_in_a_header(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        key = {"Idempotency-Key": "key-12345678"}
        assert client.post("/api/v1/requests", json=DRAFT, headers=key).json()["code"] == "forged"
        answer = client.post("/api/v1/requests", json=DRAFT, headers={**key, **client.headers_of_a_script()})
        assert answer.status_code == 201


def test_a_token_cannot_send_a_pages_form(stand: Stand) -> None:
    with program(stand, "u-hoa", *Scope) as client:
        assert client.post("/account/tokens", data={"name": "more"}).status_code == 403


# Limits and headers ---------------------------------------------------------------------------------------


def test_too_many_questions_are_put_off_with_a_time_to_wait() -> None:
    stand = Stand(more={"rates": Rates(read=parse("3/minute"))})
    with stand.as_person("u-hoa") as client:
        answers = [client.get("/api/v1/me") for _ in range(4)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_too_many_changes_of_a_person_are_put_off() -> None:
    stand = Stand(more={"rates": Rates(change=parse("2/minute"))})
    with stand.as_person("u-hoa") as client:
        fields = {**FORM, "csrf": client.csrf_or(""), "do": "check"}
        assert [client.post("/requests/new", data=fields).status_code for _ in range(3)] == [200, 200, 429]


def test_a_body_that_is_too_large_is_refused_announced_or_not(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        large = {**FORM, "purpose": "x" * LARGEST_BODY}
        assert client.post("/requests/new", data=large).status_code == 413

        def drops() -> object:
            for _ in range(LARGEST_BODY // 1000 + 10):
                yield b"x" * 1000

        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/requests/new", content=drops(), headers=form).status_code in (400, 413)


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nowhere", "/static/portal.js", "/api/v1/me", "/audit/export.csv"]
)
def test_every_answer_has_the_headers_that_keep_it_safe(stand: Stand, path: str) -> None:
    with stand.as_person("u-lan") as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert headers["cache-control"] == "no-store" or path.startswith("/static")


def test_no_page_has_code_or_style_of_its_own(stand: Stand) -> None:
    paths = [
        "/",
        "/catalog",
        "/requests/new?item=plain-server",
        "/requests/r12",
        "/approvals/r12",
        "/audit",
        "/account",
    ]
    with stand.as_person("u-dung") as client:
        for path in paths:
            text = client.get(path).text
            assert re.findall(r"<script>|<style|\sstyle=|\son\w+=|javascript:", text) == []
            assert re.findall(r"(?:src|href|action)=\"https?:", text) == []


def test_what_people_wrote_is_never_markup(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        wicked = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        answer = client.submit(
            "/requests/new", "/requests/new?item=plain-server", **{**FORM, "purpose": wicked}
        )
        page = client.get(answer.headers["location"]).text
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in page


# Requests and idempotency ---------------------------------------------------------------------------------


def test_a_form_that_is_sent_twice_makes_one_request(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        page = client.get("/requests/new?item=plain-server").text
        key = re.search('name="key" value="([^"]+)"', page)
        assert key is not None
        fields = {**FORM, "csrf": client.csrf_or(""), "key": key[1]}
        first, second = (client.post("/requests/new", data=fields) for _ in range(2))
        assert first.headers["location"] == second.headers["location"]
        other = client.post("/requests/new", data={**fields, "purpose": "Một việc hoàn toàn khác"})
        assert other.status_code == 409


def test_a_form_that_is_not_right_comes_back_as_it_was_with_what_is_wrong(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        wrong = {**FORM, "items[0].values.name": "Máy 1", "end": "hôm nào", "purpose": ""}
        answer = client.submit("/requests/new", "/requests/new?item=plain-server", **wrong)
        assert answer.status_code == 422
        assert 'value="Máy 1"' in answer.text
        assert answer.text.count('aria-invalid="true"') == 3
        assert "Hãy viết ngày như 31/12/2026" in answer.text


def test_the_form_gains_and_loses_items_without_a_script(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        fields = {**FORM, "csrf": client.csrf_or(""), "do": "add:", "add": "database-server"}
        text = client.post("/requests/new", data=fields).text
        assert 'name="items[1].item" value="database-server"' in text
        assert 'value="web-07"' in text
        fields |= {"items[1].item": "database-server", "items[1].values.name": "db-1", "do": "remove:0"}
        text = client.post("/requests/new", data=fields).text
        assert 'name="items[0].item" value="database-server"' in text
        assert 'value="db-1"' in text
        assert "items[1].item" not in text


def test_a_person_without_a_key_has_one_made_which_is_shown_once_and_loses_nothing(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        fields = {**FORM, "csrf": client.csrf_or(""), "key": "key-12345678", "emergency": "true"}
        fields |= {"do": "key:items[0].values.key"}
        answer = client.post("/requests/new", data=fields)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        private = re.findall(r"-----BEGIN OPENSSH PRIVATE KEY-----[^<]+-----END [^<]+", answer.text)
        assert len(private) == 1
        public = re.findall(r"(ssh-ed25519 [\w+/=]+ hoa@citycloud)</textarea>", answer.text)
        assert len(public) == 1
        for kept in ('value="web-07"', "Trang tiếp nhận hồ sơ", 'value="30/06/2027"', 'value="nho" checked'):
            assert kept in answer.text
        assert 'name="emergency" value="true" checked' in answer.text
        record = stand.services.log[-1]
        assert (record.action, record.about[:7]) == ("ssh_key.make", "SHA256:")
        assert "PRIVATE" not in repr(stand.services.log) + repr(stand.services.found)
        secret = "".join(private[0].splitlines()[1:-1])[40:80]
        assert secret not in repr(stand.services.log) + repr(stand.services.found)
        # Whatever is sent from there on shows it no more.
        again = {**fields, "items[0].values.key": public[0], "do": "check"}
        assert "PRIVATE" not in client.post("/requests/new", data=again).text
        made = client.post("/requests/new", data={**again, "do": "submit"})
        assert made.status_code == 303
        # The next form begins with the key that was given last, in each of its fields for one.
        new = client.get("/requests/new?item=plain-server").text
        assert public[0] in new
        assert "PRIVATE" not in new
    with stand.as_person("u-mai") as other:
        assert public[0] not in other.get("/requests/new?item=plain-server").text


@pytest.mark.parametrize("field", ["purpose", "items[0].values.name", "items[7].values.key", "csrf", ""])
def test_no_key_is_made_for_a_field_that_takes_none(stand: Stand, field: str) -> None:
    with stand.as_person("u-hoa") as client:
        before = len(stand.services.log)
        fields = {**FORM, "csrf": client.csrf_or(""), "key": "key-12345678", "do": f"key:{field}"}
        answer = client.post("/requests/new", data=fields)
        assert answer.status_code == 200
        assert "PRIVATE" not in answer.text
        assert len(stand.services.log) == before


def test_an_item_that_is_added_takes_the_key_of_the_form(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        fields = {**FORM, "csrf": client.csrf_or(""), "items[0].values.key": "ssh-ed25519 AAAA hoa@quan"}
        text = client.post("/requests/new", data={**fields, "do": "add:", "add": "plain-server"}).text
        assert text.count("ssh-ed25519 AAAA hoa@quan</textarea>") == 2


def test_a_decision_on_what_has_changed_meanwhile_is_not_taken(stand: Stand) -> None:
    with stand.as_person("u-binh") as client:
        old = str(stand.services.found["r12"].version)
        stand.services.advance("r12", 0)
        answer = client.submit("/approvals/r12", "/approvals/r12", verdict="approve", reason="", version=old)
        assert answer.status_code == 409
        assert stand.services.found["r12"].summary.state == "submitted"


def test_a_rejection_needs_a_reason_and_keeps_what_was_written(stand: Stand) -> None:
    with stand.as_person("u-binh") as client:
        version = str(stand.services.found["r12"].version)
        answer = client.submit(
            "/approvals/r12", "/approvals/r12", verdict="reject", reason="", version=version
        )
        assert answer.status_code == 422
        assert "Hãy ghi lý do" in answer.text
        done = client.submit(
            "/approvals/r12", "/approvals/r12", verdict="reject", reason="Trùng", version=version
        )
        assert done.headers["location"] == "/approvals?done=1"


def test_a_leave_is_delegated_and_ended_by_forms_alone(stand: Stand) -> None:
    place = "/approvals/delegations"
    with stand.as_person("u-binh") as binh, stand.as_person("u-hoa") as hoa:
        assert hoa.get("/approvals/r14").status_code == 404
        wrong = binh.submit(place, place, taker="", stage="agency", first="27/11/2026", last="hôm nào")
        assert wrong.status_code == 422
        assert wrong.text.count('aria-invalid="true"') == 2
        assert 'value="27/11/2026"' in wrong.text
        unknown = binh.submit(
            place, place, taker="u-mai", stage="agency", first="2026-11-27", last="2026-12-01"
        )
        assert "Hãy chọn một đồng nghiệp" in unknown.text
        done = binh.submit(place, place, taker="u-hoa", stage="agency", first="27/11/2026", last="01/12/2026")
        assert (done.status_code, done.headers["location"]) == (303, f"{place}?done=1")
        assert "Trần Văn Bình" in hoa.get("/").text
        assert "Đang có hiệu lực" in hoa.get(place).text
        assert "Ủy quyền mới" not in hoa.get(place).text
        given = stand.services.given[-1].id
        assert hoa.submit(f"{place}/{given}/revoke", place).status_code == 303
        assert "Đang có hiệu lực" not in hoa.get(place).text
        assert binh.submit(f"{place}/{given}/revoke", place).status_code == 409


def test_a_delegate_weighs_and_decides_by_the_pages(stand: Stand) -> None:
    wanted = NewDelegation("u-hoa", "agency", date(2026, 11, 27), date(2026, 12, 1))
    other = stand.services.submit(replace(HOA, id="u-tam", display_name="Tâm"), a_draft(), "by-another")
    with stand.as_person("u-hoa") as hoa:
        assert hoa.get(f"/approvals/{other}").status_code == 403
        stand.services.delegate(BINH, wanted, "")
        assert other in hoa.get("/approvals").text
        page = hoa.submit(
            f"/approvals/{other}", f"/approvals/{other}", verdict="approve", reason="",
            version=hoa.hidden(f"/approvals/{other}", "version"),
        )  # fmt: skip
        assert page.headers["location"] == "/approvals?done=1"
        # Their own request they do not sign, in nobody's place.
        assert 'name="verdict"' not in hoa.get("/approvals/r12").text


def test_an_emergency_that_was_not_justified_says_so_wherever_it_is_shown(stand: Stand) -> None:
    with stand.as_person("u-dung") as dung, stand.as_person("u-hoa") as hoa:
        assert "r16" in dung.get("/approvals/reviews").text
        empty = dung.submit("/approvals/r16/review", "/approvals/r16", verdict="reject", reason="")
        assert (empty.status_code, "Hãy ghi lý do" in empty.text) == (422, True)
        assert dung.submit("/approvals/r16/review", "/approvals/r16", reason="x").status_code == 422
        done = dung.submit("/approvals/r16/review", "/approvals/r16", verdict="reject", reason="Không gấp")
        assert done.headers["location"] == "/approvals/reviews?done=1"
        assert "r16" not in dung.get("/approvals/reviews").text
        page = hoa.get("/requests/r16").text
        assert "Không chính đáng" in page
        assert "Không gấp" in page


def test_a_note_on_a_deployment_stands_on_its_page(stand: Stand) -> None:
    one = stand.services.living["d-hongbang"]
    stand.services.living["d-hongbang"] = replace(one, note=Words("Sớm hết hạn vì …", "Ends soon because …"))
    with stand.as_person("u-hoa") as hoa:
        assert "Sớm hết hạn vì …" in hoa.get("/deployments/d-hongbang").text


def test_who_sees_one_agency_is_led_to_it(stand: Stand) -> None:
    with stand.as_person("u-binh") as binh, stand.as_person("u-lan") as lan:
        assert binh.get("/agencies").headers["location"] == "/agencies/hongbang"
        assert lan.get("/agencies").text.count('href="/agencies/') == 3
        assert [one["code"] for one in binh.get("/api/v1/agencies").json()] == ["hongbang"]


@pytest.mark.parametrize(("url", "there"), [("", False), ("https://ops.cong.test/", True)])
def test_the_teams_own_pages_are_linked_where_there_are_any(url: str, there: bool) -> None:
    with Stand(more={"ops_url": url}).as_person("u-dung") as dung:
        assert ("cảnh báo" in dung.get("/operations").text.lower()) is there


def test_a_menu_holds_what_its_reader_has_use_for(stand: Stand) -> None:
    wanted = {"u-hoa": set(), "u-binh": {"/approvals"}, "u-lan": {"/agencies", "/operations"},
              "u-dung": {"/approvals", "/agencies", "/operations"}}  # fmt: skip
    for person, there in wanted.items():
        with stand.as_person(person) as client:
            menu = re.search(r"<nav.*?</nav>", client.get("/account").text, flags=re.S)
            assert menu is not None
            found = set(re.findall('href="([^"]+)"', menu[0]))
            assert found & {"/approvals", "/agencies", "/operations"} == there


def test_a_notice_leads_to_what_it_is_about_and_is_read_then(stand: Stand) -> None:
    with stand.as_person("u-hoa") as hoa, stand.as_person("u-mai") as mai:
        assert "Thông báo chưa đọc" in hoa.get("/").text
        assert hoa.get("/notices").text.count("chưa đọc</strong>") == 1
        assert mai.submit("/notices/n2/open", "/notices").status_code == 404
        answer = hoa.submit("/notices/n2/open", "/notices")
        assert (answer.status_code, answer.headers["location"]) == (303, "/requests/r16")
        assert hoa.get("/api/v1/notices", params={"unread": True}).json()["items"] == []
        assert "Thông báo chưa đọc" not in hoa.get("/").text
    with stand.as_person("u-dung") as dung:
        assert dung.submit("/notices/read", "/notices").status_code == 303
        assert [one["read"] for one in dung.get("/api/v1/notices").json()["items"]] == [True]


def test_who_chooses_a_language_gets_their_mails_in_it(stand: Stand) -> None:
    with stand.as_person("u-hoa") as hoa:
        hoa.get("/requests")
        assert stand.services.languages == {}
        hoa.get("/requests?lang=en")
        hoa.get("/requests")
        assert stand.services.languages == {"u-hoa": "en"}
    with stand.client() as nobody:
        nobody.get("/sign-in?lang=en")
    assert stand.services.languages == {"u-hoa": "en"}


def test_stopping_a_server_asks_once_more(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        first = client.submit(
            "/deployments/d-hongbang", "/deployments/d-hongbang", action="stop", version="1"
        )
        assert first.status_code == 200
        assert "Đồng ý, thực hiện" in first.text
        assert stand.services.living["d-hongbang"].version == 1
        again = client.submit(
            "/deployments/d-hongbang", "/deployments/d-hongbang", action="stop", version="1", sure="yes"
        )
        assert again.status_code == 303
        assert stand.services.living["d-hongbang"].version == 2


@pytest.mark.parametrize("place", ["/deployments", "/deployments/d-hongbang"])
def test_a_server_that_was_switched_off_is_not_shown_as_running(stand: Stand, place: str) -> None:
    one = stand.services.living["d-hongbang"]
    stand.services.living["d-hongbang"] = replace(one, summary=replace(one.summary, power="off"))
    with stand.as_person("u-hoa") as client:
        assert 'class="state ">– Đã tắt<' in client.get(place).text


def test_a_screen_opens_by_an_address_that_no_page_has_and_no_other_site_is_told(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        page = client.get("/deployments/d-hongbang").text
        assert 'action="/deployments/d-hongbang/console" target="_blank" rel="noopener"' in page
        answer = client.submit("/deployments/d-hongbang/console", "/deployments/d-hongbang")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{CONSOLE}/vnc_lite.html?path=")
        assert (answer.headers["referrer-policy"], answer.text) == ("no-referrer", "")
        told = client.post("/api/v1/deployments/d-hongbang/console", headers=client.headers_of_a_script())
        assert (told.status_code, told.headers["referrer-policy"]) == (201, "no-referrer")
        assert told.json() == {"url": answer.headers["location"], "expires_at": "2026-11-27T02:32:00Z"}


def test_why_there_is_no_screen_stands_on_the_page_instead_of_its_button(stand: Stand) -> None:
    found = stand.services.living["d-hongbang"]
    stand.services.living["d-hongbang"] = replace(found, no_screen=Words("Máy đang tắt", "It is off"))
    with stand.as_person("u-hoa") as client:
        refused = client.post("/api/v1/deployments/d-hongbang/console", headers=client.headers_of_a_script())
        assert (refused.status_code, refused.json()["detail"]) == (409, "Máy đang tắt")
        page = client.get("/deployments/d-hongbang").text
        assert "Màn hình và bàn phím: Máy đang tắt" in page
        assert "_blank" not in page
    with stand.as_person("u-lan") as client:
        assert "/console" not in client.get("/deployments/d-hongbang").text


def test_a_form_leads_to_servers_screens_and_to_no_other_place(stand: Stand) -> None:
    for origin, leads in (("", "form-action 'self'"), (CONSOLE, f"form-action 'self' {CONSOLE}")):
        one = Stand(own=True, more={"console_origin": origin})
        with one.client() as client:
            policy = client.get("/status").headers["content-security-policy"]
            assert [part.strip() for part in policy.split(";") if "form-action" in part] == [leads]


# The API --------------------------------------------------------------------------------------------------


def test_a_problem_is_problem_json_with_a_stable_code_in_the_readers_language(stand: Stand) -> None:
    with program(stand, "u-hoa", Scope.READ) as client:
        answer = client.get("/api/v1/requests/r14", headers={"Accept-Language": "en-GB"})
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["title"] == "There is no such page"
        assert client.get("/api/v1/requests/r14").json()["title"] == "Không có trang này"
        assert client.get("/api/v1/nowhere").json()["code"] == "not_found"
        assert client.delete("/api/v1/me").json()["code"] == "method_not_allowed"


def test_a_draft_that_is_not_right_names_its_fields(stand: Stand) -> None:
    with program(stand, "u-hoa", Scope.REQUEST) as client:
        key = {"Idempotency-Key": "key-12345678"}
        bad = {**DRAFT, "purpose": "x"}
        problems = client.post("/api/v1/requests", json=bad, headers=key).json()["problems"]
        assert [one["field"] for one in problems] == ["purpose"]
        malformed = {"items": [{"item": "plain-server", "count": 0}], "strange": 1}
        problems = client.post("/api/v1/requests", json=malformed, headers=key).json()["problems"]
        assert {one["field"] for one in problems} == {"items[0].count", "strange"}
        assert client.post("/api/v1/requests", json=DRAFT).status_code == 422


def test_a_call_with_the_same_key_makes_one_request(stand: Stand) -> None:
    with program(stand, "u-hoa", Scope.REQUEST, Scope.READ) as client:
        key = {"Idempotency-Key": "key-12345678"}
        made = [client.post("/api/v1/requests", json=DRAFT, headers=key) for _ in range(2)]
        assert made[0].json() == made[1].json()
        assert client.get(made[0].headers["location"]).json()["summary"]["state"] == "submitted"


def test_a_list_is_read_page_by_page_to_its_end(stand: Stand) -> None:
    with program(stand, "u-dung", Scope.READ) as client:
        seen, after = [], ""
        for _ in range(10):
            page = client.get("/api/v1/requests", params={"limit": 3, "after": after}).json()
            seen += [one["id"] for one in page["items"]]
            after = page["next"]
            if not after:
                break
        assert seen == ["r17", "r16", "r15", "r14", "r13", "r12"]


def test_a_token_is_shown_once_ends_in_time_and_can_be_revoked(stand: Stand) -> None:
    with stand.as_person("u-hoa") as client:
        page = client.submit("/account/tokens", "/account", name="bao cao", scopes="read", days="30").text
        found = re.search(r"cityc_[\w-]{40,}", page)
        assert found is not None
        assert found[0] not in client.get("/account").text
        assert all(found[0] not in repr(one) for one in stand.sessions.kept.values())
        with stand.client() as script:
            script.headers["Authorization"] = f"Bearer {found[0]}"
            assert script.get("/api/v1/me").json()["scopes"] == ["read"]
            id = next(iter(stand.sessions.kept.values())).id
            assert client.submit(f"/account/tokens/{id}/revoke", "/account").status_code == 303
            assert script.get("/api/v1/me").status_code == 401
    with program(stand, "u-hoa", Scope.READ) as script:
        stand.later(timedelta(days=1, seconds=1))
        assert script.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("days", ["0", "91", "-1", "x", "99999"])
def test_no_token_lives_longer_than_the_city_allows(stand: Stand, days: str) -> None:
    with stand.as_person("u-hoa") as client:
        answer = client.submit("/account/tokens", "/account", name="lau dai", scopes="read", days=days)
        assert answer.status_code == 422
    assert stand.sessions.kept == {}


def test_progress_comes_as_events_and_ends_with_the_request(stand: Stand) -> None:
    with (
        program(stand, "u-hoa", Scope.READ) as client,
        client.stream("GET", "/api/v1/requests/r13/events") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    assert re.findall(r"^event: (\w+)", text, flags=re.M) == ["progress", "end"]
    assert '"state": "fulfilled"' in text


def test_every_answer_of_the_api_is_documented_with_its_problems(stand: Stand) -> None:
    with stand.client() as client:
        document = client.get("/api/v1/openapi.json").json()
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            assert path.startswith("/api/v1/")
            assert call["summary"], f"{method} {path}"
            who = () if call.get("security") == [] else ("401", "403")
            for status in (*who, "422", "429", "503"):
                assert "application/problem+json" in call["responses"][status]["content"], f"{method} {path}"
            assert ("404" in call["responses"]) == ("{id}" in path)
            key = [one for one in call.get("parameters", ()) if one["name"] == "Idempotency-Key"]
            keyless = path.endswith(("/previews", "/console"))
            assert bool(key) == (method in ("post", "put") and not keyless)


def test_the_language_that_was_chosen_once_is_kept(stand: Stand) -> None:
    with stand.client() as client:
        assert 'lang="vi"' in client.get("/sign-in", headers={"Accept-Language": "en-US"}).text
        assert 'lang="en"' in client.get("/sign-in?lang=en").text
        assert 'lang="en"' in client.get("/sign-in").text


def test_an_export_of_the_audit_log_cannot_run_a_formula(stand: Stand) -> None:
    stand.services.record(HOA, "request.submit", "=HYPERLINK(1)", Words("+x", "@x"), "-1")
    with stand.as_person("u-lan") as client:
        last = client.get("/audit/export.csv").text.strip().splitlines()[-1]
    assert "'=HYPERLINK(1)" in last
    assert re.search(r",[=+@]", last) is None

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cloud import errors
from infra.cloud.credentials import Credentials
from infra.cloud.listing import Listings, Writes
from infra.cloud.service import Patience, SessionService, failure, pages


class Answer:
    def __init__(self, status: int, body: Any, **headers: str) -> None:
        self.status_code = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.text = body if isinstance(body, str) else json.dumps(body)
        self.content = self.text.encode()

    def json(self) -> Any:
        return json.loads(self.text)


class Session:
    """A keystoneauth session that gives prepared answers in turn."""

    def __init__(self, *answers: Answer | Exception, endpoint: str = "https://cloud:9696") -> None:
        self.answers = list(answers)
        self.endpoint = endpoint
        self.asked: list[tuple[str, str]] = []

    def get_endpoint(self, **how: Any) -> str:
        return self.endpoint

    def request(self, url: str, method: str, **options: Any) -> Answer:
        self.asked.append((method, url))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def service(session: Session, pauses: list[float] | None = None) -> SessionService:
    cloud: Any = type("Cloud", (), {})()
    cloud.region_name, cloud.interface = "hai-phong", "public"
    cloud.listings, cloud.patience = Listings(Writes()), Patience()
    cloud.sdk = type("Sdk", (), {"session": session})()
    cloud.credentials = Credentials()
    note = pauses if pauses is not None else []
    return SessionService(cloud, "network", "network", "", "/v2.0", pause=note.append)


BUSY = Answer(503, {"error": {"message": "busy"}})


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://cloud:9696", "https://cloud:9696/v2.0/networks"),
        ("https://cloud:9696/v2.0/", "https://cloud:9696/v2.0/networks"),
        ("https://cloud/network", "https://cloud/network/v2.0/networks"),
        ("https://cloud:8776/v3/abc", "https://cloud:8776/v3/abc/networks"),
    ],
)
def test_the_version_is_added_where_the_catalog_leaves_it_out(endpoint: str, expected: str) -> None:
    session = Session(Answer(200, {"networks": []}), endpoint=endpoint)
    service(session).request("GET", "/networks")
    assert session.asked == [("GET", expected)]


def test_a_busy_cloud_is_asked_again_after_a_growing_pause() -> None:
    pauses: list[float] = []
    session = Session(BUSY, Answer(429, "slow down"), Answer(409, {"e": {"message": "Deadlock, try again"}}),
                      Answer(200, {"ok": 1}))  # fmt: skip
    assert service(session, pauses).request("POST", "/networks", json={}) == {"ok": 1}
    assert len(pauses) == 3
    assert pauses[0] <= 0.5 < pauses[2] <= 2.0


def test_the_pause_that_the_cloud_asks_for_is_kept() -> None:
    pauses: list[float] = []
    session = Session(Answer(429, "slow down", Retry_After="7"), Answer(503, "no", Retry_After="9999"),
                      Answer(200, {}))  # fmt: skip
    service(session, pauses).request("GET", "/networks")
    assert pauses == [7.0, Patience().longest_asked]


def test_an_answer_that_is_cut_off_counts_as_lost() -> None:
    cut = Answer(200, '{"networks": [{"id": "a"')
    assert service(Session(cut, Answer(200, {"networks": []}))).request("GET", "/networks") == {
        "networks": []
    }
    with pytest.raises(errors.Unavailable, match="cut off"):
        service(Session(cut, Answer(200, {}))).request("POST", "/networks", json={})


def test_patience_ends() -> None:
    session = Session(*[BUSY] * Patience().attempts)
    with pytest.raises(errors.Unavailable, match="busy"):
        service(session).request("GET", "/networks")


def test_a_lost_connection_repeats_a_question_but_never_a_creation() -> None:
    from keystoneauth1.exceptions import ConnectFailure

    assert service(Session(ConnectFailure("gone"), Answer(200, {}))).request("GET", "/networks") == {}
    session = Session(ConnectFailure("gone"), Answer(200, {}))
    with pytest.raises(errors.Unavailable):
        service(session).request("POST", "/networks", json={})
    assert len(session.asked) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("status", [502, 504])
def test_a_load_balancer_that_lost_the_answer_is_asked_again(method: str, status: int) -> None:
    assert service(Session(Answer(status, "gone"), Answer(200, {"ok": 1}))).request(method, "/x") == {"ok": 1}


@pytest.mark.parametrize(
    ("method", "status"), [("POST", 502), ("POST", 504), ("POST", 500), ("PUT", 500), ("DELETE", 500)]
)
def test_what_may_have_been_done_is_not_asked_for_again(method: str, status: int) -> None:
    session = Session(Answer(status, "gone"), Answer(200, {}))
    with pytest.raises(errors.CloudError, match=f"{status} gone"):
        service(session).request(method, "/networks", json={})
    assert len(session.asked) == 1


def test_a_question_is_put_again_to_a_service_whose_database_is_away_for_a_moment() -> None:
    assert service(Session(Answer(500, "no"), Answer(200, {"ok": 1}))).request("GET", "/x") == {"ok": 1}
    broken = Session(*[Answer(500, "no")] * Patience().attempts)
    with pytest.raises(errors.CloudError, match="500 no"):
        service(broken).request("GET", "/x")


def test_a_name_that_is_taken_is_not_tried_again() -> None:
    session = Session(Answer(409, {"error": {"message": "project name exists"}}))
    with pytest.raises(errors.Conflict):
        service(session).request("POST", "/networks", json={})
    assert len(session.asked) == 1


@pytest.mark.parametrize(
    ("status", "text", "kind", "said"),
    [
        (
            404,
            '{"NeutronError": {"type": "X", "message": "no network", "detail": ""}}',
            errors.NotFound,
            "no network",
        ),
        (
            403,
            '{"forbidden": {"message": "Quota exceeded for cores", "code": 403}}',
            errors.QuotaReached,
            "cores",
        ),
        (
            409,
            '{"NeutronError": {"message": "Quota exceeded for resources: [\'port\']"}}',
            errors.QuotaReached,
            "port",
        ),
        (400, '{"badRequest": {"message": "wrong"}}', errors.Refused, "wrong"),
        (
            409,
            '{"errors": [{"status": 409, "title": "Conflict", "detail": "generation"}]}',
            errors.Conflict,
            "generation",
        ),
        (500, "<html><body><h1>500</h1>broken</body></html>", errors.CloudError, "500 broken"),
        (401, "", errors.CredentialsRefused, "401"),
    ],
)
def test_a_failure_has_a_name_and_the_clouds_own_sentence(
    status: int, text: str, kind: type, said: str
) -> None:
    raised = failure("GET network /x", status, text)
    assert type(raised) is kind
    assert said in str(raised)
    assert "GET network /x" in str(raised)


def test_a_list_is_read_to_its_last_page() -> None:
    following = "https://cloud:9696/v2.0/networks?limit=1&marker=a"
    session = Session(
        Answer(200, {"networks": [{"id": "a"}], "networks_links": [{"rel": "next", "href": following}]}),
        Answer(200, {"networks": [{"id": "b"}]}),
    )
    assert [item["id"] for item in pages(service(session), "/networks", "networks", {})] == ["a", "b"]

"""Readings: bounded in time, asked once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infra.cloud.credentials import Credentials
from infra.cloud.errors import CloudError, Unavailable, WaitedTooLong
from infra.cloud.reading import CALL_SECONDS, CloudReading


class Session:
    """A session that answers with `status` and notes how it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.timeout = 0.0
        self.asked: list[dict[str, Any]] = []

    def get_endpoint(self, **how: Any) -> str:
        return "http://cloud"

    def request(self, url: str, method: str, **how: Any) -> Any:
        self.asked.append({"url": url, **how})
        return SimpleNamespace(status_code=self.status, content=b"{}", text="{}", json=dict)


def make_reading(session: Session, seconds: float = 30.0, clock: Any = lambda: 0.0) -> CloudReading:
    cloud = SimpleNamespace(
        sdk=SimpleNamespace(session=session), region_name="", interface="public", credentials=Credentials(),
        listings=None, patience=None,
    )  # fmt: skip
    return CloudReading(cloud, seconds, clock)  # type: ignore[arg-type]


def test_a_call_gets_no_more_time_than_the_lap_has_left() -> None:
    session, now = Session(), [0.0]
    reading = make_reading(session, 12.0, lambda: now[0])
    reading.get("compute", "/a")
    now[0] = 9.0
    reading.get("compute", "/a")
    assert [asked["timeout"] for asked in session.asked] == [CALL_SECONDS, 3.0]


def test_nothing_is_sent_when_the_lap_is_over() -> None:
    session, now = Session(), [0.0]
    reading = make_reading(session, 12.0, lambda: now[0])
    now[0] = 12.0
    with pytest.raises(WaitedTooLong, match="12 seconds"):
        reading.get("compute", "/a")
    assert session.asked == []


def test_a_busy_cloud_is_asked_once() -> None:
    session = Session(503)
    with pytest.raises(Unavailable):
        make_reading(session).get("compute", "/a")
    assert len(session.asked) == 1


def test_logging_in_is_bounded_too() -> None:
    session = Session()
    make_reading(session)
    assert session.timeout == CALL_SECONDS


def test_nova_is_never_asked_in_a_version_that_asks_hypervisors_for_their_uptime() -> None:
    session = Session()
    make_reading(session).get("compute", "/os-hypervisors/detail")
    assert tuple(map(int, session.asked[0]["microversion"].split("."))) < (2, 88)


def test_the_first_failure_of_many_calls_ends_them_all() -> None:
    def fail(item: int) -> int:
        raise CloudError(f"item {item}")

    with pytest.raises(CloudError, match="item"):
        make_reading(Session()).each(fail, range(100))


def test_results_come_in_the_order_of_the_items() -> None:
    assert make_reading(Session()).each(lambda item: item * 2, range(50)) == [item * 2 for item in range(50)]

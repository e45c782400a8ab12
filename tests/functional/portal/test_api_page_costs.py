"""What a page asks of the database: the same number of questions however much there is to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from infra.domain.words import Words
from infra.portal.interface import Draft, Line
from tests.functional.portal.real import RealStand
from tests.functional.store.tables import portal_database

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl hoa@quan"
DRAFT = Draft((Line("plain-server", {"size": "container.small", "ssh_key": KEY}),), "Trang tiếp nhận hồ sơ")
PAGES = (
    ("hoa", "/"), ("hoa", "/catalog"), ("hoa", "/requests"), ("hoa", "/requests/new?item=plain-server"),
    ("hoa", "/deployments"), ("binh", "/approvals"), ("dung", "/requests"), ("lan", "/audit"),
    ("dung", "/api/v1/requests?limit=200"),
)  # fmt: skip
MOST = 14
"""Questions of one page, with the one who asks and what begins a transaction."""


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealStand]:
    with portal_database(tmp_path) as database:
        yield RealStand(database)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Statements and new connections, while it is open."""
    seen: list[str] = []

    def asked(*words: object) -> None:
        seen.append(str(words[2]))

    def opened(*_: object) -> None:
        seen.append("CONNECT")

    event.listen(sa.Engine, "before_cursor_execute", asked)
    event.listen(sa.pool.Pool, "connect", opened)
    yield seen
    event.remove(sa.Engine, "before_cursor_execute", asked)
    event.remove(sa.pool.Pool, "connect", opened)


def asks(real: RealStand, person: str, page: str) -> list[str]:
    with real.as_person(person) as client:
        client.get(page)
        with counted() as seen:
            assert client.get(page).status_code == 200
    return seen


def more(real: RealStand, count: int) -> None:
    """Requests, half of them made."""
    hoa, binh = real.people["hoa"], real.people["binh"]
    for number in range(count):
        made = real.services.submit(hoa, DRAFT, "")
        real.services.decide(binh, made, "reject" if number % 2 else "approve", "Đúng kế hoạch", 1, "")
        real.work(Words("hết chỗ", "no room") if number % 4 else None)
    real.services.submit(hoa, DRAFT, "")


def test_a_page_with_more_to_show_asks_no_more_and_opens_no_connection(real: RealStand) -> None:
    more(real, 1)
    few = {place: asks(real, *place) for place in PAGES}
    more(real, 5)
    many = {place: asks(real, *place) for place in PAGES}
    assert {place: len(seen) for place, seen in few.items()} == {
        place: len(seen) for place, seen in many.items()
    }
    for place, seen in many.items():
        assert "CONNECT" not in seen, place
        assert 0 < len(seen) <= MOST, f"{place}: {len(seen)}"

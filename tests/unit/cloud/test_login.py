"""One token for many threads, of which any may find it refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud.credentials import Credentials
from infra.cloud.login import log_in


class Told:
    """What Keystone told at a log-in."""

    def __init__(self, number: int) -> None:
        self.auth_token = f"token-{number}"

    def will_expire_soon(self, seconds: int) -> bool:
        return False


class Interrupted:
    """A lock after whose release another thread comes first, once."""

    def __init__(self, other: Callable[[], object]) -> None:
        self._lock, self._others = threading.Lock(), [other]

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()
        if self._others:
            self._others.pop()()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Any:
    given = Credentials(
        auth_url="http://keystone.test/v3", username="portal", password="p", project_name="admin"
    )
    found = log_in(given, "test").session
    logins: list[Told] = []

    def log_in_anew(session: object) -> Told:
        logins.append(Told(len(logins) + 1))
        return logins[-1]

    monkeypatch.setattr(found.auth, "get_auth_ref", log_in_anew)
    return found


def test_a_token_that_another_thread_throws_away_meanwhile_is_still_told(session: Any) -> None:
    plugin = session.auth
    plugin._lock = Interrupted(plugin.invalidate)
    assert plugin.get_token(session) == "token-1"
    assert plugin.get_token(session) == "token-2"


def test_a_refusal_is_not_final_where_another_thread_was_first_to_throw_the_token_away(session: Any) -> None:
    plugin = session.auth
    plugin.get_token(session)
    assert plugin.invalidate()
    assert plugin.invalidate()
    assert plugin.get_token(session) == "token-2"

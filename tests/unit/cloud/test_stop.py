"""Who stopped a server: nova's actions tell, and what cannot be read is unknown, not somebody's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from infra.cloud.errors import NotFound, Unavailable
from infra.cloud.server_status import read_server_statuses
from infra.cloud.stop import Stopped, Stops
from tests.unit.cloud.test_server_status import make_server

DOMAINS = {"d1": "sxd", "d2": "stc", "default": "Default"}
USERS = {"clerk": "d1", "stranger": "d2", "operator": "default"}


class Nova:
    """A reading of one agency's servers, their actions, and the people who took them."""

    def __init__(self, *actions: dict[str, Any], servers: Iterable[dict[str, Any]] = ()) -> None:
        self.actions = list(actions)
        self.servers = list(servers)
        self.calls: list[str] = []
        self.failing = False

    def get(self, service: str, path: str, params: Any = None) -> dict[str, Any]:
        self.calls.append(path)
        if self.failing:
            raise Unavailable("nova is told to fail")
        name = path.rpartition("/")[2]
        if path.startswith("/users/"):
            if name not in USERS:
                raise NotFound(path)
            return {"user": {"domain_id": USERS[name]}}
        if path.startswith("/domains/"):
            return {"domain": {"name": DOMAINS[name]}}
        return {"instanceActions": self.actions}

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def items(self, service: str, path: str, plural: str, params: Any = None) -> list[dict[str, Any]]:
        return {
            "domains": [{"id": "d1", "name": "sxd"}],
            "servers": self.servers,
            "projects": [{"id": "p1", "name": "main", "domain_id": "d1"}],
        }[plural]


def act(
    action: str, minute: int, user: str | None = "clerk", project: str | None = "p1", message: Any = None
) -> Any:
    time = f"2026-11-27T00:{minute:02d}:00.000000"
    return {"action": action, "start_time": time, "user_id": user, "project_id": project, "message": message}


def server(state: str = "shutoff", updated: str = "1") -> Stopped:
    return Stopped("s1", state, "p1", "sxd", updated)


BORN = act("create", 0)


@pytest.mark.parametrize(
    ("actions", "by"),
    [
        ([BORN, act("stop", 1)], "agency"),
        ([BORN, act("stop", 1, "operator", "admin")], "platform"),
        ([BORN, act("stop", 1, "operator")], "platform"),
        ([BORN, act("stop", 1, "stranger")], "platform"),
        ([BORN, act("stop", 1, "one who left")], "agency"),
        ([BORN, act("stop", 1, None, None)], "nobody"),
        ([BORN], "nobody"),
        ([BORN, act("stop", 1), act("start", 2)], "nobody"),
        ([BORN, act("stop", 1), act("start", 2), act("stop", 3, "operator", "admin")], "platform"),
        ([BORN, act("stop", 1, "operator", "admin"), act("stop", 2, message="Error")], "platform"),
        ([act("stop", 2), BORN, act("start", 1)], "agency"),
        ([BORN, act("stop", 1), act("createImage", 2, "operator", "admin")], "agency"),
        ([], "nobody"),
    ],
)
def test_the_last_action_tells_who_stopped_it(actions: list[dict[str, Any]], by: str) -> None:
    assert Stops().read(Nova(*actions), [server()]) == {"s1": by}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "action"),
    [("paused", "pause"), ("suspended", "suspend"), ("shelved_offloaded", "shelve"), ("rescue", "rescue")],
)
def test_each_state_has_the_actions_that_lead_there(state: str, action: str) -> None:
    assert Stops().read(Nova(BORN, act(action, 1)), [server(state)]) == {"s1": "agency"}  # type: ignore[arg-type]


def test_actions_are_read_once_until_nova_changes_the_server() -> None:
    nova, stops = Nova(BORN, act("stop", 1)), Stops()
    for _ in range(3):
        assert stops.read(nova, [server()]) == {"s1": "agency"}  # type: ignore[arg-type]
    assert nova.calls == ["/servers/s1/os-instance-actions", "/users/clerk", "/domains/d1"]
    nova.actions += [act("start", 2), act("stop", 3, "operator", "admin")]
    assert stops.read(nova, [server(updated="2")]) == {"s1": "platform"}  # type: ignore[arg-type]


def test_what_cannot_be_read_is_unknown_and_asked_again() -> None:
    nova, stops = Nova(BORN, act("stop", 1)), Stops()
    nova.failing = True
    assert stops.read(nova, [server()]) == {"s1": "unknown"}  # type: ignore[arg-type]
    nova.failing = False
    assert stops.read(nova, [server()]) == {"s1": "agency"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by", "expected", "lost", "undecided"),
    [
        (act("stop", 1), False, False, False),
        (act("stop", 1, "operator", "admin"), True, True, False),
        (act("stop", 1, None, None), True, True, False),
    ],
)
def test_only_a_stop_by_its_agency_makes_a_server_not_expected(
    by: dict[str, Any], expected: bool, lost: bool, undecided: bool
) -> None:
    nova = Nova(BORN, by, servers=[make_server(status="SHUTOFF")])
    (found,) = read_server_statuses(nova, Stops())  # type: ignore[arg-type]
    assert (found.expected, found.lost, found.undecided) == (expected, lost, undecided)


def test_who_cannot_be_asked_leaves_the_server_undecided() -> None:
    nova = Nova(servers=[make_server(status="SHUTOFF")])
    nova.failing = True
    (found,) = read_server_statuses(nova, Stops())  # type: ignore[arg-type]
    assert (found.expected, found.lost, found.undecided) == (False, False, True)


def test_actions_are_read_of_stopped_servers_only() -> None:
    nova = Nova(servers=[make_server(), make_server(status="ERROR"), make_server(status="BUILD")])
    read_server_statuses(nova, Stops())  # type: ignore[arg-type]
    assert nova.calls == []


def test_servers_of_a_cell_that_nova_does_not_reach_end_the_lap() -> None:
    nova = Nova(servers=[make_server(), {"id": "s2", "tenant_id": "p1", "status": "UNKNOWN"}])
    with pytest.raises(Unavailable, match="does not reach the cell of 1 servers, such as s2"):
        read_server_statuses(nova)  # type: ignore[arg-type]


def test_a_server_has_the_item_that_its_metadata_names() -> None:
    nova = Nova(servers=[make_server(metadata={"citycloud_item": "web-server"}), make_server(metadata={})])
    assert [one.item for one in read_server_statuses(nova)] == ["web-server", "plain-server"]  # type: ignore[arg-type]

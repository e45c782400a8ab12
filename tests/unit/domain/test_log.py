"""What is asked of journalctl."""

from __future__ import annotations

import fnmatch
import re

import pytest

from infra.domain.log import LogQuery, unit_patterns


def test_everything_is_the_whole_folder() -> None:
    assert LogQuery().arguments("/gathered", {})[0] == "--directory=/gathered"


def test_a_server_is_its_own_files_and_never_those_of_a_longer_address() -> None:
    query = LogQuery(hosts=("hv1",))
    (pattern,) = [word for word in query.arguments("/g", {"hv1": "10.0.0.2"}) if word.startswith("--file=")]
    pattern = pattern.removeprefix("--file=/g/")
    assert fnmatch.fnmatchcase("remote-10.0.0.2.journal", pattern)
    assert fnmatch.fnmatchcase("remote-10.0.0.2@0006-05.journal", pattern)
    assert not fnmatch.fnmatchcase("remote-10.0.0.21.journal", pattern)


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("nova-api", ["nova-api.service", "nova-api-*.service", "nova-api@*.service"]),
        ("compute", ["nova.service", "nova-*.service", "nova@*.service"]),
        ("nova*", ["nova*"]),
        ("systemd-journal-remote.socket", ["systemd-journal-remote.socket"]),
    ],
)
def test_a_unit_is_named_as_people_do(name: str, patterns: list[str]) -> None:
    assert list(unit_patterns(name)) == patterns


def test_ids_and_an_expression_must_both_be_found_in_any_order() -> None:
    pattern = LogQuery(grep="lost|down", mentions=("a.1", "b2")).pattern()
    assert re.search(pattern, "down:\nserver a.1")
    assert re.search(pattern, "server b2 is lost")
    assert not re.search(pattern, "server a-1 is lost")
    assert not re.search(pattern, "server b2 is fine")


def test_only_what_was_asked_for_is_an_argument() -> None:
    words = LogQuery(since="-1h", priority="err", lines=5).arguments("/g", {})
    assert {"--since=-1h", "--priority=err", "--lines=5"} <= set(words)
    assert not any(word.startswith(("--until", "--grep", "--unit")) for word in words)

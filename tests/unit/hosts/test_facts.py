"""What a server tells, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.hosts.facts import FactsUnreadable, ServerFacts, clock_offset

TOLD: dict[str, Any] = {
    "time": 1000.0,
    "hostname": "ctl1",
    "machine_id": "a",
    "os_id": "debian",
    "os_version": "12",
    "architecture": "x86_64",
    "cpus": 2,
    "memory_kib": 1024,
    "free_bytes": 10,
    "addresses": {"mgmt0": ["172.30.0.11/24"]},
    "listeners": {"22": ["ssh.service"]},
    "resolved": {"ctl1": []},
    "depot": {"sha256": "ab"},
    "kvm": False,
    "openvswitch": False,
    "devices": ["/dev/fuse"],
}


def test_facts_are_read_with_their_types() -> None:
    facts = ServerFacts.read(json.dumps(TOLD), 999.0, 1001.0)
    assert facts.listeners == {22: ("ssh.service",)}
    assert facts.addresses == {"mgmt0": ("172.30.0.11/24",)}
    assert (facts.depot_digest, facts.depot_error, facts.clock_offset) == ("ab", "", 0.0)


def test_a_depot_that_was_not_read_has_no_digest_but_a_reason() -> None:
    facts = ServerFacts.read(json.dumps({**TOLD, "depot": {"error": "refused"}}), 999.0, 1001.0)
    assert (facts.depot_digest, facts.depot_error) == (None, "refused")


@pytest.mark.parametrize("text", ["", "motd\n{}", "[]", "{}", json.dumps({**TOLD, "listeners": {"x": []}})])
def test_facts_that_cannot_be_read_are_an_error_that_quotes_them(text: str) -> None:
    with pytest.raises(FactsUnreadable, match="not readable"):
        ServerFacts.read(text, 0.0, 1.0)


@pytest.mark.parametrize(("told", "offset"), [(10.0, 0.0), (12.0, 0.0), (12.5, 0.5), (9.0, -1.0)])
def test_a_clock_is_off_only_by_more_than_the_question_took(told: float, offset: float) -> None:
    assert clock_offset(told, 10.0, 12.0) == offset

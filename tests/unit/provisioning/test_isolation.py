"""The proof of isolation is only a proof if the guest's own network works."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from infra.errors import InfraError
from infra.hosts.ssh import Target
from infra.provisioning import isolation
from infra.provisioning.guest import Guest
from infra.provisioning.isolation import Isolation

TARGET = Target("sotttt/web", "172.30.2.60", "debian", Path("key"), Path("known_hosts"))
NETWORK = IPv4Network("10.64.1.0/24")
OTHER = Guest("soyt", "web", "debian", fixed_address="10.64.2.5")


def ask(answer: Any) -> Isolation:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return isolation.probe(TARGET, NETWORK, [OTHER], lambda target, command, given: text)


def test_isolation_holds_when_the_gateway_answers_and_no_one_else() -> None:
    found = ask({"gateway": "answers", "others": {"10.64.2.5": "TimeoutError"}})
    assert found.holds
    assert found.tried == 1


@pytest.mark.parametrize("result", ["open", "refused"])
def test_any_answer_from_another_agency_breaks_it(result: str) -> None:
    found = ask({"gateway": "answers", "others": {"10.64.2.5": result}})
    assert not found.holds
    assert found.reached == ("10.64.2.5",)


def test_silence_everywhere_proves_nothing() -> None:
    assert not ask({"gateway": "TimeoutError", "others": {"10.64.2.5": "TimeoutError"}}).holds


def test_a_gateway_that_refuses_is_there() -> None:
    assert ask({"gateway": "refused", "others": {}}).holds


@pytest.mark.parametrize("answer", ["", "bash: python3: not found", [], {"gateway": "answers"}])
def test_an_answer_that_cannot_be_read_is_an_error(answer: Any) -> None:
    with pytest.raises(InfraError, match="sotttt/web: the isolation probe answered"):
        ask(answer)


def test_the_guest_is_told_its_gateway_and_the_others() -> None:
    given: list[str] = []

    def run(target: Target, command: str, text: str) -> str:
        given.extend([command, text])
        return json.dumps({"gateway": "answers", "others": {}})

    isolation.probe(TARGET, NETWORK, [OTHER], run)
    assert given[0].startswith("python3 -c '")
    assert json.loads(given[1]) == {"gateway": "10.64.1.1", "others": ["10.64.2.5"]}


def test_the_program_is_python_that_a_shell_hands_over_whole() -> None:
    """No socket is opened: with no address to try and no ping, the program only answers."""
    program = isolation.PROGRAM.replace('subprocess.run(["ping"', 'subprocess.run(["true"')
    command = f"{sys.executable} -c {isolation._quoted(program)}"
    request = json.dumps({"gateway": "10.64.1.1", "others": []}) + "\n"
    output = subprocess.run(
        ["sh", "-c", command], input=request, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(output) == {"gateway": "answers", "others": {}}

"""Proof, from inside a guest, that an agency's network ends at the agency.

A small program runs in the guest (Debian's Python, standard library) and tries TCP to the private addresses
of other agencies' guests. That none answers would also be true of a guest without a network, so its own
gateway must answer. Only guests that were reached themselves are tried: a dead one proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Protocol

from infra.errors import InfraError
from infra.hosts import ssh
from infra.provisioning.guest import Guest

SSH_PORT = 22
CONNECT_SECONDS = 3
PROBE_SECONDS = 60.0
PROGRAM = f"""
import json, socket, subprocess, sys
request = json.loads(sys.stdin.readline())
def attempt(address, port):
    try:
        socket.create_connection((address, port), {CONNECT_SECONDS}).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return type(error).__name__
    return "open"
ping = subprocess.run(["ping", "-c", "1", "-W", "3", request["gateway"]], stdout=-3, stderr=-3).returncode
print(json.dumps({{
    "gateway": "answers" if ping == 0 else attempt(request["gateway"], 9),
    "others": {{a: attempt(a, {SSH_PORT}) for a in request["others"]}},
}}))
"""


@dataclass(frozen=True)
class Isolation:
    """What a guest could reach: whether its own gateway answers, and which foreign private addresses do."""

    gateway_answers: bool
    reached: tuple[str, ...]
    tried: int

    @property
    def holds(self) -> bool:
        return self.gateway_answers and not self.reached


class Remote(Protocol):
    """Runs a command in a guest with text on its standard input."""

    def __call__(self, target: ssh.Target, command: str, input_text: str) -> str: ...


def probe(
    target: ssh.Target, network: IPv4Network, others: Sequence[Guest], run: Remote | None = None
) -> Isolation:
    """Ask the guest behind `target`, whose agency's network is `network`. Raises an InfraError if it cannot
    run.
    """
    request = {"gateway": str(network[1]), "others": [guest.fixed_address for guest in others]}
    command = f"python3 -c {_quoted(PROGRAM)}"
    output = (run or _run)(target, command, json.dumps(request) + "\n")
    try:
        answer = json.loads(output)
        # a refusal is an answer too: the packet came there, and something sent one back
        reached = tuple(a for a, result in answer["others"].items() if result in {"open", "refused"})
        gateway = answer["gateway"] in {"answers", "refused"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InfraError(f"{target.name}: the isolation probe answered {output[:200]!r}") from error
    return Isolation(gateway, reached, len(others))


def _run(target: ssh.Target, command: str, input_text: str) -> str:
    return ssh.run(target, command, input_text=input_text, deadline_seconds=PROBE_SECONDS).output


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"

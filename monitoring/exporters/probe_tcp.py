"""TCP and SSH probes: does a port take a connection, and does sshd speak?"""

from __future__ import annotations

import asyncio

from infra.domain.probe import SshProbe, TcpProbe
from monitoring.exporters.probe_outcome import Answer, Phases, Target

_BANNER = b"SSH-"
_LONGEST_GREETING = 8192  # bytes; RFC 4253 lets a server say other lines before its banner


async def ask_tcp(probe: TcpProbe, target: Target, phases: Phases) -> Answer:
    """Connect and hang up; raises OSError."""
    with phases.of("connect"):
        _, writer = await asyncio.open_connection(target.address, probe.port)
    writer.close()
    return Answer()


async def ask_ssh(probe: SshProbe, target: Target, phases: Phases) -> Answer:
    """Connect and wait for sshd's banner; raises OSError.

    An open port is not enough: a load balancer or a kernel with a hung userland opens ports too. Nothing is
    sent, so sshd counts no failed login; one such connection in five seconds is under its penalties for
    sources that give up.
    """
    with phases.of("connect"):
        reader, writer = await asyncio.open_connection(target.address, probe.port, limit=_LONGEST_GREETING)
    try:
        with phases.of("processing"):
            return Answer(await _greeting(reader))
    finally:
        writer.close()


async def _greeting(reader: asyncio.StreamReader) -> str:
    """ "" when the banner came, else why not."""
    left = _LONGEST_GREETING
    try:
        while left > 0:
            line = await reader.readline()
            if not line:
                return "closed"
            if line.startswith(_BANNER):
                return ""
            left -= len(line)
    except ValueError:  # a line longer than the limit
        pass
    return "no_banner"

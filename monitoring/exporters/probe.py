"""Probes: does a server answer as one that can be worked with?"""

from __future__ import annotations

import asyncio
import errno
import time
from dataclasses import dataclass

_BANNER = b"SSH-"
_LONGEST_GREETING = 8192  # bytes; RFC 4253 lets a server say other lines before its banner
# Our own want of files or memory says nothing about the server.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL})
_REASONS = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ECONNRESET: "closed",
    errno.EPIPE: "closed",
    errno.ETIMEDOUT: "timeout",
}


class ProbeImpossible(Exception):
    """The probe could not be made for want of our own resources; it counts neither as good nor as bad."""


@dataclass(frozen=True)
class Outcome:
    """What a probe saw. `reason` is "" when good, else timeout, refused, unreachable, closed, no_banner or
    failed."""

    good: bool
    seconds: float
    reason: str = ""


async def probe_ssh(address: str, port: int, timeout: float) -> Outcome:
    """Connect and wait for sshd's banner, at most `timeout` seconds in all.

    An open port is not enough: a load balancer or a kernel with a hung userland opens ports too. Nothing is
    sent, so sshd counts no failed login; one such connection in five seconds is under its penalties for
    sources that give up.
    """
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            reason = await _greeting(address, port)
    except TimeoutError:
        reason = "timeout"
    except OSError as error:
        if error.errno in _OURS:
            raise ProbeImpossible(str(error)) from error
        reason = _REASONS.get(error.errno or 0, "failed")
    return Outcome(not reason, time.monotonic() - began, reason)


async def _greeting(address: str, port: int) -> str:
    """ "" when the banner came, else why not; raises OSError."""
    reader, writer = await asyncio.open_connection(address, port, limit=_LONGEST_GREETING)
    try:
        left = _LONGEST_GREETING
        while left > 0:
            line = await reader.readline()
            if not line:
                return "closed"
            if line.startswith(_BANNER):
                return ""
            left -= len(line)
    except ValueError:  # a line longer than the limit
        pass
    finally:
        writer.close()
    return "no_banner"

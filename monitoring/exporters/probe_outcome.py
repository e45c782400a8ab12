"""Outcomes: what a probe saw, and in which time."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

PHASES = ("resolve", "connect", "tls", "processing", "transfer")
REASONS = (
    "timeout", "refused", "unreachable", "closed", "no_banner", "no_reply", "tls_failed",
    "certificate_expired", "certificate_untrusted", "certificate_wrong_name", "certificate_expires_soon",
    "wrong_status", "wrong_body", "bad_answer", "no_such_name", "wrong_answer", "stopped", "failed",
)  # fmt: skip
"""Every word that says why a probe failed; metrics have no others."""
IMPOSSIBLE = ("resources", "permission", "resolver", "configuration")
# Our own want of files or memory says nothing about the server.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL})
_BY_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ECONNRESET: "closed",
    errno.ECONNABORTED: "closed",
    errno.EPIPE: "closed",
    errno.ETIMEDOUT: "timeout",
}


class ProbeImpossible(Exception):
    """The probe could not be made, for a cause that is not the workload's: it counts neither as good nor as
    bad. `reason` is one of IMPOSSIBLE.
    """

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(said or reason)
        self.reason = reason


@dataclass(frozen=True)
class Target:
    """The workload that is asked; `address` is an IP address."""

    address: str
    server: str = ""
    agency: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back. `reason` is "" when good, else one of REASONS; `certificate_expiry` in seconds of the
    epoch, 0.0 where no certificate was seen.
    """

    reason: str = ""
    certificate_expiry: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """A probe's answer with its times, all in seconds. `phases` has those that were begun, by name."""

    good: bool
    seconds: float
    reason: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)
    certificate_expiry: float = 0.0


class Phases:
    """Times of a probe's phases, by a clock that no correction of the time touches."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = {}
        self._open: dict[str, float] = {}

    def begin(self, phase: str) -> None:
        self._open[phase] = self._clock()

    def end(self, phase: str) -> None:
        """Add what went by since the phase's last beginning; a phase that was not begun is left alone."""
        if phase in self._open:
            spent = self._clock() - self._open.pop(phase)
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent

    @contextlib.contextmanager
    def of(self, phase: str) -> Iterator[None]:
        self.begin(phase)
        try:
            yield
        finally:
            self.end(phase)

    def close(self) -> None:
        """End what is still open: a phase that failed took its time too."""
        for phase in list(self._open):
            self.end(phase)


def reason_of(error: OSError) -> str:
    """The word for a system call that failed; raises ProbeImpossible when the fault is our own."""
    if error.errno in _OURS:
        raise ProbeImpossible("resources", str(error)) from error
    return _BY_ERRNO.get(error.errno or 0, "timeout" if isinstance(error, TimeoutError) else "failed")

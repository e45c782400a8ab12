"""Probes: does a workload answer as one that can be worked with?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

from infra.domain.probe import DnsProbe, HttpProbe, IcmpProbe, Probe, SshProbe, TcpProbe
from monitoring.exporters.probe_dns import ask_dns
from monitoring.exporters.probe_http import ask_http
from monitoring.exporters.probe_icmp import ask_icmp
from monitoring.exporters.probe_outcome import Answer, Outcome, Phases, ProbeImpossible, Target, reason_of
from monitoring.exporters.probe_tcp import ask_ssh, ask_tcp


async def run(probe: Probe, target: Target) -> Outcome:
    """Ask once, within the probe's time; raises ProbeImpossible when it could not be asked at all."""
    began, phases = time.monotonic(), Phases()
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            answer = await _ask(probe, target, phases)
    except OSError as error:  # TimeoutError among them
        if isinstance(probe, DnsProbe) and probe.resolver:  # on a busy loop its own time ends after ours
            raise ProbeImpossible("resolver", f"{probe.resolver} does not answer") from error
        answer = Answer(reason_of(error))
    phases.close()
    seconds = time.monotonic() - began
    return Outcome(not answer.reason, seconds, answer.reason, phases.seconds, answer.certificate_expiry)


def _ask(probe: Probe, target: Target, phases: Phases) -> Awaitable[Answer]:
    match probe:
        case IcmpProbe():
            return ask_icmp(probe, target, phases)
        case TcpProbe():
            return ask_tcp(probe, target, phases)
        case SshProbe():
            return ask_ssh(probe, target, phases)
        case HttpProbe():
            return ask_http(probe, target, phases)
        case DnsProbe():
            return ask_dns(probe, target, phases)

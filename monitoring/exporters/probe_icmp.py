"""ICMP probes: does the address answer an echo request?

With CAP_NET_RAW, which the unit gives; without it where the kernel lets our group ping
(net.ipv4.ping_group_range).
"""

from __future__ import annotations

import icmplib  # type: ignore[import-untyped]

from infra.domain.probe import IcmpProbe
from monitoring.exporters.probe_outcome import Answer, Phases, ProbeImpossible, Target


async def ask_icmp(probe: IcmpProbe, target: Target, phases: Phases) -> Answer:
    """Good at the first reply; requests share the probe's time between them."""
    seconds = probe.timeout_seconds / probe.count
    with phases.of("processing"):
        for _ in range(probe.count):
            if await _reply(target.address, seconds):
                return Answer()
    return Answer("no_reply")


async def _reply(address: str, seconds: float) -> bool:
    for privileged in (True, False):
        try:
            host = await icmplib.async_ping(address, count=1, timeout=seconds, privileged=privileged)
        except icmplib.SocketPermissionError:
            continue
        except icmplib.ICMPSocketError as error:
            raise ProbeImpossible("resources", str(error)) from error
        return bool(host.is_alive)
    raise ProbeImpossible("permission", "neither CAP_NET_RAW nor net.ipv4.ping_group_range lets us ping")

"""DNS probes: is a name answered, and with what it should be?"""

from __future__ import annotations

import asyncio

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from infra.domain.probe import DnsProbe, filled
from monitoring.exporters.probe_outcome import Answer, Phases, ProbeImpossible, Target

_TRIES = 2  # a lost datagram is not a fault of the server


async def ask_dns(probe: DnsProbe, target: Target, phases: Phases) -> Answer:
    """Ask the workload, or the resolver. That a resolver which is not the workload's does not answer says
    nothing of the workload: ProbeImpossible.
    """
    where = probe.resolver or target.address
    name = _filled(probe.query, target)
    with phases.of("resolve"):
        try:
            response = await _asked(dns.message.make_query(name, probe.record), where, probe)
        except TimeoutError:
            if probe.resolver:
                raise ProbeImpossible("resolver", f"{where} does not answer") from None
            return Answer("timeout")
        except OSError as error:
            if probe.resolver:
                raise ProbeImpossible("resolver", f"{where}: {error}") from error
            raise
        except dns.exception.DNSException:
            return Answer("bad_answer")
    return Answer(_judged(probe, target, response))


async def _asked(query: dns.message.Message, where: str, probe: DnsProbe) -> dns.message.Message:
    """The response, by TCP where it does not fit into a datagram; raises TimeoutError, OSError,
    DNSException.
    """
    seconds = 0.9 * probe.timeout_seconds / _TRIES
    for last in (False, True):
        try:
            async with asyncio.timeout(seconds):
                response, _ = await dns.asyncquery.udp_with_fallback(
                    query, where, port=probe.port, ignore_unexpected=True, ignore_errors=True
                )
                return response
        except TimeoutError:
            if last:
                raise
    raise AssertionError("unreachable: the last try returns or raises")


def _judged(probe: DnsProbe, target: Target, response: dns.message.Message) -> str:
    if response.rcode() == dns.rcode.NXDOMAIN:
        return "no_such_name"
    if response.rcode() != dns.rcode.NOERROR:
        return "bad_answer"
    kind = dns.rdatatype.from_text(probe.record)
    found = {_bare(record.to_text()) for rrset in response.answer if rrset.rdtype == kind for record in rrset}
    wanted = {_bare(_filled(answer, target)) for answer in probe.answers}
    return "" if found and wanted <= found else "wrong_answer"


def _bare(text: str) -> str:
    """Names are the same with and without the root's dot, in large and small letters."""
    return text.rstrip(".").lower()


def _filled(text: str, target: Target) -> str:
    return filled(text, server=target.server, agency=target.agency, address=target.address)

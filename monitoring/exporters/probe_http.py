"""HTTP probes: does a web server answer with what it should, behind a certificate that holds?

Each probe is a connection of its own, as a visitor's first one: a kept connection would hide a certificate
that was changed, or a server that takes no new ones. Redirects are answers, not roads to follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509

from infra.domain.probe import HttpProbe, filled
from monitoring.exporters.probe_outcome import Answer, Phases, ProbeImpossible, Target, reason_of

_LONGEST_BODY = 64 * 1024  # bytes that are read and searched
_DAY = 86400
_AGENT = "citycloud-uptime-exporter"
# What httpx tells of its work -> the phase that begins or ends there.
_BEGINS = {
    "connection.connect_tcp.started": "connect",
    "connection.start_tls.started": "tls",
    "http11.send_request_headers.started": "processing",
    "http11.receive_response_body.started": "transfer",
}
_ENDS = {
    "connection.connect_tcp.complete": "connect",
    "connection.start_tls.complete": "tls",
    "http11.receive_response_headers.complete": "processing",
    "http11.receive_response_body.complete": "transfer",
}
# OpenSSL's X509_V_ERR_*: not yet valid, expired, host name and address that do not match.
_VERIFY_REASONS = {
    9: "certificate_untrusted",
    10: "certificate_expired",
    62: "certificate_wrong_name",
    64: "certificate_wrong_name",
}


async def ask_http(probe: HttpProbe, target: Target, phases: Phases) -> Answer:
    """One GET, judged; raises OSError and ProbeImpossible."""
    expiry = 0.0
    asked: dict[str, Any] = {
        "headers": _headers(probe, target),
        "extensions": _extensions(probe, target, phases),
    }
    try:
        async with _client(probe) as client, client.stream("GET", _url(probe, target), **asked) as response:
            expiry = _expiry(response.extensions["network_stream"].get_extra_info("ssl_object"))
            body = await _beginning(response)
    except httpx.HTTPError as error:
        return await _failure(error, probe, target)
    return Answer(_judged(probe, response.status_code, body, expiry), expiry)


def _client(probe: HttpProbe) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(verify=_context(probe), trust_env=False)
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113  (ours is around it)


def _context(probe: HttpProbe) -> ssl.SSLContext:
    """The TLS context; a file that changed is read again."""
    try:
        changed = Path(probe.ca_file).stat().st_mtime_ns if probe.ca_file else 0
        return _made_context(probe.verify, probe.ca_file, changed)
    except (OSError, ssl.SSLError) as error:
        raise ProbeImpossible("configuration", f"ca_file {probe.ca_file}: {error}") from error


@lru_cache(maxsize=64)
def _made_context(verify: bool, ca_file: str, changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _url(probe: HttpProbe, target: Target) -> str:
    address = f"[{target.address}]" if ":" in target.address else target.address
    return f"{'https' if probe.tls else 'http'}://{address}:{probe.port}{probe.path}"


def _name(probe: HttpProbe, target: Target) -> str:
    """The name that is asked for: the Host header, and what the certificate must speak for."""
    host = filled(probe.host, server=target.server, agency=target.agency, address=target.address)
    return host or target.address


def _headers(probe: HttpProbe, target: Target) -> dict[str, str]:
    host = {"Host": _name(probe, target)} if probe.host else {}
    return {
        **host,
        "User-Agent": _AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _extensions(probe: HttpProbe, target: Target, phases: Phases) -> dict[str, Any]:
    async def trace(event: str, info: object) -> None:
        if phase := _BEGINS.get(event):
            phases.begin(phase)
        if phase := _ENDS.get(event):
            phases.end(phase)

    return {"trace": trace, "sni_hostname": _name(probe, target)}


async def _beginning(response: httpx.Response) -> str:
    """The first bytes of the body as text; the rest is not waited for."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= _LONGEST_BODY:
            break
    with contextlib.suppress(LookupError):  # an encoding that nobody knows
        return bytes(body[:_LONGEST_BODY]).decode(response.charset_encoding or "utf-8", "replace")
    return bytes(body[:_LONGEST_BODY]).decode("utf-8", "replace")


def _judged(probe: HttpProbe, status: int, body: str, expiry: float) -> str:
    if status not in probe.statuses:
        return "wrong_status"
    if probe.body and not re.search(probe.body, body):
        return "wrong_body"
    if expiry and probe.certificate_days and expiry - time.time() < probe.certificate_days * _DAY:
        return "certificate_expires_soon"
    return ""


async def _failure(error: httpx.HTTPError, probe: HttpProbe, target: Target) -> Answer:
    """The word for an exchange that broke off. A certificate that was not taken is looked at once more, for
    its expiry.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = _VERIFY_REASONS.get(cause.verify_code, "certificate_untrusted")
            return Answer(reason, await _untrusted_expiry(probe, target))
        if isinstance(cause, ssl.SSLError):
            return Answer("tls_failed")
        if isinstance(cause, OSError) and cause.errno:  # one without a number sums up others
            return Answer(reason_of(cause))
    if isinstance(error, httpx.RemoteProtocolError):
        return Answer("closed" if re.search("disconnected|closed connection", str(error)) else "bad_answer")
    if isinstance(error, httpx.NetworkError):
        return Answer("closed")
    return Answer("bad_answer" if isinstance(error, httpx.DecodingError) else "failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


async def _untrusted_expiry(probe: HttpProbe, target: Target) -> float:
    """Expiry of a certificate that was not trusted, 0.0 when it cannot be had."""
    context = _made_context(False, "", 0)
    name = _name(probe, target)
    try:
        _, writer = await asyncio.open_connection(
            target.address, probe.port, ssl=context, server_hostname=name
        )
    except OSError:
        return 0.0
    try:
        return _expiry(writer.get_extra_info("ssl_object"))
    finally:
        writer.transport.abort()


def _expiry(ssl_object: Any) -> float:
    """When the server's own certificate expires, in seconds of the epoch; 0.0 without TLS."""
    encoded = ssl_object.getpeercert(binary_form=True) if ssl_object is not None else None
    if not encoded:
        return 0.0
    try:
        return x509.load_der_x509_certificate(encoded).not_valid_after_utc.timestamp()
    except ValueError:  # a certificate that our library refuses
        return 0.0

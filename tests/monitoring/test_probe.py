"""Probes against real sockets on loopback: each failure has its word, and each phase its time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from infra.domain.probe import DnsProbe, HttpProbe, IcmpProbe, Probe, SshProbe, TcpProbe
from monitoring.exporters.probe import run
from monitoring.exporters.probe_outcome import PHASES, REASONS, Outcome, ProbeImpossible, Target
from tests.monitoring.loopback import HOST, Authority, NameServer, http, saying

TARGET = Target(HOST, "web", "sxd")


def asked(make: Callable[[int], Probe], answer: bytes | None, context: Any = None) -> Outcome:
    """The outcome of the probe that `make` makes for a server's port, asked of that server."""

    async def scenario() -> Outcome:
        async with saying(answer, context) as port:
            return await run(make(port), TARGET)

    outcome = asyncio.run(scenario())
    assert outcome.good == (outcome.reason == "")
    assert outcome.reason in ("", *REASONS)
    assert set(outcome.phases) <= set(PHASES)
    return outcome


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", ""),
        (b"welcome\r\nSSH-2.0-x\r\n", ""),
        (b"", "closed"),
        (b"220 mail\r\n", "closed"),
        (b"x" * 20000, "no_banner"),
        (b"x\n" * 10000, "no_banner"),
        (None, "timeout"),
    ],
)
def test_only_an_ssh_banner_in_time_is_good(greeting: bytes | None, reason: str) -> None:
    outcome = asked(lambda port: SshProbe(name="ssh", port=port, timeout_seconds=0.3), greeting)
    assert outcome.reason == reason
    assert {"connect", "processing"} == set(outcome.phases)


def test_a_port_that_takes_a_connection_is_good_for_tcp() -> None:
    assert asked(lambda port: TcpProbe(name="db", port=port), None).good


@pytest.mark.parametrize("make", [TcpProbe, SshProbe, HttpProbe])
def test_a_closed_port_is_refused(make: Callable[..., Probe]) -> None:
    assert asyncio.run(run(make(name="x", port=closed_port()), TARGET)).reason == "refused"


def web(**expected: Any) -> Callable[[int], Probe]:
    return lambda port: HttpProbe(
        name="web", port=port, timeout_seconds=expected.pop("timeout", 5.0), **expected
    )


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        (http("200 OK", "Xin chào"), {"body": "chào"}, ""),
        (http("302 Found", location="/login"), {"statuses": (200, 302)}, ""),
        (http("302 Found", location="/login"), {}, "wrong_status"),
        (http("503 Unavailable"), {}, "wrong_status"),
        (http("200 OK", "Server error"), {"body": "Xin chào"}, "wrong_body"),
        (http("200 OK", "x" * 200_000 + "late"), {"body": "late"}, "wrong_body"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", {}, "closed"),
        (b"SSH-2.0-x\r\n\r\n", {}, "bad_answer"),
        (b"", {}, "closed"),
        (None, {"timeout": 0.3}, "timeout"),
    ],
)
def test_an_http_answer_is_judged(answer: bytes | None, expected: dict[str, Any], reason: str) -> None:
    assert asked(web(**expected), answer).reason == reason


def test_the_host_is_asked_for_by_name() -> None:
    seen = b""

    async def scenario() -> Outcome:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal seen
            seen = await reader.readuntil(b"\r\n\r\n")
            writer.write(http("200 OK"))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, HOST, 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            probe = HttpProbe(name="web", port=port, path="/health?x=1", host="{server}.{agency}.vn")
            return await run(probe, TARGET)

    assert asyncio.run(scenario()).good
    assert seen.startswith(b"GET /health?x=1 HTTP/1.1\r\n")
    assert b"\r\nHost: web.sxd.vn\r\n" in seen


def secure(authority: Authority, **expected: Any) -> Callable[[int], Probe]:
    given = {"host": "web.vn", "ca_file": str(authority.file), **expected}
    return lambda port: HttpProbe(name="web", port=port, tls=True, **given)


@pytest.mark.parametrize(
    ("name", "days", "expected", "reason"),
    [
        ("web.vn", 30, {}, ""),
        (HOST, 30, {"host": ""}, ""),
        ("web.vn", -1, {}, "certificate_expired"),
        ("web.vn", 30, {"ca_file": ""}, "certificate_untrusted"),
        ("other.vn", 30, {}, "certificate_wrong_name"),
        ("web.vn", 30, {"host": ""}, "certificate_wrong_name"),
        ("web.vn", 5, {"certificate_days": 14}, "certificate_expires_soon"),
        ("web.vn", -1, {"verify": False}, ""),
    ],
)
def test_a_certificate_is_judged_and_its_expiry_told_in_any_case(
    tmp_path: Path, name: str, days: float, expected: dict[str, Any], reason: str
) -> None:
    authority = Authority(tmp_path)
    context, expiry = authority.context(name, days)
    outcome = asked(secure(authority, **expected), http("200 OK"), context)
    assert (outcome.reason, outcome.certificate_expiry) == (reason, expiry)
    assert {"connect", "tls"} <= set(outcome.phases)


def test_all_phases_of_a_good_answer_are_timed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context, _ = authority.context("web.vn", 30)
    outcome = asked(secure(authority), http("200 OK", "body"), context)
    assert set(outcome.phases) == {"connect", "tls", "processing", "transfer"}
    assert sum(outcome.phases.values()) <= outcome.seconds


def test_a_server_that_speaks_no_tls_says_so(tmp_path: Path) -> None:
    assert asked(secure(Authority(tmp_path)), b"SSH-2.0-OpenSSH_9.2\r\n").reason == "tls_failed"


def test_a_missing_authority_is_our_fault(tmp_path: Path) -> None:
    (authority := Authority(tmp_path)).file.unlink()
    with pytest.raises(ProbeImpossible, match=r"ca\.pem") as caught:
        asyncio.run(run(secure(authority)(1), TARGET))
    assert caught.value.reason == "configuration"


RECORDS = {
    ("web.sxd.vn.", "A"): ["192.0.2.7", "127.0.0.1"],
    ("sxd.vn.", "SOA"): ["ns1.sxd.vn. admin.sxd.vn. 1 7200 900 1209600 86400"],
    ("sxd.vn.", "MX"): ["10 mail.sxd.vn."],
}


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ({"query": "{server}.{agency}.vn", "answers": ("{address}",)}, ""),
        ({"query": "web.sxd.vn", "answers": ("192.0.2.7", "127.0.0.1")}, ""),
        ({"query": "web.sxd.vn", "answers": ("192.0.2.8",)}, "wrong_answer"),
        ({"query": "sxd.vn", "record": "SOA"}, ""),
        ({"query": "sxd.vn", "record": "MX", "answers": ("10 MAIL.sxd.vn",)}, ""),
        ({"query": "sxd.vn", "record": "TXT"}, "wrong_answer"),
        ({"query": "none.vn"}, "no_such_name"),
    ],
)
@pytest.mark.parametrize("resolver", ["", HOST])
def test_a_dns_answer_is_judged(expected: dict[str, Any], reason: str, resolver: str) -> None:
    async def scenario() -> Outcome:
        async with NameServer(RECORDS).serving() as port:
            return await run(DnsProbe(name="zone", port=port, resolver=resolver, **expected), TARGET)

    outcome = asyncio.run(scenario())
    assert outcome.reason == reason
    assert set(outcome.phases) == {"resolve"}


def silent(resolver: str) -> tuple[Awaitable[Outcome], NameServer]:
    server = NameServer({}, silent=True)

    async def scenario() -> Outcome:
        async with server.serving() as port:
            probe = DnsProbe(name="zone", query="a.vn", port=port, resolver=resolver, timeout_seconds=0.4)
            return await run(probe, TARGET)

    return scenario(), server


def test_a_name_server_that_is_silent_is_asked_twice_and_then_down() -> None:
    scenario, server = silent("")
    assert asyncio.run(scenario).reason == "timeout"  # type: ignore[arg-type]
    assert len(server.asked) == 2


def test_a_resolver_that_is_down_says_nothing_of_the_workload() -> None:
    scenario, _ = silent(HOST)
    with pytest.raises(ProbeImpossible) as caught:
        asyncio.run(scenario)  # type: ignore[arg-type]
    assert caught.value.reason == "resolver"


def test_a_resolver_that_is_down_says_nothing_of_the_workload_on_a_busy_loop_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def late(*_: object) -> None:
        await asyncio.sleep(60)  # its own time is over without the loop having looked

    monkeypatch.setattr("monitoring.exporters.probe.ask_dns", late)
    scenario, _ = silent(HOST)
    with pytest.raises(ProbeImpossible) as caught:
        asyncio.run(scenario)  # type: ignore[arg-type]
    assert caught.value.reason == "resolver"


def test_an_address_that_answers_echo_is_good() -> None:
    outcome = asyncio.run(run(IcmpProbe(name="ping"), TARGET))
    assert outcome.good
    assert set(outcome.phases) == {"processing"}


def test_an_address_that_answers_no_echo_is_down() -> None:
    probe = IcmpProbe(name="ping", count=2, timeout_seconds=0.4)
    assert asyncio.run(run(probe, Target("127.255.255.255"))).reason in {"no_reply", "timeout"}

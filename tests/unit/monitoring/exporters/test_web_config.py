"""The web config file: what it admits, whom it lets in, and what happens when it changes."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import bcrypt
import pytest

from infra.provisioning import certificates
from monitoring.exporters.configuration import ConfigurationInvalid
from monitoring.exporters.listening import Request
from monitoring.exporters.web_config import Bucket, RateLimit, WebGuard, load

HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes web.yml beside a certificate that fits its key."""
    now = datetime.now(UTC)
    authority = certificates.make_authority("Test", now)
    pair = certificates.make_server_certificate(authority, ["127.0.0.1"], now)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "server.pem").write_text(pair.certificate)
    (tmp_path / "server.key").write_text(pair.key)

    def write(text: str) -> Path:
        path = tmp_path / "web.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def as_user(name: str, password: str) -> Request:
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Request("/metrics", headers={"authorization": f"Basic {encoded}"})


TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key"


def test_an_empty_file_means_neither_tls_nor_passwords(written: Written) -> None:
    guard = WebGuard.of(written(""))
    assert guard.context is None
    assert guard.authenticate(Request("/metrics")) is None


@pytest.mark.parametrize(
    ("text", "key", "why"),
    [
        ("tls_sever_config: {}", "tls_sever_config", "did you mean tls_server_config"),
        (TLS + ", client_auth: x}", "tls_server_config.client_auth", "did you mean client_auth_type"),
        ("tls_server_config: {key_file: server.key}", "tls_server_config", "has no cert_file"),
        (TLS + ", cert: x}", "tls_server_config", "has both cert and cert_file"),
        (TLS + ", min_version: TLS9}", "tls_server_config.min_version", "write 'TLS10'"),
        (TLS + ", min_version: TLS13, max_version: TLS12}", "tls_server_config", "above max_version"),
        (TLS + ", cipher_suites: [TLS_NONE]}", "tls_server_config", "TLS_NONE is not a known cipher suite"),
        (TLS + ", curve_preferences: [P1]}", "tls_server_config", "P1 is not a known curve"),
        (TLS + ", curve_preferences: [X25519, CurveP256]}", "tls_server_config", "takes one curve"),
        (TLS + ", client_auth_type: RequireAndVerifyClientCert}", "tls_server_config", "add client_ca_file"),
        (TLS + ", client_auth_type: RequireAnyClientCert}", "tls_server_config", "for himself"),
        (TLS + ", client_ca_file: ca.pem}", "tls_server_config", "client_auth_type does not use it"),
        (TLS + ", client_allowed_sans: [x]}", "tls_server_config", "need not show a certificate"),
        ("tls_server_config: {cert_file: a, key_file: b}", "tls_server_config", "cannot be used"),
        ("basic_auth_users: {an: geheim}", "basic_auth_users", "the password of an is not a bcrypt hash"),
        ("basic_auth_users: {an: 7}", "basic_auth_users", "the password of an is not a bcrypt hash"),
        ("http_server_config: {headers: {X-Powered-By: a}}", "http_server_config.headers.X-Powered-By",
            "known"),
        ("http_server_config: {headers: {X-Frame-Options: all}}",
         "http_server_config.headers.X-Frame-Options", "known value"),
        ("http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}", "http_server_config.headers",
            "one line"),
        ("rate_limit: {interval: soon, burst: 1}", "rate_limit.interval", "must be a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_key_and_way_out(
    written: Written, text: str, key: str, why: str
) -> None:
    path = written(text)
    with pytest.raises(ConfigurationInvalid) as raised:
        load(path)
    (problem,) = raised.value.problems
    assert (problem.file, problem.key) == (str(path), key)
    assert why in str(problem)
    assert problem.way_out
    assert "geheim" not in str(problem)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"web\.yml: \(whole file\): there is no such file"):
        load(tmp_path / "web.yml")


def test_only_those_with_the_right_password_are_let_in(written: Written) -> None:
    guard = WebGuard.of(written(f"basic_auth_users: {{an: {HASH}}}"))
    for _ in range(2):  # the second time from memory
        assert guard.authenticate(as_user("an", "open sesame")) is None
    for request in (
        as_user("an", "sesame"), as_user("binh", "open sesame"), as_user("", ""), as_user("an", "x" * 100),
        as_user("an", "\0"), Request("/metrics"), Request("/", headers={"authorization": "Basic %%%"}),
        Request("/", headers={"authorization": "Bearer x"}),
    ):  # fmt: skip
        refusal = guard.authenticate(request)
        assert refusal is not None
        assert refusal.status == 401
        assert refusal.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_hash_of_apache_is_a_hash(written: Written) -> None:
    guard = WebGuard.of(written(f"basic_auth_users: {{an: {HASH.replace('$2b$', '$2y$')}}}"))
    assert guard.authenticate(as_user("an", "open sesame")) is None


def test_headers_are_added_to_refusals_too(written: Written) -> None:
    text = "http_server_config: {headers: {X-Frame-Options: deny}}\nbasic_auth_users: {an: " + HASH + "}"
    refusal = WebGuard.of(written(text)).authenticate(Request("/"))
    assert refusal is not None
    assert refusal.headers["X-Frame-Options"] == "deny"


def test_tls_is_what_the_file_says(written: Written) -> None:
    suites = "[TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]"
    config = load(written(f"{TLS}, max_version: TLS12, cipher_suites: {suites}, client_ca_file: ca.pem, "
                          "client_auth_type: RequireAndVerifyClientCert}"))  # fmt: skip
    assert config.context is not None
    assert config.context.maximum_version == ssl.TLSVersion.TLSv1_2
    assert config.context.verify_mode == ssl.CERT_REQUIRED
    names = {cipher["name"] for cipher in config.context.get_ciphers()}
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" in names
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" not in names


def test_certificates_may_stand_in_the_file(written: Written, tmp_path: Path) -> None:
    def indented(name: str) -> str:
        return "".join(f"    {line}\n" for line in (tmp_path / name).read_text().splitlines())

    path = written(
        f"tls_server_config:\n  cert: |\n{indented('server.pem')}  key: |\n{indented('server.key')}"
    )
    assert load(path).context is not None


def newer(path: Path, text: str) -> None:
    """Written later than before, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_a_changed_file_counts_from_the_next_request_on(written: Written) -> None:
    path = written(f"basic_auth_users: {{an: {HASH}}}")
    guard = WebGuard.of(path)
    newer(path, f"basic_auth_users: {{binh: {HASH}}}")
    assert guard.authenticate(as_user("an", "open sesame")) is not None
    assert guard.authenticate(as_user("binh", "open sesame")) is None
    assert guard.success


@pytest.mark.parametrize("text", ["basic_auth_users: {an: x}", "}{", TLS + "}", ""])
def test_a_bad_change_leaves_what_was_in_force(written: Written, text: str) -> None:
    path = written(
        f"{TLS}}}\nbasic_auth_users: {{an: {HASH}}}" if text == "" else f"basic_auth_users: {{an: {HASH}}}"
    )
    guard = WebGuard.of(path)
    newer(path, text)
    assert guard.authenticate(Request("/")) is not None
    assert guard.authenticate(as_user("an", "open sesame")) is None
    assert not guard.success


def test_a_renewed_certificate_is_taken_up_and_a_broken_one_is_not(written: Written, tmp_path: Path) -> None:
    guard = WebGuard.of(written(TLS + "}"))
    assert callable(guard.context)
    first = guard.context()
    good = (tmp_path / "server.pem").read_text()
    newer(tmp_path / "server.pem", "half of a certif")
    assert guard.context() is first
    assert not guard.success
    newer(tmp_path / "server.pem", good)
    assert guard.context() is not first
    assert guard.success


def test_a_burst_is_admitted_and_then_one_for_each_interval() -> None:
    now = [0.0]
    bucket, limit = Bucket(lambda: now[0]), RateLimit(interval=2.0, burst=3)
    assert [bucket.admits(limit) for _ in range(4)] == [True, True, True, False]
    now[0] = 2.0
    assert [bucket.admits(limit) for _ in range(2)] == [True, False]

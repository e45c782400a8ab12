"""The internal CA and the API's certificate."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from infra.provisioning import certificates
from infra.provisioning.certificates import Pair, make_authority, make_server_certificate

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
NAMES = ["cloud.example", "172.30.0.10", "ctl1", "172.30.0.11"]


@pytest.fixture
def authority() -> Pair:
    return make_authority("lab", NOW)


def test_the_certificate_speaks_for_every_name_and_address(authority: Pair) -> None:
    pair = make_server_certificate(authority, NAMES, NOW)
    assert certificates.covers(pair.certificate, NAMES)
    assert not certificates.covers(pair.certificate, [*NAMES, "172.30.0.12"])
    assert not certificates.covers(authority.certificate, NAMES)


def test_it_is_signed_by_its_authority_and_no_other(authority: Pair) -> None:
    pair = make_server_certificate(authority, NAMES, NOW)
    assert certificates.signed_by(pair.certificate, authority.certificate)
    assert not certificates.signed_by(pair.certificate, make_authority("lab", NOW).certificate)
    assert not certificates.signed_by(pair.certificate, make_authority("other", NOW).certificate)


def test_it_is_renewed_in_its_last_thirty_days(authority: Pair) -> None:
    pair = make_server_certificate(authority, NAMES, NOW)
    end = certificates.expires(pair.certificate)
    assert not certificates.needs_renewal(pair.certificate, end - dt.timedelta(days=30))
    assert certificates.needs_renewal(pair.certificate, end - dt.timedelta(days=29, hours=23))


def test_it_does_not_outlive_its_authority(authority: Pair) -> None:
    late = certificates.expires(authority.certificate) - dt.timedelta(days=40)
    pair = make_server_certificate(authority, NAMES, late)
    assert certificates.expires(pair.certificate) <= certificates.expires(authority.certificate)


def test_a_strict_verifier_accepts_the_chain(tmp_path: Path) -> None:
    """A handshake in memory with OpenSSL's X509_STRICT, which is Python 3.13's default."""
    authority = make_authority("lab", dt.datetime.now(dt.UTC))
    pair = make_server_certificate(authority, NAMES, dt.datetime.now(dt.UTC))
    (tmp_path / "pair.pem").write_text(pair.key + pair.certificate)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(tmp_path / "pair.pem")
    client_context = ssl.create_default_context(cadata=authority.certificate)
    client_context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="172.30.0.10")
    for _ in range(5):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


def test_the_authority_may_sign_certificates_and_nothing_may_sign_under_the_api(authority: Pair) -> None:
    ca = x509.load_pem_x509_certificate(authority.certificate.encode())
    leaf = x509.load_pem_x509_certificate(make_server_certificate(authority, NAMES, NOW).certificate.encode())
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert ca.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_a_pair_does_not_show_its_key(authority: Pair) -> None:
    assert "PRIVATE" not in repr(authority)
    assert repr(authority) == "Pair('CN=City Cloud lab internal CA')"

"""The site's internal certificate authority and the certificate of its API address.

The authority signs for nobody else and its key lies in the site's vault. Certificates carry what strict
verifiers ask for (RFC 5280: key usage, subject and authority key identifiers), since Python 3.13 verifies
strictly by default.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = dt.timedelta(days=3652)  # ten years: trusted by every server of the site, replaced with them
API_LIFETIME = dt.timedelta(days=397)  # what browsers accept at most
RENEWAL_MARGIN = dt.timedelta(days=30)
BACKDATE = dt.timedelta(hours=1)  # servers' clocks may be this far behind the deploy host's


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, PEM. The key is not shown by `repr`."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        return f"Pair({x509.load_pem_x509_certificate(self.certificate.encode()).subject.rfc4514_string()!r})"


def make_authority(site_name: str, now: dt.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"City Cloud {site_name} internal CA")
    certificate = (
        _builder(name, name, key.public_key(), now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def make_server_certificate(
    authority: Pair, names: Iterable[str], now: dt.datetime, *, client: bool = False
) -> Pair:
    """A certificate for all of `names` (host names or IP addresses); the first is the common name.

    `client`: it also proves who asks, not only who answers.
    """
    names = _distinct(names)
    ca = x509.load_pem_x509_certificate(authority.certificate.encode())
    ca_key = serialization.load_pem_private_key(authority.key.encode(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if client else [])]
    lifetime = min(API_LIFETIME, ca.not_valid_after_utc - now)
    certificate = (
        _builder(_name(names[0]), ca.subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([_alternative_name(n) for n in names]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return _pair(certificate, key)


def expires(certificate: str) -> dt.datetime:
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def needs_renewal(certificate: str, now: dt.datetime) -> bool:
    return expires(certificate) - now < RENEWAL_MARGIN


def covers(certificate: str, names: Iterable[str]) -> bool:
    """Whether a certificate speaks for each of these names and addresses."""
    try:
        extension = x509.load_pem_x509_certificate(certificate.encode()).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        return False
    return {_alternative_name(name) for name in names} <= set(extension.value)


def signed_by(certificate: str, authority: str) -> bool:
    issuer = x509.load_pem_x509_certificate(authority.encode())
    try:
        x509.load_pem_x509_certificate(certificate.encode()).verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):  # other key; other issuer's name; other kind of key
        return False
    return True


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    lifetime: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )

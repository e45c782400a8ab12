"""Signs records with a certificate of the site's own authority, and checks such signatures.

The signer's certificate is made for one record and its key is forgotten at once: nobody can sign a second
record with it, and there is no key to keep. A JSON document gets a detached CMS signature (`.p7s`, DER),
which `openssl cms -verify -binary -inform DER -in FILE.p7s -content FILE -CAfile ca.pem -purpose any` checks
too; a PDF carries its signature inside (PAdES baseline B-B), which PDF readers show. A signature holds as of
the time that the record says: there is no time stamp of a third party in it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import warnings
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.errors import InfraError
from infra.provisioning.certificates import BACKDATE, Pair

LIFETIME = dt.timedelta(days=3652)
"""Records are looked at for years. The authority's own end comes first."""


class RecordSignatureWrong(InfraError):
    """A signature is not by the site's authority, or what it signs was changed since; do not trust the
    record."""

    code = "record_signature_wrong"


@dataclass(frozen=True)
class Signed:
    """Who signed, as the certificate says."""

    signer: str
    serial: str


def make_signer(authority: Pair, name: str, now: dt.datetime) -> Pair:
    """A certificate for one record's signature, with digital signature and non-repudiation as its only
    use."""
    ca = x509.load_pem_x509_certificate(authority.certificate.encode())
    ca_key = serialization.load_pem_private_key(authority.key.encode(), None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - BACKDATE, ca.not_valid_before_utc))
        .not_valid_after(min(now + LIFETIME, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_only(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode())


def sign_bytes(signer: Pair, authority: str, data: bytes) -> bytes:
    """A detached CMS signature over `data`, DER."""
    made = _signer(signer, authority).async_sign_general_data(data, "sha256", detached=True)
    return bytes(asyncio.run(made).dump())


def sign_pdf(signer: Pair, authority: str, pdf: bytes, reason: str, attachment: tuple[str, bytes]) -> bytes:
    """The PDF with a file embedded in it, signed over all of it."""
    from pyhanko.pdf_utils import embed, generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    name, data = attachment
    held = embed.EmbeddedFileObject.from_file_data(writer, data, mime_type="application/json")
    spec = embed.FileSpec(
        file_spec_string=name, file_name=name, embedded_data=held, description=reason,
        af_relationship=generic.NameObject("/Source"),
    )  # fmt: skip
    embed.embed_file(writer, spec)
    metadata = signers.PdfSignatureMetadata(
        field_name="CityCloud", reason=reason, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    pdf_signer = signers.PdfSigner(metadata, signer=_signer(signer, authority))
    return bytes(asyncio.run(pdf_signer.async_sign_pdf(writer)).getvalue())


def check_bytes(data: bytes, signature: bytes, authority: str) -> Signed:
    """Who signed these bytes; raises RecordSignatureWrong."""
    from asn1crypto import cms
    from pyhanko.sign.validation import async_validate_detached_cms

    try:
        held = cms.ContentInfo.load(signature)["content"]
        status = asyncio.run(
            async_validate_detached_cms(data, held, signer_validation_context=_trust(authority))
        )
    except _unreadable() as broken:
        raise RecordSignatureWrong(f"the signature cannot be read: {broken}") from broken
    return _judged(status)


def check_pdf(pdf: bytes, authority: str) -> Signed:
    """Who signed this PDF, whole and as it is; raises RecordSignatureWrong."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature

    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        signatures = reader.embedded_signatures
        if len(signatures) != 1:
            raise RecordSignatureWrong(f"the PDF has {len(signatures)} signatures instead of one")
        status = asyncio.run(
            async_validate_pdf_signature(signatures[0], signer_validation_context=_trust(authority))
        )
    except _unreadable() as broken:
        raise RecordSignatureWrong(f"the PDF cannot be read: {broken}") from broken
    if not status.coverage or status.coverage.name != "ENTIRE_FILE":
        raise RecordSignatureWrong("the PDF was added to after it was signed")
    return _judged(status)


def attached(pdf: bytes, name: str) -> bytes:
    """The file of this name that is embedded in the PDF; raises RecordSignatureWrong when there is none."""
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        names = PdfFileReader(io.BytesIO(pdf)).root["/Names"]["/EmbeddedFiles"]["/Names"]
    except KeyError:
        names = []
    for spec in (names[index] for index in range(1, len(names), 2)):
        if str(spec["/F"]) == name:
            return bytes(spec["/EF"]["/F"].data)
    raise RecordSignatureWrong(f"the PDF has no {name} in it")


def _judged(status: Any) -> Signed:
    if not (status.intact and status.valid and status.trusted):
        raise RecordSignatureWrong(
            "what was signed has been changed since"
            if not (status.intact and status.valid)
            else "the signature is not by this site's authority"
        )
    certificate = status.signing_cert
    return Signed(certificate.subject.native["common_name"], f"{certificate.serial_number:x}")


def _signer(pair: Pair, authority: str) -> Any:
    from asn1crypto import keys, pem
    from asn1crypto import x509 as asn1_x509
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store = SimpleCertificateStore()
    store.register(asn1_x509.Certificate.load(pem.unarmor(authority.encode())[2]))
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(pem.unarmor(pair.certificate.encode())[2]),
        signing_key=keys.PrivateKeyInfo.load(pem.unarmor(pair.key.encode())[2]),
        cert_registry=store,
    )


def _unreadable() -> tuple[type[Exception], ...]:
    """What the parsers say of bytes that are no signature."""
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.general import CMSExtractionError
    from pyhanko.sign.validation.errors import SignatureValidationError

    return (PdfError, CMSExtractionError, SignatureValidationError, ValueError, TypeError, KeyError)


def _trust(authority: str) -> Any:
    """The site's authority and nobody else; no list of revoked certificates is published."""
    from asn1crypto import pem
    from asn1crypto import x509 as asn1_x509
    from pyhanko_certvalidator import ValidationContext

    root = asn1_x509.Certificate.load(pem.unarmor(authority.encode())[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ValidationContext(trust_roots=[root], allow_fetching=False)


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip

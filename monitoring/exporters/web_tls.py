"""TLS by the standard web config file: its words, which are those of Go, in terms of OpenSSL.

What Go can do and Python cannot is refused instead of being left out silently: whoever reads the file must be
able to believe it.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from infra.errors import Problem
from infra.inventory.schema import Strict
from monitoring.exporters.configuration import ConfigurationInvalid

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1, "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3,
}  # fmt: skip
# Go's names of suites up to TLS 1.2 -> OpenSSL's. Suites of TLS 1.3 cannot be chosen, in Go neither.
SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
}
SUITES_OF_13 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]


def rule(why: str, way_out: str) -> PydanticCustomError:
    """A complaint of our own, in the form that the house's reader of models understands."""
    return PydanticCustomError("rule", "{why}", {"why": why, "way_out": way_out})


class TlsServer(Strict):
    """`tls_server_config`. Paths are relative to the file's folder; `cert`, `key` and `client_ca` are PEM."""

    cert_file: str = ""
    key_file: str = ""
    cert: str = ""
    key: str = ""
    client_ca_file: str = ""
    client_ca: str = ""
    client_auth_type: Literal[
        "NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert",
        "RequireAnyClientCert", "",
    ] = "NoClientCert"  # fmt: skip
    client_allowed_sans: list[str] = Field(default_factory=list)
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: list[str] = Field(default_factory=list)
    prefer_server_cipher_suites: bool = True
    curve_preferences: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> TlsServer:
        for kind in ("cert", "key", "client_ca"):
            if getattr(self, kind) and getattr(self, f"{kind}_file"):
                raise rule(f"has both {kind} and {kind}_file", "keep one of the two")
        for kind in ("cert", "key"):
            if not getattr(self, kind) and not getattr(self, f"{kind}_file"):
                raise rule(f"has no {kind}_file", f"add {kind}_file, or leave tls_server_config out")
        if VERSIONS[self.min_version] > VERSIONS[self.max_version]:
            raise rule("min_version is above max_version", "write the lower one as min_version")
        self._check_clients()
        self._check_choices()
        return self

    def _check_clients(self) -> None:
        authority = self.client_ca or self.client_ca_file
        if self.client_auth_type == "RequireAnyClientCert":
            raise rule(
                "RequireAnyClientCert would let in whoever made a certificate for himself",
                "write RequireAndVerifyClientCert and client_ca_file",
            )
        verifies = self.client_auth_type in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
        if verifies and not authority:
            raise rule(f"{self.client_auth_type} needs to know who signs clients", "add client_ca_file")
        if authority and not verifies:
            raise rule(
                "there is a client CA, but client_auth_type does not use it",
                "write client_auth_type: RequireAndVerifyClientCert, or remove the CA",
            )
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise rule(
                "client_allowed_sans means nothing for a client that need not show a certificate",
                "write client_auth_type: RequireAndVerifyClientCert",
            )

    def _check_choices(self) -> None:
        for name in self.cipher_suites:
            if name not in SUITES and name not in SUITES_OF_13:
                raise rule(f"{name} is not a known cipher suite", f"use names as {', '.join([*SUITES][:2])}")
        unknown = [name for name in self.curve_preferences if name not in CURVES]
        if unknown:
            raise rule(f"{unknown[0]} is not a known curve", f"use one of {', '.join(CURVES)}")
        if len(self.curve_preferences) > 1:
            raise rule("this exporter takes one curve", "keep the first, or leave curve_preferences out")

    def files(self, folder: Path) -> tuple[Path, ...]:
        """The files that the configuration stands on."""
        named = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(folder / name for name in named if name)

    def context(self, folder: Path, file: str) -> ssl.SSLContext:
        """The context. Raises ConfigurationInvalid when certificates cannot be used."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version, made.maximum_version = VERSIONS[self.min_version], VERSIONS[self.max_version]
        if not self.prefer_server_cipher_suites:
            made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        try:
            self._load(made, folder)
        except (OSError, ValueError) as failed:  # ssl.SSLError is an OSError
            raise ConfigurationInvalid([_unusable(file, self, failed)]) from failed
        chosen = [SUITES[name] for name in self.cipher_suites if name in SUITES]
        if chosen:
            made.set_ciphers(":".join(chosen))
        for curve in self.curve_preferences:
            made.set_ecdh_curve(CURVES[curve])
        if self.client_allowed_sans:
            made.sslsocket_class = _socket_for(frozenset(self.client_allowed_sans))
        return made

    def _load(self, made: ssl.SSLContext, folder: Path) -> None:
        with (
            _as_path(self.cert, folder / self.cert_file) as cert,
            _as_path(self.key, folder / self.key_file) as key,
        ):
            made.load_cert_chain(cert, key, password="")  # else an encrypted key would ask the terminal
        if self.client_ca or self.client_ca_file:
            text = self.client_ca or (folder / self.client_ca_file).read_text(encoding="ascii")
            made.load_verify_locations(cadata=text)
            wanted = self.client_auth_type == "RequireAndVerifyClientCert"
            made.verify_mode = ssl.CERT_REQUIRED if wanted else ssl.CERT_OPTIONAL


def _unusable(file: str, tls: TlsServer, failed: Exception) -> Problem:
    names = ", ".join(name for name in (tls.cert_file, tls.key_file, tls.client_ca_file) if name)
    why = f"the certificates cannot be used: {failed}"
    return Problem(file, "tls_server_config", names, why, "give PEM files that we can read and that fit")


@contextlib.contextmanager
def _as_path(text: str, file: Path) -> Iterator[str]:
    """The path of the file, or of one that is in memory only and holds the PEM text."""
    if not text:
        yield str(file)
        return
    handle = os.memfd_create("pem")
    try:
        os.write(handle, text.encode())
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _socket_for(allowed: frozenset[str]) -> type[ssl.SSLSocket]:
    """Sockets that end the handshake of a client none of whose alternative names is allowed."""

    class Named(ssl.SSLSocket):
        def do_handshake(self, *arguments: Any) -> None:
            super().do_handshake(*arguments)
            shown: Any = self.getpeercert() or {}
            if not allowed & {value for _, value in shown.get("subjectAltName", ())}:
                raise ssl.SSLError("the client's certificate has none of client_allowed_sans")

    return Named

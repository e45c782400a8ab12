"""Every password and key of a site: made once, kept in one ansible-vault file, never printed.

The file holds one mapping, `secrets`, which playbooks get by `-e @secrets.yml --vault-password-file ...`; the
names in it are an interface with the roles. What exists is never replaced here (rotation is an operation of
its own); what is missing, because a service was added since, is added. The one exception is a certificate
that is about to expire or does not speak for every address any more.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets as random
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, get_file_vault_secret, is_encrypted

from infra.errors import Problem, Problems
from infra.hosts.keys import new_key, write_whole
from infra.provisioning import certificates

PASSWORD_LENGTH = (
    32  # letters and digits: 190 bits, and no character that a URL or an ini file gives a meaning
)
PASSWORDS = (
    "admin_password",
    "database_root_password",
    "message_queue_password",
    "erlang_cookie",
    "keycloak_admin_password",
    "keycloak_database_password",
    "metadata_proxy_secret",
    "monitoring_password",
    "portal_oidc_secret",
    "portal_passphrase",
    "portal_password",
    "pulumi_passphrase",
)
SHORT_PASSWORDS = {"keepalived_password": 8}  # VRRP's field is 8 bytes long, keepalived cuts off the rest
KEYS = ("portal_audit_key",)  # 32 bytes in base64
SSH_KEYS = ("portal_worker_key",)  # private, as OpenSSH keeps them
KEY_LISTS = ("keystone_fernet_keys", "keystone_credential_keys")
REDACTED = "[secret]"


class VaultPasswordMissing(Problems):
    """The vault's password is not given; nothing was changed."""

    code = "vault_password_missing"


class VaultPasswordWrong(Problems):
    """The vault does not open with this password; nothing was changed."""

    code = "vault_password_wrong"


class VaultDamaged(Problems):
    """The vault's file is not what City Cloud wrote; nothing was changed."""

    code = "vault_damaged"


@dataclass(frozen=True, repr=False)
class Secrets:
    """The opened vault. Values leave it only into a child's environment or an API call."""

    values: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Secrets({len(self.values)} hidden)"

    @property
    def admin_password(self) -> str:
        return str(self.values["admin_password"])

    @property
    def pulumi_passphrase(self) -> str:
        return str(self.values["pulumi_passphrase"])

    @property
    def pulumi_environment(self) -> dict[str, str]:
        """What the state backend and the secrets provider ask for, such as PGPASSWORD; a person adds it,
        if at all.
        """
        return {str(name): str(value) for name, value in self.values.get("pulumi_environment", {}).items()}

    @property
    def monitoring_password(self) -> str:
        return str(self.values["monitoring_password"])

    @property
    def ca_certificate(self) -> str:
        return str(self.values["tls"]["ca_certificate"])

    @property
    def api_certificate(self) -> str:
        return str(self.values["tls"]["api_certificate"])

    def redact(self, text: str) -> str:
        """`text` with every secret value in it replaced: for messages that come from outside."""
        for value in sorted(_strings(self.values), key=len, reverse=True):
            if value in text:
                text = text.replace(value, REDACTED)
        return text


@dataclass(frozen=True)
class Vault:
    """The encrypted file and the file with its password."""

    path: Path
    password_file: Path

    def exists(self) -> bool:
        return self.path.exists()

    def load(self) -> Secrets:
        """Raises VaultPasswordMissing, VaultPasswordWrong, VaultDamaged."""
        library = self._library()
        content = self.path.read_bytes()
        if not is_encrypted(content):
            raise VaultDamaged(
                [_problem(self.path, "is not an ansible-vault file", "restore it from a backup of the site")]
            )
        try:
            clear = library.decrypt(content)
        except AnsibleError as error:
            raise VaultPasswordWrong(
                [
                    _problem(
                        self.password_file,
                        f"its password does not open {self.path}",
                        "name the right file in CITYCLOUD_VAULT_PASSWORD_FILE",
                    )
                ]
            ) from error
        return Secrets(self._parse(clear))

    def ensure(
        self, site_name: str, services: Iterable[str], api_names: Iterable[str], now: dt.datetime,
        servers: Mapping[str, Iterable[str]] | None = None,
    ) -> Secrets:  # fmt: skip
        """Open the vault, with what is missing added, and write it only if something was."""
        before = self.load().values if self.exists() else {}
        after = complete(before, site_name, services, api_names, now, servers=servers)
        if after != before:
            self._write(after)
        return Secrets(after)

    def _library(self) -> VaultLib:
        # as Ansible itself reads it: a file with the password, or a program that prints it
        try:
            secret = get_file_vault_secret(str(self.password_file), loader=DataLoader())
            secret.load()
        except AnsibleError as error:
            raise VaultPasswordMissing(
                [
                    _problem(
                        self.password_file,
                        f"no vault password can be read from it: {error.message}",
                        "name a file with the password in CITYCLOUD_VAULT_PASSWORD_FILE",
                    )
                ]
            ) from error
        return VaultLib([("default", secret)])

    def _parse(self, clear: bytes) -> dict[str, Any]:
        try:
            content = yaml.safe_load(clear)
        except yaml.YAMLError:
            content = None  # not chained: the parser's message quotes the clear text
        if not isinstance(content, dict) or not isinstance(content.get("secrets"), dict):
            raise VaultDamaged(
                [_problem(self.path, "holds no mapping `secrets`", "restore it from a backup of the site")]
            )
        return cast(dict[str, Any], content["secrets"])

    def _write(self, values: Mapping[str, Any]) -> None:
        clear = yaml.safe_dump({"secrets": dict(values)}, sort_keys=True)
        write_whole(self.path, self._library().encrypt(clear.encode()), 0o600)


def complete(
    existing: Mapping[str, Any],
    site_name: str,
    services: Iterable[str],
    api_names: Iterable[str],
    now: dt.datetime,
    *,
    servers: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """`existing` with every missing secret made. Pure but for randomness.

    `servers`: the names and addresses of each server, which gets a certificate of its own.
    """
    values = dict(existing)
    for name in PASSWORDS:
        values.setdefault(name, _password(PASSWORD_LENGTH))
    for name, length in SHORT_PASSWORDS.items():
        values.setdefault(name, _password(length))
    for name in KEYS:
        values.setdefault(name, base64.b64encode(random.token_bytes(32)).decode())
    for name in SSH_KEYS:
        values.setdefault(name, new_key().decode())
    for name in KEY_LISTS:
        values.setdefault(name, [_fernet_key(), _fernet_key()])
    accounts = {name: dict(account) for name, account in values.get("services", {}).items()}
    for service in services:
        account = accounts.setdefault(service, {})
        account.setdefault("database", _password(PASSWORD_LENGTH))
        account.setdefault("identity", _password(PASSWORD_LENGTH))
    values["services"] = accounts
    before = values.get("tls", {})
    values["tls"] = _complete_tls(before, site_name, list(api_names), now)
    own = _server_certificates(before.get("servers", {}), values["tls"], servers or {}, now)
    if own:
        values["tls"]["servers"] = own
    return values


def _server_certificates(
    before: Mapping[str, Any], tls: Mapping[str, Any], servers: Mapping[str, Iterable[str]], now: dt.datetime
) -> dict[str, dict[str, str]]:
    """A certificate and key for each server; those of servers that are gone go with them."""
    authority = certificates.Pair(tls["ca_certificate"], tls["ca_key"])
    found = {}
    for server, addresses in servers.items():
        names, own = [server, *addresses], before.get(server, {})
        if not own or not _holds(own["certificate"], names, authority.certificate, now):
            pair = certificates.make_server_certificate(authority, names, now, client=True)
            own = {"certificate": pair.certificate, "key": pair.key}
        found[server] = dict(own)
    return found


def _holds(certificate: str, names: list[str], authority: str, now: dt.datetime) -> bool:
    """Whether a certificate need not be made anew."""
    return (
        not certificates.needs_renewal(certificate, now)
        and certificates.covers(certificate, names)
        and certificates.signed_by(certificate, authority)
    )


def _complete_tls(
    tls: Mapping[str, Any], site_name: str, api_names: list[str], now: dt.datetime
) -> dict[str, Any]:
    if tls and not certificates.needs_renewal(tls["ca_certificate"], now):
        authority = certificates.Pair(tls["ca_certificate"], tls["ca_key"])
    else:
        authority = certificates.make_authority(site_name, now)
    api = certificates.Pair(tls["api_certificate"], tls["api_key"]) if tls else None
    if api is None or not _holds(api.certificate, api_names, authority.certificate, now):
        api = certificates.make_server_certificate(authority, api_names, now)
    return {
        "ca_certificate": authority.certificate,
        "ca_key": authority.key,
        "api_certificate": api.certificate,
        "api_key": api.key,
    }


def ensure_lab_password(path: Path, vault: Path) -> None:
    """Make a lab's vault password. A vault whose password is lost is not given a new one: that opens
    nothing."""
    if path.exists():
        return
    if vault.exists():
        raise VaultPasswordMissing(
            [
                _problem(
                    path,
                    f"the password of {vault} is gone",
                    "restore the file, or remove the lab with `citycloud down` and begin anew",
                )
            ]
        )
    write_whole(path, _password(PASSWORD_LENGTH).encode() + b"\n", 0o600)


def _password(length: int) -> str:
    return "".join(random.choice(string.ascii_letters + string.digits) for _ in range(length))


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(random.token_bytes(32)).decode()


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        if value.startswith("-----BEGIN CERTIFICATE"):
            return []
        return [line for line in value.splitlines() if not line.startswith("-----")]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


def _problem(path: Path, why: str, way_out: str) -> Problem:
    return Problem(str(path), "vault", "", why, way_out)

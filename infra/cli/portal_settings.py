"""What a server of the portal is told: a YAML file without secrets, and the secrets in the environment.

The role `portal` writes both. See `PortalFile` for the file's keys.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from infra.cloud.credentials import Credentials
from infra.domain.portal_data import is_shared_backend, is_shared_database
from infra.errors import Problem, Problems
from infra.inventory import document
from infra.inventory.schema import Strict, validate
from infra.inventory.value import AbsolutePath, refuse
from infra.portal.oidc import Provider

CONFIG = Path("/etc/citycloud/portal.yaml")
AUDIT_KEY = "CITYCLOUD_PORTAL_AUDIT_KEY"
PASSPHRASE = "CITYCLOUD_PORTAL_PASSPHRASE"  # noqa: S105  (the variable's name)
MAIL_PASSWORD = "CITYCLOUD_PORTAL_MAIL_PASSWORD"  # noqa: S105
OIDC_SECRET = "CITYCLOUD_PORTAL_OIDC_SECRET"  # noqa: S105
KEY_BYTES = 32


class PortalSettingsInvalid(Problems):
    """The portal's settings cannot be used; nothing was started."""

    code = "portal_settings_invalid"


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise refuse("is no address and port", "write host:port such as 10.0.0.11:9190")
    return value


def _https(value: str) -> str:
    if not value.startswith("https://") or value.endswith("/"):
        raise refuse("is no address that people can open", "write https://name without a slash at its end")
    return value


class MailFile(Strict):
    """`security` is starttls, tls or none; `user` "" sends without logging in; `authority` is a file of
    certificates by which the server's is checked, "" for the system's.
    """

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str
    authority: str = ""


class OidcFile(Strict):
    """`authority` is a file of certificates by which the provider's is checked, "" for the system's."""

    issuer: str
    client_id: str
    agency_claim: str = "agency"
    roles_claim: str = "roles"
    authority: str = ""


class ConsolesFile(Strict):
    """Where the browser finds servers' screens, an origin such as https://name:6080, and for how many seconds
    Nova's links to them are good.
    """

    origin: Annotated[str, AfterValidator(_https)]
    seconds: int = Field(ge=1, le=3600)


class PortalFile(Strict):
    """portal.yaml.

    `inventory` is the site's inventory; `database` a URL without a password (PGPASSWORD has it); `address`
    what people open; `proxies` the addresses of the load balancers, whose word on the visitor's address
    counts; `folder` where the worker keeps its stacks, keys and guests; `depot_url` where guests install
    from; `engine_path` where the Pulumi engine is; `state_backend` a URL that several workers share ("" for
    the folder); `worker` whether this process also works; `monitoring` the address of Prometheus; `ops_url`
    the ops pages; `consoles` servers' screens, where the site offers them; `audit_checkpoints` the file to
    which the heads of the audit chain are written daily ("" for none).
    """

    inventory: AbsolutePath
    database: str
    listen: Annotated[str, AfterValidator(_listen)]
    address: Annotated[str, AfterValidator(_https)]
    folder: AbsolutePath
    proxies: list[str] = Field(default_factory=list, max_length=20)
    depot_url: str = ""
    engine_path: str = ""
    state_backend: str = ""
    worker: bool = True
    monitoring: str = ""
    ops_url: str = ""
    contact: str = ""
    audit_checkpoints: str = ""
    mail: MailFile | None = None
    oidc: OidcFile | None = None
    consoles: ConsolesFile | None = None


@dataclass(frozen=True)
class PortalSettings:
    """The file, checked, and the secrets beside it, which `repr` leaves out."""

    file: PortalFile
    audit_key: bytes = field(repr=False)
    passphrase: str = field(repr=False)
    mail_password: str = field(repr=False)
    credentials: Credentials
    provider: Provider | None

    @property
    def database(self) -> str:
        return self.file.database


def load(path: Path, environ: Mapping[str, str]) -> PortalSettings:
    """Raises PortalSettingsInvalid with everything that is wrong."""
    source = document.read(path)
    problems = list(source.problems)
    model: PortalFile | None = None
    if source.value is not None:
        model, told = validate(PortalFile, source.value, source.file, "")
        problems += told
    key = _audit_key(environ.get(AUDIT_KEY, ""))
    if key is None:
        why, way_out = "is missing or is not 32 bytes in base64", "let the role `portal` write it"
        problems.append(Problem("environment", AUDIT_KEY, "", why, way_out))
    if model is None or key is None or problems:
        raise PortalSettingsInvalid(problems)
    return PortalSettings(
        model, key, environ.get(PASSPHRASE, ""), environ.get(MAIL_PASSWORD, ""),
        Credentials.from_environment(environ),
        _provider(model.oidc, environ.get(OIDC_SECRET, "")),
    )  # fmt: skip


def must_be_shared(file: PortalFile, path: Path) -> None:
    """Workers of their own share database and states. Raises PortalSettingsInvalid."""
    problems = []
    if not is_shared_database(file.database):
        way_out = "name a PostgreSQL like postgresql+psycopg://portal@db.example/portal, or leave the work to"
        problems.append(("database", file.database, f"{way_out} `portal serve` (worker: true)"))
    if not is_shared_backend(file.state_backend):
        way_out = "name a backend like postgres://portal@db.example/states or s3://bucket?region=R"
        problems.append(("state_backend", file.state_backend, way_out))
    if problems:
        why = "is not shared by several workers"
        raise PortalSettingsInvalid(
            [Problem(str(path), key, value, why, way_out) for key, value, way_out in problems]
        )


def _provider(file: OidcFile | None, secret: str) -> Provider | None:
    if file is None:
        return None
    return Provider(file.issuer, file.client_id, secret, file.agency_claim, file.roles_claim, file.authority)


def _audit_key(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None

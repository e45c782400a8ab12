"""Who we are to a cloud. Passwords are never printed: `repr` leaves them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from infra.cloud.errors import CredentialsMissing

_VARIABLES = {
    "auth_url": "OS_AUTH_URL",
    "username": "OS_USERNAME",
    "user_id": "OS_USER_ID",
    "password": "OS_PASSWORD",
    "token": "OS_TOKEN",
    "application_credential_id": "OS_APPLICATION_CREDENTIAL_ID",
    "application_credential_name": "OS_APPLICATION_CREDENTIAL_NAME",
    "application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
    "project_name": "OS_PROJECT_NAME",
    "project_id": "OS_PROJECT_ID",
    "user_domain_name": "OS_USER_DOMAIN_NAME",
    "user_domain_id": "OS_USER_DOMAIN_ID",
    "project_domain_name": "OS_PROJECT_DOMAIN_NAME",
    "project_domain_id": "OS_PROJECT_DOMAIN_ID",
    "domain_name": "OS_DOMAIN_NAME",
    "domain_id": "OS_DOMAIN_ID",
    "default_domain": "OS_DEFAULT_DOMAIN",
    "region_name": "OS_REGION_NAME",
    "cacert": "OS_CACERT",
    "cert": "OS_CERT",
    "key": "OS_KEY",
    "cloud": "OS_CLOUD",
    "config_file": "OS_CLIENT_CONFIG_FILE",
    "secure_file": "OS_CLIENT_SECURE_FILE",
    "interface": "OS_INTERFACE",
}
# What older tools call them: a second choice.
_ALSO = {
    "project_name": "OS_TENANT_NAME",
    "project_id": "OS_TENANT_ID",
    "token": "OS_AUTH_TOKEN",
    "interface": "OS_ENDPOINT_TYPE",
}
_SWITCHES = {"insecure": "OS_INSECURE", "system_scope": "OS_SYSTEM_SCOPE"}
_TRUE = {"1", "t", "true", "all"}  # "all" is the one system that Keystone has


@dataclass(frozen=True)
class Credentials:
    """What openstacksdk needs to log in. `cloud` names an entry of clouds.yaml; the rest overrides it.

    `cacert`, `cert` and `key` are paths of PEM files, or PEM text; "" is the system's own. `interface` is
    public, internal or admin. `domain_*` is a domain to work in instead of a project, and the domain of user
    and project where they name none; after it comes `default_domain`, an id. `config_file` and `secure_file`
    are clouds.yaml and secure.yaml ("" where they usually are). `max_retries` is how often a call that failed
    is sent again, None as many times as we think right. `endpoint_overrides` are URLs by service type.
    """

    auth_url: str = ""
    username: str = ""
    user_id: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    application_credential_id: str = ""
    application_credential_name: str = ""
    application_credential_secret: str = field(default="", repr=False)
    project_name: str = ""
    project_id: str = ""
    user_domain_name: str = ""
    user_domain_id: str = ""
    project_domain_name: str = ""
    project_domain_id: str = ""
    domain_name: str = ""
    domain_id: str = ""
    default_domain: str = ""
    system_scope: bool = False
    region_name: str = ""
    cacert: str = ""
    cert: str = ""
    key: str = field(default="", repr=False)
    cloud: str = ""
    config_file: str = ""
    secure_file: str = ""
    interface: str = ""
    insecure: bool = False
    max_retries: int | None = None
    no_cache: bool = False
    reauthenticate: bool = True
    endpoint_overrides: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Credentials:
        """The OS_* variables of `environ`, with the names that older tools use as a second choice."""
        values: dict[str, Any] = {name: environ.get(variable, "") for name, variable in _VARIABLES.items()}
        for name, variable in _ALSO.items():
            values[name] = values[name] or environ.get(variable, "")
        switches = {name: environ.get(variable, "").lower() in _TRUE for name, variable in _SWITCHES.items()}
        values["interface"] = values["interface"].removesuffix("URL")
        return cls(**values, insecure=switches["insecure"], system_scope=switches["system_scope"])

    def environment(self) -> dict[str, str]:
        """The same as OS_* variables, for the environment of a child process (never for its arguments)."""
        named = {variable: str(getattr(self, name)) for name, variable in _VARIABLES.items()}
        if self.insecure:
            named["OS_INSECURE"] = "true"
        if self.system_scope:
            named["OS_SYSTEM_SCOPE"] = "all"
        return {variable: value for variable, value in named.items() if value}

    def overridden(self, **values: Any) -> Credentials:
        """These credentials with the non-empty `values` in their place."""
        known = {item.name for item in fields(self)}
        chosen = {name: value for name, value in values.items() if value and name in known}
        return replace(self, **chosen)

    def scoped_to(
        self, project_id: str = "", project_name: str = "", project_domain_name: str = ""
    ) -> Credentials:
        """The same person working in another project, given by id or by name and domain."""
        return replace(
            self,
            project_id=project_id,
            project_name="" if project_id else project_name,
            project_domain_name="" if project_id else (project_domain_name or self.project_domain_name),
            project_domain_id="",
        )

    def endpoint(self, service_type: str) -> str:
        """The URL that takes the place of the catalog's for this service type, "" when there is none."""
        return dict(self.endpoint_overrides).get(service_type, "")

    @property
    def passes_its_token_on(self) -> bool:
        """Whether we work with a token as it is: one was given, and nothing that it should be scoped to."""
        scope = self.project_id or self.project_name or self.domain_id or self.domain_name
        return bool(self.token and not scope and not self.system_scope and not self.cloud)

    def check(self) -> None:
        """Raise CredentialsMissing when nothing could be logged in with."""
        if self.cloud:
            return
        someone = self.password and (self.username or self.user_id)
        if not (self.auth_url and (someone or self.token or self.application_credential_secret)):
            raise CredentialsMissing(
                "no credentials for the cloud: set OS_AUTH_URL, OS_USERNAME and OS_PASSWORD, or OS_CLOUD"
            )
        if self.application_credential_secret and not (
            self.application_credential_id
            or (self.application_credential_name and (self.username or self.user_id))
        ):
            raise CredentialsMissing(
                "an application credential needs its id (OS_APPLICATION_CREDENTIAL_ID), or its name "
                "together with the user whose it is (OS_APPLICATION_CREDENTIAL_NAME and OS_USERNAME)"
            )

    def auth(self) -> dict[str, Any]:
        """What Keystone asks for, by openstacksdk's names: who, and what to work in."""
        who: tuple[str, ...]
        if self.application_credential_secret:
            # It has its project: Keystone refuses a request that names one.
            who = ("application_credential_id", "application_credential_secret")
            if not self.application_credential_id:
                who = ("application_credential_name", "application_credential_secret", *_USER)
        elif self.token:
            who = ("token", *_SCOPE)
        else:
            who = ("password", *_USER, *_SCOPE)
        told = {name: getattr(self, name) for name in ("auth_url", *who) if getattr(self, name)}
        return self._with_domains(told)

    def _with_domains(self, told: dict[str, Any]) -> dict[str, Any]:
        """The domains that nobody named, and what to work in besides a project. What clouds.yaml says of
        them is not known here, so nothing is added to it."""
        if not self.cloud:
            for whose, name in (("user", "username"), ("project", "project_name")):
                if name in told and not {f"{whose}_domain_id", f"{whose}_domain_name"} & told.keys():
                    told |= self._domain(f"{whose}_domain_")
        if self.application_credential_secret:
            return told
        if self.system_scope:
            return {
                **{name: value for name, value in told.items() if name not in _SCOPE}, "system_scope": "all"
            }  # fmt: skip
        if not {"project_id", "project_name"} & told.keys() and (self.domain_id or self.domain_name):
            told |= self._domain("domain_")
        return told

    def _domain(self, prefix: str) -> dict[str, str]:
        if self.domain_id:
            return {f"{prefix}id": self.domain_id}
        if self.domain_name:
            return {f"{prefix}name": self.domain_name}
        return {f"{prefix}id": self.default_domain or "default"}

    def auth_type(self) -> str:
        """The way to log in, by openstacksdk's name; "" where clouds.yaml says it."""
        if self.application_credential_secret:
            return "v3applicationcredential"
        known = self.auth_url.rstrip("/").endswith("/v3")  # then Keystone need not be asked for its versions
        if self.token:
            return "v3token" if known else "token"
        if self.password and not self.cloud:
            return "v3password" if known else "password"
        return ""


_USER = ("username", "user_id", "user_domain_name", "user_domain_id")
_SCOPE = ("project_name", "project_id", "project_domain_name", "project_domain_id")

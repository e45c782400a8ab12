"""Who we are to a cloud. Passwords are never printed: `repr` leaves them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from infra.cloud.errors import CredentialsMissing

_VARIABLES = {
    "auth_url": "OS_AUTH_URL",
    "username": "OS_USERNAME",
    "user_id": "OS_USER_ID",
    "password": "OS_PASSWORD",
    "application_credential_id": "OS_APPLICATION_CREDENTIAL_ID",
    "application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
    "project_name": "OS_PROJECT_NAME",
    "project_id": "OS_PROJECT_ID",
    "user_domain_name": "OS_USER_DOMAIN_NAME",
    "user_domain_id": "OS_USER_DOMAIN_ID",
    "project_domain_name": "OS_PROJECT_DOMAIN_NAME",
    "project_domain_id": "OS_PROJECT_DOMAIN_ID",
    "region_name": "OS_REGION_NAME",
    "cacert": "OS_CACERT",
    "cloud": "OS_CLOUD",
    "interface": "OS_INTERFACE",
}


@dataclass(frozen=True)
class Credentials:
    """What openstacksdk needs to log in. `cloud` names an entry of clouds.yaml; the rest overrides it.

    `cacert` is the path of a PEM bundle, "" for the system's. `interface` is public, internal or admin.
    """

    auth_url: str = ""
    username: str = ""
    user_id: str = ""
    password: str = field(default="", repr=False)
    application_credential_id: str = ""
    application_credential_secret: str = field(default="", repr=False)
    project_name: str = ""
    project_id: str = ""
    user_domain_name: str = ""
    user_domain_id: str = ""
    project_domain_name: str = ""
    project_domain_id: str = ""
    region_name: str = ""
    cacert: str = ""
    cloud: str = ""
    interface: str = ""
    insecure: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Credentials:
        """The OS_* variables of `environ`, with the names that older tools use as a second choice."""
        values = {name: environ.get(variable, "") for name, variable in _VARIABLES.items()}
        values["project_name"] = values["project_name"] or environ.get("OS_TENANT_NAME", "")
        values["project_id"] = values["project_id"] or environ.get("OS_TENANT_ID", "")
        insecure = environ.get("OS_INSECURE", "").lower() in {"1", "t", "true"}
        return cls(**values, insecure=insecure)

    def environment(self) -> dict[str, str]:
        """The same as OS_* variables, for the environment of a child process (never for its arguments)."""
        named = {variable: str(getattr(self, name)) for name, variable in _VARIABLES.items()}
        if self.insecure:
            named["OS_INSECURE"] = "true"
        return {variable: value for variable, value in named.items() if value}

    def overridden(self, **values: str | bool) -> Credentials:
        """These credentials with the non-empty `values` in their place."""
        known = {item.name for item in fields(self)}
        chosen = {name: value for name, value in values.items() if value and name in known}
        return replace(self, **chosen)  # type: ignore[arg-type]

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

    def check(self) -> None:
        """Raise CredentialsMissing when nothing could be logged in with."""
        if self.cloud:
            return
        someone = self.password and (self.username or self.user_id)
        if not (self.auth_url and (someone or self.application_credential_secret)):
            raise CredentialsMissing(
                "no credentials for the cloud: set OS_AUTH_URL, OS_USERNAME and OS_PASSWORD, or OS_CLOUD"
            )

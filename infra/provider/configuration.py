"""The provider's own configuration: which of its inputs it takes, and the credentials that follow from them.

What the program leaves out comes from the provider process's OS_* variables, so no password has to be in a
program, a config file or the state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.cloud.credentials import Credentials
from infra.provider.property import Failure
from infra.provider.values import UNKNOWN

_CREDENTIALS = {
    "authUrl": "auth_url",
    "userName": "username",
    "userId": "user_id",
    "password": "password",
    "applicationCredentialId": "application_credential_id",
    "applicationCredentialSecret": "application_credential_secret",
    "userDomainName": "user_domain_name",
    "userDomainId": "user_domain_id",
    "projectDomainName": "project_domain_name",
    "projectDomainId": "project_domain_id",
    "region": "region_name",
    "cacertFile": "cacert",
    "cloud": "cloud",
    "endpointType": "interface",
}
_SCOPE = {"tenantId", "tenantName"}
# Inputs whose meaning is what this provider does anyway.
_MATTER_OF_COURSE = {
    "allowReauth",
    "delayedAuth",
    "maxRetries",
    "disableNoCacheHeader",
    "enableLogging",
    "swauth",
}
_OTHER = {"insecure", "version", "pluginDownloadURL"}
SECRET = frozenset({"password", "applicationCredentialSecret"})


def check(inputs: Mapping[str, Any]) -> list[Failure]:
    """The inputs that this provider does not take."""
    known = _CREDENTIALS.keys() | _SCOPE | _MATTER_OF_COURSE | _OTHER
    return [(name, "not supported by this provider yet") for name in inputs if name not in known]


def credentials(inputs: Mapping[str, Any], environ: Mapping[str, str]) -> Credentials | None:
    """Credentials by inputs over environment; None when an input is not known yet (in a preview)."""
    given = {name: _decoded(value) for name, value in inputs.items()}
    if any(value is UNKNOWN for value in given.values()):
        return None
    chosen = Credentials.from_environment(environ).overridden(
        **{field: str(given[name]) for name, field in _CREDENTIALS.items() if given.get(name)},
        insecure=str(given.get("insecure", "")).lower() == "true",
    )
    if given.get("tenantId"):
        return chosen.scoped_to(project_id=str(given["tenantId"]))
    if given.get("tenantName"):
        return chosen.scoped_to(
            project_name=str(given["tenantName"]), project_domain_name=str(given.get("projectDomainName", ""))
        )
    return chosen


def _decoded(value: Any) -> Any:
    """A bridge's SDK writes booleans and numbers of a provider's configuration as JSON text."""
    if isinstance(value, str) and value in ("true", "false"):
        return json.loads(value)
    return value

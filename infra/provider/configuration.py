"""The provider's own configuration: its inputs, and the cloud that follows from them.

What the program leaves out comes from the provider process's OS_* variables, so no password has to be in a
program, a config file or the state. Where a cloud of clouds.yaml is named, it is taken as it stands there:
the program's other inputs are laid over it, and from the environment come only the secrets that it leaves out
and how to reach it (region, certificates).
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TextIO

from infra.cloud import clouds_file
from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.provider.property import Failure, Property
from infra.provider.property import check as check_properties
from infra.provider.values import UNKNOWN, holds_unknown

_INTERFACES = ("public", "internal", "admin")


def _interface(value: str) -> str | None:
    known = value.removesuffix("URL") in _INTERFACES
    return None if known else f"must be one of {', '.join(_INTERFACES)}, not {value!r}"


def _not_negative(value: int) -> str | None:
    return None if value >= 0 else f"must be 0 or more, not {value}"


PROPERTIES = (
    Property("allowReauth", "boolean"),
    Property("applicationCredentialId"),
    Property("applicationCredentialName"),
    Property("applicationCredentialSecret", secret=True),
    Property("authUrl"),
    Property("cacertFile", attribute="cacert"),
    Property("cert"),
    Property("cloud"),
    Property("defaultDomain"),
    Property("delayedAuth", "boolean"),
    Property("disableNoCacheHeader", "boolean"),
    Property("domainId"),
    Property("domainName"),
    Property("enableLogging", "boolean"),
    Property("endpointOverrides", "map"),
    Property("endpointType", attribute="interface", rule=_interface),
    Property("insecure", "boolean"),
    Property("key", secret=True),
    Property("maxRetries", "integer", rule=_not_negative),
    Property("password", secret=True),
    Property("projectDomainId"),
    Property("projectDomainName"),
    Property("region", attribute="region_name"),
    # For Swift alone, of which no type is served: there is nothing that it could change.
    Property("swauth", "boolean"),
    Property("systemScope", "boolean"),
    Property("tenantId", attribute="project_id"),
    Property("tenantName", attribute="project_name"),
    Property("token", secret=True),
    Property("userDomainId"),
    Property("userDomainName"),
    Property("userId"),
    Property("userName", attribute="username"),
)
SECRET = frozenset(item.name for item in PROPERTIES if item.secret)
_ENGINES = frozenset({"version", "pluginDownloadURL"})  # the engine's own inputs of every provider
# What the environment may add to a cloud of clouds.yaml.
_SECRETS = ("password", "token", "application_credential_secret")
_REACH = ("region_name", "cacert", "cert", "key", "interface")
_FILES = ("config_file", "secure_file")
# Of each group a program gives one; it then counts for the group, whatever the environment has of it.
_EITHER_OR = (
    ("project_id", "project_name"),
    ("user_id", "username"),
    ("project_domain_id", "project_domain_name"),
    ("user_domain_id", "user_domain_name"),
    ("domain_id", "domain_name"),
    ("application_credential_id", "application_credential_name"),
)
_WAYS = ("password", "token", "application_credential_secret")
_BLOCK_STORAGE = {"volume", "volumev3", "block-store", "blockstorage"}


def check(inputs: Mapping[str, Any]) -> list[Failure]:
    """What is wrong with the inputs, by name."""
    return _checked(inputs)[1]


def credentials(inputs: Mapping[str, Any], environ: Mapping[str, str]) -> Credentials | None:
    """Credentials by inputs over environment; None when an input is not known yet (in a preview). Raises
    CloudUnknown where no clouds.yaml has the cloud that is named."""
    given, _ = _checked(inputs)
    if holds_unknown(given):
        return None
    known = {item.name for item in fields(Credentials)}
    said = {
        item.key: given[item.name]
        for item in PROPERTIES
        if item.key in known and given.get(item.name) not in (None, "")
    }
    if "interface" in said:
        said["interface"] = said["interface"].removesuffix("URL")
    said |= {
        "max_retries": given.get("maxRetries"),
        "no_cache": not given.get("disableNoCacheHeader", False),
        "reauthenticate": given.get("allowReauth", True),
        "endpoint_overrides": _overrides(given.get("endpointOverrides", {})),
    }
    below = Credentials.from_environment(environ)
    cloud = said.get("cloud") or below.cloud
    if cloud:
        below = _beside_file(below, cloud)
    return replace(_without_rivals(below, said), **said)


def opened(
    inputs: Mapping[str, Any], environ: Mapping[str, str], connect: Callable[[Credentials], Cloud]
) -> Cloud | None:
    """The cloud, None when an input is not known yet. It logs in at its first call, or right now where
    `delayedAuth` is false."""
    chosen = credentials(inputs, environ)
    if chosen is None:
        return None
    given, _ = _checked(inputs)
    if given.get("enableLogging"):
        log_calls(sys.stderr)
    cloud = connect(chosen)
    if given.get("delayedAuth") is False:
        cloud.service("identity").scope()
    return cloud


def log_calls(stream: TextIO) -> None:
    """Write each call and its answer there; not their bodies, which hold passwords, and no token."""
    logger = logging.getLogger("keystoneauth.session")
    if not any(isinstance(handler.formatter, _Calls) for handler in logger.handlers):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(_Calls())
        handler.addFilter(lambda record: not record.getMessage().startswith("RESP BODY"))
        logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


class _Calls(logging.Formatter):
    """keystoneauth's lines as far as the body. It writes a digest in place of a token itself."""

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage().partition(" -d '")[0].partition("\nRESP BODY")[0]


def _checked(inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    given = {name: _decoded(name, value) for name, value in inputs.items() if name not in _ENGINES}
    return check_properties(PROPERTIES, given)


def _decoded(name: str, value: Any) -> Any:
    """A bridge's SDK writes what is no string in a provider's configuration as JSON text."""
    kind = next((item.kind for item in PROPERTIES if item.name == name), "string")
    if kind != "map" or not isinstance(value, str) or value is UNKNOWN:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _beside_file(environment: Credentials, cloud: str) -> Credentials:
    """What the environment adds to this cloud of clouds.yaml."""
    held = clouds_file.entry(cloud, environment.config_file, environment.secure_file)
    auth = held.get("auth") or {}
    secrets = {} if any(auth.get(name) for name in _SECRETS) else _of(environment, _SECRETS)
    reach = _of(environment, (*_REACH, *_FILES))
    return Credentials(cloud=cloud, insecure=environment.insecure, **{**secrets, **reach})


def _of(held: Credentials, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(held, name) for name in names if getattr(held, name)}


def _without_rivals(below: Credentials, said: Mapping[str, Any]) -> Credentials:
    """What lies below, without what the program says in another way: an id takes the place of a name."""
    gone = {name for group in _EITHER_OR if any(name in said for name in group) for name in group}
    if any(name in said for name in _WAYS):
        gone |= set(_WAYS)
    if "password" in said:
        gone |= {"application_credential_id", "application_credential_name"}
    return replace(below, **dict.fromkeys(gone, ""))  # type: ignore[arg-type]


def _overrides(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """By the service types that are asked for here: block storage has had several."""
    named = {("block-storage" if kind in _BLOCK_STORAGE else kind): url for kind, url in given.items()}
    return tuple(sorted(named.items()))

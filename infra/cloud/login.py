"""From credentials to an openstacksdk connection."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.cloud import clouds_file
from infra.cloud.credentials import Credentials
from infra.cloud.errors import CredentialsMissing

if TYPE_CHECKING:
    from openstack.config.cloud_region import CloudRegion
    from openstack.connection import Connection


def log_in(credentials: Credentials, user_agent: str) -> Connection:
    """A connection; nothing is sent before its first call. Raises CredentialsMissing or CloudUnknown.

    openstacksdk gets clouds.yaml and our credentials, but not the environment: that is read by entry points.
    """
    import openstack.connection
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import ConfigException

    credentials.check()
    with warnings.catch_warnings():
        # The SDK warns of its InfluxDB support on every connection, whether one uses it or not.
        warnings.simplefilter("ignore")
        try:
            region = _region(credentials, user_agent)
            connection = openstack.connection.Connection(config=region, app_name=user_agent)
            session = connection.session
        except (ClientException, ConfigException) as failed:
            raise CredentialsMissing(f"these credentials cannot be used to log in: {failed}") from failed
    if credentials.no_cache:
        session.additional_headers["Cache-Control"] = "no-cache"
    if not credentials.reauthenticate:
        session.auth.reauthenticate = False
    _share(session.auth)
    return connection


class _Shared:
    """What keystoneauth lacks where threads share a token, and one throws it away because it was refused."""

    _lock: AbstractContextManager[bool]
    auth_ref: Any

    def get_access(self, session: Any, **options: Any) -> Any:
        """The token that was there under the lock: after it, keystoneauth finds none and breaks off."""
        with self._lock:
            if self._needs_reauthenticate():
                self.auth_ref = self.get_auth_ref(session)
            return self.auth_ref

    def invalidate(self) -> bool:
        """That it is worth another try, also where another thread was the first to throw the token away: for
        keystoneauth the refusal is final then.
        """
        with self._lock:
            self.auth_ref = None
        return True

    if TYPE_CHECKING:

        def _needs_reauthenticate(self) -> bool: ...

        def get_auth_ref(self, session: Any) -> Any: ...


def _share(plugin: Any) -> None:
    from keystoneauth1.identity.base import BaseIdentityPlugin

    if isinstance(plugin, BaseIdentityPlugin):  # others have no token that ends
        kind = type(plugin)
        plugin.__class__ = type(kind.__name__, (_Shared, kind), {})


def _region(credentials: Credentials, user_agent: str) -> CloudRegion:
    from openstack.config.cloud_region import from_session
    from openstack.config.loader import OpenStackConfig

    if credentials.passes_its_token_on:
        return from_session(
            _session_with_token(credentials, user_agent), region_name=credentials.region_name or None,
            interface=credentials.interface or "public", app_name=user_agent,
        )  # fmt: skip
    options: dict[str, Any] = {"auth": credentials.auth(), **_transport(credentials)}
    if credentials.auth_type():
        options["auth_type"] = credentials.auth_type()
    for name in ("region_name", "interface", "cloud"):
        if getattr(credentials, name):
            options[name] = getattr(credentials, name)
    config_files = secure_files = None
    if credentials.cloud:
        clouds_file.entry(credentials.cloud, credentials.config_file, credentials.secure_file)  # or say where
        config_files = [str(place) for place in clouds_file.places("clouds", credentials.config_file)]
        secure_files = [str(place) for place in clouds_file.places("secure", credentials.secure_file)]
    config = OpenStackConfig(
        config_files=config_files, secure_files=secure_files, load_yaml_config=bool(credentials.cloud),
        load_envvars=False, app_name=user_agent,
    )  # fmt: skip
    return config.get_one(**options)


def _session_with_token(credentials: Credentials, user_agent: str) -> Any:
    from keystoneauth1.session import Session

    from infra.cloud.given_token import GivenToken

    transport = _transport(credentials)
    cert = (transport["cert"], transport["key"]) if "key" in transport else transport.get("cert")
    return Session(
        auth=GivenToken(credentials.auth_url, credentials.token),
        verify=transport.get("verify", transport.get("cacert", True)), cert=cert, app_name=user_agent,
    )  # fmt: skip


def _transport(credentials: Credentials) -> dict[str, Any]:
    """How TLS is spoken: openstacksdk wants paths, so PEM text becomes files of our own."""
    options: dict[str, Any] = {"verify": False} if credentials.insecure else {}
    for name in ("cacert", "cert", "key"):
        if getattr(credentials, name):
            options[name] = _as_file(name, getattr(credentials, name))
    return options


def _as_file(name: str, given: str) -> str:
    """The path, or the path of a file with this PEM text: ours to read, gone when the process ends."""
    if "-----BEGIN" not in given:
        return str(Path(given).expanduser())
    folder = Path(tempfile.mkdtemp(prefix="citycloud-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / f"{name}.pem"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as stream:
        stream.write(given)
    return str(file)

"""One session with the cloud: one token, shared by every service and thread.

openstacksdk takes 0.7 s of CPU to import, so it is imported when the first call needs it: a provider that
only checks and compares never pays for it.
"""

from __future__ import annotations

import threading
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from infra.cloud.credentials import Credentials
from infra.cloud.service import Service, SessionService

if TYPE_CHECKING:
    from openstack.connection import Connection

# The microversions are the lowest that have what we use: nova 2.96 (server tags in the request, flavor
# description, no project id needed in the URL), placement 1.39, cinder 3.67 (no project id in the URL).
_SERVICES: dict[str, tuple[str, str, str]] = {
    "identity": ("identity", "", "/v3"),
    "compute": ("compute", "2.96", "/v2.1"),
    "network": ("network", "", "/v2.0"),
    "image": ("image", "", "/v2"),
    "volume": ("block-storage", "3.67", "/v3"),
    "placement": ("placement", "1.39", ""),
}


class Cloud:
    """The services of one region as one user in one project.

    Nothing is asked of the cloud before the first call. Safe to share between threads.
    """

    def __init__(self, credentials: Credentials, *, user_agent: str = "citycloud") -> None:
        self.credentials = credentials
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._services: dict[str, Service] = {}

    @property
    def region_name(self) -> str:
        """The region that the services are taken from, "" when the catalog has just one."""
        return self.credentials.region_name

    @cached_property
    def sdk(self) -> Connection:
        """The openstacksdk connection, for what the nouns of this package do not offer."""
        import openstack.connection

        self.credentials.check()
        given = self.credentials
        auth = {
            name: getattr(given, name)
            for name in (
                "auth_url", "username", "user_id", "password", "project_name", "project_id",
                "user_domain_name", "user_domain_id", "project_domain_name", "project_domain_id",
                "application_credential_id", "application_credential_secret",
            )
            if getattr(given, name)
        }  # fmt: skip
        options: dict[str, Any] = {"auth": auth, "app_name": self._user_agent}
        if given.cloud:
            options["cloud"] = given.cloud
        if given.application_credential_secret:
            options["auth_type"] = "v3applicationcredential"
        elif given.auth_url.rstrip("/").endswith("/v3"):
            options["auth_type"] = "v3password"  # the version is said: no need to ask Keystone for it first
        if given.region_name:
            options["region_name"] = given.region_name
        if given.interface:
            options["interface"] = given.interface
        if given.insecure:
            options["verify"] = False
        elif given.cacert:
            options["cacert"] = given.cacert
        with warnings.catch_warnings():
            # The SDK warns of its InfluxDB support on every connection, whether one uses it or not.
            warnings.simplefilter("ignore")
            return openstack.connection.Connection(**options)

    @property
    def project_id(self) -> str:
        """The project that our token is for."""
        return self.credentials.project_id or str(self.service("identity").scope()[0])

    @property
    def user_id(self) -> str:
        """The user that our token is for."""
        return str(self.service("identity").scope()[1])

    def service(self, name: str) -> Service:
        """The service by its short name: identity, compute, network, image, volume or placement."""
        with self._lock:
            if name not in self._services:
                kind, version, prefix = _SERVICES[name]
                self._services[name] = SessionService(
                    self, name, service_type=kind, microversion=version, prefix=prefix
                )
            return self._services[name]


def connect(credentials: Credentials, *, user_agent: str = "citycloud") -> Cloud:
    """A cloud to call; nothing is sent until the first call."""
    credentials.check()
    return Cloud(credentials, user_agent=user_agent)

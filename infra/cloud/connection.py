"""One session with the cloud: one token, shared by every service and thread.

openstacksdk takes 0.7 s of CPU to import, so it is imported when the first call needs it: a provider that
only checks and compares never pays for it.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from infra.cloud import clouds_file
from infra.cloud.credentials import Credentials
from infra.cloud.listing import Listings, Writes
from infra.cloud.service import Patience, Service, SessionService

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

    Nothing is asked of the cloud before the first call. Safe to share between threads. Clouds that one
    process changes share its `writes`, so that no listing of one hides what another has written.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        user_agent: str = "citycloud",
        patience: Patience | None = None,
        writes: Writes | None = None,
    ) -> None:
        self.credentials = credentials
        self.patience = patience or Patience.of(credentials.max_retries)
        self.listings = Listings(writes or Writes())
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._services: dict[str, Service] = {}
        self._regions: dict[str, Cloud] = {}

    @cached_property
    def region_name(self) -> str:
        """The region that the services are taken from, "" when the catalog has just one."""
        given = self.credentials
        if given.region_name or not given.cloud:
            return given.region_name
        return clouds_file.region_of(clouds_file.entry(given.cloud, given.config_file, given.secure_file))

    def in_region(self, name: str) -> Cloud:
        """The same person in the same project, in another region; it logs in for itself. "" is our own."""
        if name in ("", self.region_name):
            return self
        with self._lock:
            if name not in self._regions:
                self._regions[name] = Cloud(
                    self.credentials.overridden(region_name=name), user_agent=self._user_agent,
                    patience=self.patience, writes=self.listings.writes,
                )  # fmt: skip
            return self._regions[name]

    @cached_property
    def sdk(self) -> Connection:
        """The openstacksdk connection, for what the nouns of this package do not offer."""
        from infra.cloud.login import log_in

        return log_in(self.credentials, self._user_agent)

    @property
    def interface(self) -> str:
        """Which of a service's endpoints are used: public, internal or admin."""
        return self.credentials.interface or str(self.sdk.config.get_interface() or "public")

    @property
    def token(self) -> str:
        """Our token, for the few calls that speak of it. Never to be printed."""
        return str(self.sdk.session.get_token())

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


def connect(
    credentials: Credentials,
    *,
    user_agent: str = "citycloud",
    patience: Patience | None = None,
    writes: Writes | None = None,
) -> Cloud:
    """A cloud to call; nothing is sent until the first call."""
    credentials.check()
    return Cloud(credentials, user_agent=user_agent, patience=patience, writes=writes)

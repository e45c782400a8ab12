"""Whether the cloud's APIs answer, asked at the same addresses that agencies use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError
from infra.cloud.service import _named_failures

CALL_SECONDS = 5.0


@dataclass(frozen=True)
class ApiStatus:
    """The answer of one API. `service` is its type in the catalog (identity, compute, ...), `seconds` the
    time that it took to answer or to fail."""

    service: str
    up: bool
    seconds: float


class ApiWatch:
    """Asks every API of the catalog without a token.

    The catalog is kept: when Keystone is down, the other APIs are still asked, and Keystone is asked in any
    case. An API is up when it answers with a status under 500: a 401 for want of a token is the API's own
    answer, a 503 is the load balancer's.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._addresses: Mapping[str, str] = {}

    def read(self) -> tuple[ApiStatus, ...]:
        """The status of every API; an API that is down is an answer, not an error."""
        addresses = self._known_addresses()
        return tuple(in_parallel(lambda service: self._ask(service, addresses[service]), sorted(addresses)))

    def _known_addresses(self) -> Mapping[str, str]:
        session = self._cloud.sdk.session
        session.timeout = CALL_SECONDS
        try:
            with _named_failures("identity: log in"):
                catalog = session.auth.get_access(session).service_catalog.catalog
        except CloudError:
            catalog = []
        if catalog:
            self._addresses = public_addresses(catalog, self._cloud.region_name)
        return {**self._addresses, "identity": self._cloud.credentials.auth_url}

    def _ask(self, service: str, address: str) -> ApiStatus:
        began = time.monotonic()
        try:
            with _named_failures(f"GET {address}"):
                answer = self._cloud.sdk.session.get(
                    address, authenticated=False, raise_exc=False, redirect=False, timeout=CALL_SECONDS
                )
            up = answer.status_code < 500
        except CloudError:
            up = False
        return ApiStatus(service, up, time.monotonic() - began)


def public_addresses(catalog: Iterable[Mapping[str, Any]], region: str) -> dict[str, str]:
    """The public URL of each service type of the region ("" for any region)."""
    found: dict[str, str] = {}
    for service in catalog:
        for endpoint in service["endpoints"]:
            if endpoint["interface"] == "public" and region in ("", endpoint["region"]):
                found[service["type"]] = endpoint["url"]
    return found


def in_parallel(function: Callable[[str], ApiStatus], names: list[str]) -> list[ApiStatus]:
    """`function` of each name, all at once: an API that hangs does not delay the others' answers."""
    with ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="api") as pool:
        return [*pool.map(function, names)]

"""How the model cloud answers: paging, microversions and filters as the real APIs have them.

Nova and Cinder hand out at most a thousand items a page and lead on by a `next` link; Glance 25 unless asked
for more; Neutron all, unless asked for less; Placement and Keystone have no pages. Without a header for the
service the oldest microversion is spoken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.exporter.world import Item, Storage, World, hexadecimal

Query = tuple[tuple[str, str], ...]
NOVA_MAXIMUM, CINDER_MAXIMUM, PLACEMENT_MAXIMUM = (2, 96), (3, 71), (1, 39)
PAGE = 1000
GLANCE_PAGE = 25
_PAGING = frozenset({"limit", "marker", "fields", "all_tenants", "is_public", "detail", "usage", "sort_key",
                     "sort_dir", "deleted", "with_count", "page_reverse"})  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A rendered answer; `endpoint` is its path without ids, for counting."""

    status: int
    body: bytes
    endpoint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Any, status: int = 200, **named: Any) -> Answer:
        return cls(status, json.dumps(document).encode(), **named)


class Refusal(Exception):
    """The API refuses the call with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Call:
    """A GET below a service's version; `version` is the microversion that was agreed on."""

    cloud: Cloud
    service: str
    path: str
    query: Query
    version: tuple[int, int]

    def first(self, name: str, otherwise: str = "") -> str:
        return next((value for key, value in self.query if key == name), otherwise)

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    @property
    def url(self) -> str:
        return f"{self.cloud.address}/{self.service}{self.path}"


class Cloud:
    """Answers from one world. Rendered answers are kept: the second asking costs a look-up."""

    def __init__(self, world: World, address: str = "") -> None:
        self.world = world
        self.storage = Storage(world)
        self.address = address
        self._known: dict[Any, Answer] = {}

    def warm(self) -> None:
        """Make what is costly before anybody waits for it."""
        _ = self.world.server_list, self.world.usages, self.world.held

    def answer(self, method: str, path: str, query: Query, headers: Mapping[str, str]) -> Answer:
        _, service, *rest = path.split("/", 2)
        below = "/" + (rest[0] if rest else "")
        if method == "POST":
            return (
                self._token()
                if below.endswith("/auth/tokens")
                else self._refused(f"{service} {below}", 404, "no such call")
            )
        asked = headers.get("openstack-api-version", "")
        asked = asked if asked.startswith(f"{service} ") else ""
        key = (service, below, query, asked)
        if key not in self._known:
            self._known[key] = self._made(service, below, query, asked)
        return self._known[key]

    def _made(self, service: str, path: str, query: Query, asked: str) -> Answer:
        from benchmarks.exporter.apis import ROUTES

        endpoint = f"{service} {_without_ids(path)}"
        try:
            version = _agreed(service, asked)
            call = Call(self, service, path, query, version)
            for pattern, make in ROUTES.get(service, {}).items():
                found = re.fullmatch(pattern, path)
                if found:
                    told = {"OpenStack-API-Version": f"{service} {version[0]}.{version[1]}"}
                    return Answer.of(make(call, *found.groups()), endpoint=endpoint, headers=told)
            return self._refused(endpoint, 404, f"no {service} {path}")
        except Refusal as refused:
            return self._refused(endpoint, refused.status, str(refused))

    @staticmethod
    def _refused(endpoint: str, status: int, message: str) -> Answer:
        return Answer.of({"error": {"code": status, "message": message}}, status, endpoint=endpoint)

    def _token(self) -> Answer:
        domain = {"id": "default", "name": "Default"}
        token = {
            "methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z", "roles": [{"id": "r", "name": "admin"}],
            "user": {"id": "u", "name": "monitoring", "domain": domain},
            "project": {"id": hexadecimal("service", 0), "name": "service", "domain": domain},
            "catalog": [self._endpoint(*row) for row in CATALOG],
        }  # fmt: skip
        return Answer.of({"token": token}, 201, endpoint="identity /v3/auth/tokens",
                         headers={"X-Subject-Token": "model"})  # fmt: skip

    def _endpoint(self, kind: str, name: str, path: str) -> Item:
        return {"type": kind, "name": name, "id": kind, "endpoints": [{
            "id": kind, "interface": "public", "region": "hai-phong", "region_id": "hai-phong",
            "url": f"{self.address}{path}"}]}  # fmt: skip


CATALOG = (
    ("identity", "keystone", "/identity/v3"), ("compute", "nova", "/compute/v2.1"),
    ("network", "neutron", "/network"), ("block-storage", "cinder", "/volume/v3"),
    ("image", "glance", "/image"), ("placement", "placement", "/placement"),
)  # fmt: skip


def _without_ids(path: str) -> str:
    return re.sub(r"/(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/|$)", "/ID", path)


def _agreed(service: str, asked: str) -> tuple[int, int]:
    """The microversion of a call; without a header it is the oldest. Beyond the newest is 406."""
    known = {"compute": ((2, 1), NOVA_MAXIMUM), "volume": ((3, 0), CINDER_MAXIMUM),
             "placement": ((1, 0), PLACEMENT_MAXIMUM)}  # fmt: skip
    if service not in known:
        return (0, 0)
    oldest, newest = known[service]
    number = asked.rsplit(maxsplit=1)[-1] if asked else ""
    if not number:
        return oldest
    if number == "latest":
        return newest
    major, _, minor = number.partition(".")
    version = (int(major), int(minor))
    if not oldest <= version <= newest:
        raise Refusal(406, f"version {number} is not supported by the API")
    return version


def page(
    call: Call, items: list[Item], plural: str, longest: int | None, *, usual: int | None = None
) -> Item:
    """A page of `items`, with a `next` link while more follow. `longest` None: only as asked for."""
    wanted = [item for item in items if matches(item, call.query)]
    marker = call.first("marker")
    if marker:
        places = [number for number, item in enumerate(wanted) if str(item["id"]) == marker]
        if not places:
            raise Refusal(400, f"marker [{marker}] not found")
        wanted = wanted[places[0] + 1 :]
    asked = int(call.first("limit", "0")) or usual or longest or 0
    limit = min(asked, longest) if longest else asked
    shown = wanted[:limit] if limit else wanted
    body: Item = {plural: [_selected(item, call.every("fields")) for item in shown]}
    if limit and len(shown) == limit and len(wanted) > limit:
        kept = "&".join(f"{k}={v}" for k, v in call.query if k not in ("marker", "limit"))
        link = f"{call.url}?limit={limit}&marker={shown[-1]['id']}" + (f"&{kept}" if kept else "")
        if call.service == "image":
            body["next"] = link.removeprefix(f"{call.cloud.address}/image")
        else:
            body[f"{plural}_links"] = [{"rel": "next", "href": link}]
    return body


def matches(item: Item, query: Query) -> bool:
    """Whether an item has what the query's own keys ask for, as Neutron and os-services filter."""
    return all(str(item[key]) == value for key, value in query if key not in _PAGING and key in item)


def _selected(item: Item, fields: Iterable[str]) -> Item:
    chosen = [*fields]
    return {key: item[key] for key in chosen if key in item} if chosen else item

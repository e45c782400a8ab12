"""Keystone's collections of projects, people and roles, which no one listing shows whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from infra.cloud.collection import Collection, Things
from infra.cloud.errors import Refused
from infra.cloud.service import Service


class Directory(Collection):
    """`parts` are the filters of the listings that reads share, together all of it or as near as Keystone
    comes. Who may not list is answered one by one: Keystone shows people themselves without that right.
    """

    def __init__(
        self, service: Service, path: str, singular: str, parts: Iterable[Mapping[str, str]] = ({},)
    ) -> None:
        super().__init__(service, path, singular, path.strip("/"), change="PATCH")
        self._parts = tuple(parts)

    def _all(self) -> Things:
        found: Things = []
        for filters in self._parts:
            try:
                found += self.list(**filters)
            except Refused:
                return []
        return found

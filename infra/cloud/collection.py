"""A kind of thing that a service keeps behind one URL, the same five verbs for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.cloud.errors import NotFound, Refused
from infra.cloud.service import Service, pages

Thing = dict[str, Any]
Things = list[Thing]


class Collection:
    """Find, list, create, change and remove the things at `path`.

    `singular` and `plural` are the keys that wrap them in bodies; `change` is the method that changes one
    (PUT in neutron and nova, PATCH in keystone). `listing` is the path of a fuller listing (nova's
    `/servers/detail`); `everyone` what a listing needs to show more than our own project's things, which an
    account without that right leaves out again; `bulk` whether it creates many things in one request.
    """

    def __init__(
        self,
        service: Service,
        path: str,
        singular: str,
        plural: str,
        *,
        change: str = "PUT",
        listing: str = "",
        everyone: Mapping[str, Any] | None = None,
        bulk: bool = False,
    ) -> None:
        self.service = service
        self.path = path
        self.singular = singular
        self.plural = plural
        self._change = change
        self._listing = listing or path
        self._everyone = dict(everyone or {})
        self._bulk = bulk

    def find(self, identity: str) -> Thing | None:
        """The thing with this id, None when there is none (any more)."""
        try:
            return self._unwrap(self.service.request("GET", f"{self.path}/{identity}"))
        except NotFound:
            return None

    def get(self, identity: str) -> Thing:
        """The thing with this id; raises NotFound."""
        return self._unwrap(self.service.request("GET", f"{self.path}/{identity}"))

    def look(self, identity: str) -> Thing | None:
        """The thing with this id, for a read: a listing that is a few seconds old will do."""
        return self.service.listings.one(self._listing, identity, lambda: self.find(identity), self._all)

    def look_where(self, **filters: Any) -> Things:
        """The things with these attributes, for a read: a listing that is a few seconds old will do."""
        return self.service.listings.some(
            self._listing, filters, lambda: self.list(**self._everyone, **filters), self._all
        )

    def list(self, **filters: Any) -> Things:
        """Every thing that passes the service's own filters."""
        return [*pages(self.service, self._listing, self.plural, filters)]

    def _all(self) -> Things:
        try:
            return self.list(**self._everyone)
        except Refused:
            if not self._everyone:
                raise
            return self.list()

    def create(self, values: Mapping[str, Any], **beside: Any) -> Thing:
        """The new thing as the service answers it; `beside` goes next to it in the body."""
        if self._bulk and not beside:
            creates = self.service.creates(self.path, self._create, self._create_several)
            return creates.create(dict(values))
        return self._create(values, **beside)

    def _create(self, values: Mapping[str, Any], **beside: Any) -> Thing:
        body = {self.singular: dict(values), **beside}
        return self._unwrap(self.service.request("POST", self.path, json=body))

    def _create_several(self, many: Sequence[Thing]) -> Things:
        return Things(self.service.request("POST", self.path, json={self.plural: Things(many)})[self.plural])

    def change(self, identity: str, values: Mapping[str, Any]) -> Thing:
        """The thing after `values` were set on it."""
        body = {self.singular: dict(values)}
        return self._unwrap(self.service.request(self._change, f"{self.path}/{identity}", json=body))

    def act(self, identity: str, action: Mapping[str, Any], path: str = "action") -> Any:
        """An action on the thing (`{"os-stop": None}`)."""
        return self.service.request("POST", f"{self.path}/{identity}/{path}", json=dict(action))

    def remove(self, identity: str) -> None:
        """Remove it; that it is gone already is success."""
        try:
            self.service.request("DELETE", f"{self.path}/{identity}")
        except NotFound:
            return

    def _unwrap(self, body: Any) -> Thing:
        return dict(body[self.singular]) if self.singular in body else dict(body)

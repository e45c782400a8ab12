"""The portal over the real services and a real database, with the lab's own catalog and first agencies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from infra import inventory as inventories
from infra.domain.catalog import Catalog
from infra.domain.parameter import ChangePolicy, Parameter
from infra.domain.person import Person, Role
from infra.domain.quota import LANDING_ZONE_USAGE
from infra.domain.session import Scope
from infra.domain.words import Words
from infra.portal.service.ground import PortalSite, RemoteConsoles
from infra.portal.service.services import PortalServices
from infra.store import deployment as deployments
from infra.store import lease, reservation
from infra.store.change_work import ChangeBook
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore
from infra.store.work import WorkBook
from tests.functional.portal.memory import NOW, MemoryDirectory
from tests.functional.portal.portal import Client, Stand

ROOT = Path(__file__).parents[3]
LEASE = timedelta(hours=1)
OUTPUTS = {"server_id": "server-1", "address": "192.0.2.7", "user": "debian", "ssh": "ssh debian@192.0.2.7"}
SCREEN = "https://console.test:6080/vnc_lite.html?path=%3Ftoken%3Dof-{}"
"""Where the screen of a server is, by its id."""


def with_allowed(catalog: Catalog, allowed: Collection[str]) -> Catalog:
    """The catalog with another policy for parameters of these names."""

    def policy(one: Parameter) -> Parameter:
        return replace(one, change=ChangePolicy.ALLOWED) if one.name in allowed else one

    items = (replace(item, parameters=tuple(map(policy, item.parameters))) for item in catalog.items)
    return replace(catalog, items=tuple(items))


class RealStand(Stand):
    """The portal over PortalServices; people of the lab's first two agencies."""

    def __init__(
        self, database: PortalDatabase, own: bool = False, allowed: Collection[str] = (), **more: Any
    ) -> None:
        """`allowed` are parameters that this catalog lets be changed without a signature."""
        lab = inventories.load(ROOT / "inventories/lab")
        catalog = with_allowed(lab.catalog, allowed)
        self.now = NOW
        flavors = {one.name: one for one in lab.platform.flavors}
        site = PortalSite(
            {one.code: one for one in lab.agencies}, catalog, flavors=flavors,
            remote_consoles=RemoteConsoles(SCREEN.format, 120),
        )  # fmt: skip
        first, second = (one.code for one in lab.agencies[:2])
        self.people = {
            name: Person(name, name, agency, frozenset({role}), name.title())
            for name, agency, role in (
                ("hoa", first, Role.MEMBER), ("binh", first, Role.APPROVER), ("mai", second, Role.MEMBER),
                ("dung", second, Role.OPERATOR), ("lan", second, Role.AUDITOR),
            )
        }  # fmt: skip
        with database.writing() as tx:
            for one in lab.agencies:
                reservation.set_account(tx, one.code, one.quota, LANDING_ZONE_USAGE, NOW)
        self.catalog = catalog
        self.database = database
        super().__init__(
            own=own,
            more=more,
            services=PortalServices(database, site, lambda: self.now),  # type: ignore[arg-type]
            sessions=SessionStore(database),  # type: ignore[arg-type]
            directory=MemoryDirectory(self.people),
            agencies={one.code: Words(one.name_vi, one.name_en) for one in lab.agencies},
        )

    def clock(self) -> datetime:
        return self.now

    def as_person(self, id: str) -> Client:
        made = self.client()
        made.cookies.set("__Host-session", self.access.begin(self.people[id], "keystone", "192.0.2.7"))
        return made

    def token(self, id: str, *scopes: Scope) -> str:
        """The secret of a token of a person, with these scopes or all."""
        session = self.access.session(self.access.begin(self.people[id], "keystone", "192.0.2.7"))
        assert session is not None
        return self.access.issue(session, "thu", frozenset(scopes or Scope), 30)[1]

    def work(self, why: Words | None = None) -> None:
        """What a worker would do with all that is approved: make it, or fail for this reason."""
        book, changing = WorkBook(self.database), ChangeBook(self.database)
        for agency, request in book.waiting():
            held = lease.acquire(self.database, f"agency/{agency}", "worker", now=self.now, lasts=LEASE)
            assert held is not None
            if changing.changes(request):
                changing.begin(held, request, self.now)
                if why is None:
                    changing.settle(held, request, OUTPUTS, self.now)
                    continue
                changing.undo(held, request, why, self.now)
                changing.undone(held, request, OUTPUTS, why=why, now=self.now)
                continue
            for one in book.begin(held, request, self.now).deployments:
                if why is None:
                    book.activate(held, one.id, OUTPUTS, self.now)
            if why is None:
                book.fulfill(held, request, self.now)
                continue
            book.failed(held, request, why, self.now)
            with self.database.reading() as connection:
                for one in deployments.of_request(connection, request):
                    book.gone(held, one.id, self.now)
            book.fail(held, request, why, self.now)

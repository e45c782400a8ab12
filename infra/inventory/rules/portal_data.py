"""Portal data: what works on several servers, or in several processes, shares its database and its states."""

from __future__ import annotations

from collections.abc import Iterator

from infra.domain.portal_data import is_shared_backend
from infra.errors import Problem
from infra.inventory.draft import Draft


def several_workers_share_database_and_states(draft: Draft) -> Iterator[Problem]:
    if draft.site is None:
        return
    data = draft.site.value.portal
    servers = [host.name for host in draft.hosts.values if host.is_portal]
    if data.own_worker:
        why = "has to be shared where workers of their own run (own_worker)"
    elif len(servers) > 1:
        why = f"has to be shared by the portal's servers {', '.join(sorted(servers))}"
    else:
        return
    undo = "remove own_worker" if data.own_worker else "leave one server in the group portal"
    if not data.database:
        way_out = f"name a PostgreSQL like postgresql+psycopg://portal@db.example/portal, or {undo}"
        yield draft.site.problem("portal.database", "SQLite", why, way_out)
    if not is_shared_backend(data.state_backend):
        way_out = (
            f"name a backend like postgres://portal@db.example/states or s3://bucket?region=R, or {undo}"
        )
        yield draft.site.problem("portal.state_backend", data.state_backend, why, way_out)


RULES = (several_workers_share_database_and_states,)

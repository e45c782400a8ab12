"""Sessions with what a sign-in service gave, on both databases; and those of the release before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from infra.domain.person import Role
from infra.domain.session import Session
from infra.store import migration
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore
from tests.functional.store.city import NOW, make_person
from tests.functional.store.tables import AUDIT_KEY

SEALED = "gAAAAA" + "x" * 6000
SESSION = Session(
    "d" * 64, make_person("hoa", Role.MEMBER), "oidc", NOW, NOW, NOW, "192.0.2.7", SEALED
)  # fmt: skip


def test_what_a_sign_in_service_gave_is_kept_and_renewed(portal: PortalDatabase) -> None:
    store = SessionStore(portal)
    store.add_session(SESSION)
    assert store.session(SESSION.digest) == SESSION
    fresh = replace(SESSION, sealed="other", checked=NOW + timedelta(minutes=6))
    store.renew_session(fresh)
    assert store.session(SESSION.digest) == fresh


def test_sessions_of_the_release_before_go_on(url: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    row = {
        "digest": SESSION.digest, "person": "hoa", "person_name": "hoa", "agency": SESSION.person.agency,
        "roles": "member", "display_name": "", "email": "", "source": "keystone", "address": "",
        **dict.fromkeys(("started", "seen", "checked"), NOW.isoformat(timespec="microseconds")),
    }  # fmt: skip
    with engine.begin() as connection:
        migration.upgrade(connection, "0004")
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO session ({names}) VALUES ({values})"), row)
    engine.dispose()
    with PortalDatabase(url, key=AUDIT_KEY) as portal:
        found = SessionStore(portal).session(SESSION.digest)
    assert found is not None
    assert (found.person.name, found.sealed) == ("hoa", "")

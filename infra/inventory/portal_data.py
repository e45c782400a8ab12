"""`portal` of `group_vars/all.yml`: the portal's database and workers; absent where one server has all."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from infra.domain.portal_data import PortalData, is_shared_database
from infra.inventory.schema import Strict
from infra.inventory.state_backend import StateBackend
from infra.inventory.value import refuse

_WAY_OUT = "write it like postgresql+psycopg://portal@db.example/portal"


def _database(value: str) -> str:
    parts = urlsplit(value)
    if not is_shared_database(value) or not parts.path.strip("/"):
        raise refuse("is no PostgreSQL database", f"{_WAY_OUT}; without `database` it is SQLite")
    if parts.password is not None or "password" in parts.query.lower():
        way_out = "put PGPASSWORD into portal_credentials of the site's secrets"
        raise refuse("has a password in it", way_out)
    return value


class PortalModel(Strict):
    """The password of PostgreSQL and the keys of an object store are not here but in the vault:
    portal_credentials.
    """

    database: Annotated[str, AfterValidator(_database)] = ""
    state_backend: StateBackend = ""
    own_worker: bool = False

    def to_domain(self) -> PortalData:
        return PortalData(self.database, self.state_backend, self.own_worker)

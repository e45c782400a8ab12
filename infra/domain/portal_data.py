"""Portal data: where the self-service portal keeps what several of its servers share."""

from __future__ import annotations

from dataclasses import dataclass

POSTGRESQL = "postgresql+psycopg"


@dataclass(frozen=True)
class PortalData:
    """`database` is a URL without a password, "" for SQLite on the portal's one server. `state_backend` is
    where the worker keeps the states of agencies' stacks, as Pulumi has its URLs; "" for that server's disk.
    `own_worker` says that a worker of its own runs on each of the portal's servers, beside the portal.
    """

    database: str = ""
    state_backend: str = ""
    own_worker: bool = False


def is_shared_database(url: str) -> bool:
    """Whether processes of several servers can use it at once."""
    return url.partition("://")[0] == POSTGRESQL


def is_shared_backend(url: str) -> bool:
    """Whether it is not on one server's disk."""
    return url.partition("://")[0] not in ("", "file")

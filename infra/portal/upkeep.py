"""What pages and API show of a deployment's upkeep: who can reach it, its snapshots, its last rebuild, to
whom it can be handed on, what it printed, and where its screen is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from infra.domain.words import NOTHING, Words
from infra.portal.delegation import Colleague


@dataclass(frozen=True)
class Opening:
    """A service that somebody reaches, as a sentence. `key` names it to close it; what is `given` by its item
    or by the city stays.
    """

    key: str
    told: Words
    given: bool = False


@dataclass(frozen=True)
class Snapshot:
    """`state` is wanted, ready, failed or leaving; `size` is in bytes, 0 until it is ready; `archive` is one
    that was made at the end of the deployment's life; `note` why it failed.
    """

    id: str
    name: str
    state: str
    by: str
    made: datetime
    size: int = 0
    archive: bool = False
    note: Words = NOTHING


@dataclass(frozen=True)
class Phase:
    """`state` is running, done or failed."""

    label: Words
    state: str
    started: datetime
    ended: datetime | None = None
    note: Words = NOTHING


@dataclass(frozen=True)
class Rebuild:
    """The last time that the server's disk was to be made new, and from what. `state` is wanted, done or
    failed; `note` why it failed.
    """

    source: Words
    state: str
    asked: datetime
    phases: tuple[Phase, ...] = ()
    note: Words = NOTHING


@dataclass(frozen=True)
class Upkeep:
    """`most` is how many snapshots it may have. `heirs` are people to whom it can be handed on, for those who
    may do so.
    """

    openings: tuple[Opening, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    most: int = 0
    rebuild: Rebuild | None = None
    heirs: tuple[Colleague, ...] = ()

    @property
    def under_way(self) -> bool:
        """Whether something of it is still being done."""
        made_new = self.rebuild is not None and self.rebuild.state == "wanted"
        return made_new or any(one.state in ("wanted", "leaving") for one in self.snapshots)


NO_UPKEEP = Upkeep()


@dataclass(frozen=True)
class Console:
    """The last lines that a server printed, as they are; `note` says why there are none."""

    name: str
    text: str
    taken: datetime
    note: Words = NOTHING


@dataclass(frozen=True)
class RemoteConsole:
    """Where a browser finds a server's screen and keyboard. Who opens `url` before `expires_at` is asked
    nothing more and stays as long as the page is open: it is a secret, and is stored nowhere.
    """

    url: str = field(repr=False)
    expires_at: datetime

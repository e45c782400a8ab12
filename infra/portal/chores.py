"""Chores: what the portal does by itself as time goes by. The ladder at the end of deployments' lives, mails,
reminders of what waits too long, and tidying up.

One process at a time does them, by a lease. None of them can stop another: a fault is counted, told and tried
again at the next turn.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from infra.domain.calendar import ZONE
from infra.domain.deployment import Deployment
from infra.errors import InfraError
from infra.portal.identity import Directory
from infra.portal.mail import Mailer
from infra.portal.overdue import Overdue
from infra.portal.service.ground import PortalSite
from infra.portal.session import KEYSTONE, LONGEST
from infra.store import checkpoint, expiry, lease
from infra.store import notice as notices
from infra.store import person as people
from infra.store.lease import Lease
from infra.store.notice import Unsent
from infra.store.portal_database import PortalDatabase
from infra.store.session import SessionStore

LEASE = "chores"
LASTS = timedelta(minutes=5)
"""How long another process waits after this one went silent."""
NOTICES_KEPT = timedelta(days=400)
_LOG = logging.getLogger(__name__)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RETRY = 10 * MINUTE
"""After a fault: what takes long to fail, or fails for long, is not asked for at every turn."""


@dataclass(frozen=True)
class ChoreFault:
    """`code` is the error's own, or `defect`."""

    chore: str
    code: str
    message: str


@dataclass(frozen=True)
class ChoreReport:
    """What one turn did: how many by chore, and what went wrong. `held` is False where another process does
    the chores.
    """

    held: bool = True
    done: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[ChoreFault, ...] = ()


@dataclass(frozen=True)
class _Chore:
    """`every` is the least time between two turns."""

    name: str
    every: timedelta
    run: Callable[[], int]


def _no_archive(_: Deployment) -> bool:
    """Nobody can make archives: what is suspended stays as it is."""
    return False


class Chores:
    """One object for the life of a process; `run_due` is called by one thread, each minute or so.

    `archive` makes a deployment's archive in the cloud and tells whether it is there. Without a `mailer`
    notices are in the portal only. `directory` is asked each day whether people still have their roles.
    `checkpoints` is a file that gets a line of the audit chain's end each day. `counts` counts (chore,
    outcome: done, fault) since the start.
    """

    def __init__(
        self, database: PortalDatabase, site: PortalSite, mailer: Mailer | None,
        clock: Callable[[], datetime], *, archive: Callable[[Deployment], bool] = _no_archive,
        directory: Directory | None = None, checkpoints: Path | None = None,
    ) -> None:  # fmt: skip
        self._database, self._site, self._mailer, self._clock = database, site, mailer, clock
        self._archive, self._directory, self._checkpoints = archive, directory, checkpoints
        self._holder = f"chores-{secrets.token_hex(8)}"
        self._held: Lease | None = None
        self._renewed = clock()
        self._due: dict[str, datetime] = {}
        self._found: list[ChoreFault] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        overdue = Overdue(database, site.calendar, clock)
        self._chores = (
            _Chore("expiry", 10 * MINUTE, self._expiry),
            _Chore("reminders", 10 * MINUTE, overdue.approvals),
            _Chore("reviews", HOUR, overdue.reviews),
            _Chore("mail", timedelta(0), self._mail),
            _Chore("sessions", HOUR, self._sessions),
            _Chore("people", timedelta(hours=12), self._people),
            _Chore("notices", timedelta(hours=24), self._notices),
            _Chore("checkpoint", HOUR, self._checkpoint),
        )

    def run_due(self) -> ChoreReport:
        """Do each chore whose time has come. Raises nothing."""
        self._found = []
        done: dict[str, int] = {}
        try:
            self._renewed = self._clock()
            self._held = lease.acquire(self._database, LEASE, self._holder, now=self._renewed, lasts=LASTS)
        except Exception as error:
            self._fault("lease", error)
            return ChoreReport(False, {}, tuple(self._found))
        if self._held is None:
            return ChoreReport(False)
        for chore in self._chores:
            if self._is_due(chore):
                self._run(chore, done)
        return ChoreReport(True, done, tuple(self._found))

    def stop(self) -> None:
        """Let another process have the chores at once. Raises StoreUnreachable."""
        if self._held is not None:
            lease.give_back(self._database, self._held, now=self._clock())
            self._held = None

    def _is_due(self, chore: _Chore) -> bool:
        due = self._due.get(chore.name)
        return due is None or self._clock() >= due

    def _run(self, chore: _Chore, done: dict[str, int]) -> None:
        """A chore that went wrong is due again after `RETRY`, if not before by itself."""
        self._due[chore.name] = self._clock() + min(chore.every, RETRY)
        try:
            self._keep()
            done[chore.name] = chore.run()
        except Exception as error:
            self._fault(chore.name, error)
        else:
            self._due[chore.name] = self._clock() + chore.every
            self.counts[chore.name, "done"] += done[chore.name]

    def _keep(self) -> None:
        """Raises LeaseLost where another process does the chores by now."""
        now = self._clock()
        if self._held is not None and now - self._renewed >= LASTS / 5:
            lease.renew(self._database, self._held, now=now, lasts=LASTS)
            self._renewed = now

    def _fault(self, chore: str, error: Exception) -> None:
        code = error.code if isinstance(error, InfraError) else "defect"
        self.counts[chore, "fault"] += 1
        self._found.append(ChoreFault(chore, code, f"{type(error).__name__}: {error}"))
        trace = None if isinstance(error, InfraError) else error
        _LOG.error("chore %s: %s [%s]", chore, error, code, exc_info=trace)

    def _expiry(self) -> int:
        now = self._clock()
        today = now.astimezone(ZONE).date()
        return len(expiry.take_due_steps(self._database, self._site.ladder, now, today, self._archived))

    def _archived(self, one: Deployment) -> bool:
        """A cloud that fails over one archive keeps no other deployment's steps from being taken."""
        try:
            self._keep()
            return self._archive(one)
        except Exception as error:
            self._fault("archive", error)
            return False

    def _mail(self) -> int:
        if self._mailer is None:
            return 0
        with self._database.reading() as connection:
            unsent = notices.to_mail(connection, self._clock())
        if not unsent:
            return 0
        sent = 0

        def outcome(one: Unsent, why: str) -> None:
            nonlocal sent
            if why:
                _LOG.warning("notice %s to %s: %s", one.notice.id, one.notice.person, why)
            with self._database.touching() as connection:
                if why:
                    notices.mark_refused(connection, one.notice, why, self._clock())
                else:
                    notices.mark_mailed(connection, one.notice.id, self._clock())
            sent += not why
            self.counts["mail", "refused"] += bool(why)
            self._keep()

        self._mailer.send(unsent, self._clock, outcome)
        return sent

    def _sessions(self) -> int:
        now = self._clock()
        SessionStore(self._database).forget(now - LONGEST, now)
        return 0

    def _people(self) -> int:
        """Whose roles were taken away, or who has left, gets nothing more; how many have. People of an OIDC
        provider cannot be looked up; they are told things until they have not been here for long.
        """
        if self._directory is None:
            return 0
        with self._database.reading() as connection:
            known = people.from_source(connection, KEYSTONE, self._clock())
        gone = 0
        for one in known:
            self._keep()
            found = self._directory.look_up(one.person.id)
            if found == one.person:
                continue
            with self._database.touching() as connection:
                if found is None:
                    people.forget_roles(connection, one.person.id)
                else:
                    people.remember(connection, found, one.source, one.seen)
            gone += found is None
        return gone

    def _notices(self) -> int:
        with self._database.touching() as connection:
            return notices.forget(connection, self._clock() - NOTICES_KEPT)

    def _checkpoint(self) -> int:
        """Once a day of the city. The line goes to the log, too: the site's journals are gathered on another
        server, and what stands there nobody changes from here.
        """
        if self._checkpoints is None:
            return 0
        told = checkpoint.write_daily(self._database, self._checkpoints, self._clock())
        if told:
            _LOG.info("audit checkpoint %s", told)
        return int(bool(told))

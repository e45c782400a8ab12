"""Runs that change a site: `up` (everything) and `deploy` (chosen phases), under the site's lock and
tether."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from infra.errors import Problem, Problems
from infra.inventory import Inventory
from infra.provisioning import deploy_report
from infra.provisioning.deploy import Deployment, Progress
from infra.provisioning.journal import Journal, RunRecord, SlowPhase, new_run_id
from infra.provisioning.lock import SiteLock
from infra.provisioning.phases import stages
from infra.provisioning.site import SiteContext, open_site
from infra.provisioning.tether import Tether
from infra.settings import Settings


class UnknownPhase(Problems):
    """A phase of this name does not exist."""

    code = "unknown_phase"


@dataclass(frozen=True)
class Completed:
    """A run that went through, and what of it took unusually long."""

    run: RunRecord
    slow_phases: list[SlowPhase]


@contextmanager
def hold_site(settings: Settings, inventory: Inventory, command: str) -> Iterator[tuple[SiteContext, Tether]]:
    """The site, open and locked for one run; what the run started ends with it. Raises RunInProgress."""
    paths = settings.site(inventory.site.site_name)
    with SiteLock(paths.lock, command) as lock, Tether(new_run_id(), lock.descriptor) as tether:
        yield open_site(settings, inventory, dt.datetime.now(dt.UTC)), tether


def up(settings: Settings, inventory: Inventory, progress: Progress, *, resume: bool = True) -> Completed:
    """Every phase; after a cut run, from the one that was cut.

    Raises RunInProgress, Problems (nothing was changed), PhaseFailed, Interrupted.
    """
    command = f"citycloud up --inventory {shlex.quote(str(inventory.path))}"
    with hold_site(settings, inventory, "up") as (site, tether):
        deployment, journal = _deployment(site, tether, progress, "up", command)
        with _told(site):
            run = deployment.run(stages(site, tether), resume=resume)
        return _completed(journal, run)


def deploy(settings: Settings, inventory: Inventory, progress: Progress, phases: Iterable[str]) -> Completed:
    """Only these phases, in their order, whatever the journal says. Raises UnknownPhase, and what `up`
    does."""
    wanted = list(dict.fromkeys(phases))
    words = [word for phase in wanted for word in ("--phase", phase)]
    command = shlex.join(["citycloud", "deploy", "--inventory", str(inventory.path), *words])
    with hold_site(settings, inventory, "deploy") as (site, tether):
        every = stages(site, tether)
        known = [name for stage in every for name in stage.phases]
        if unknown := [name for name in wanted if name not in known]:
            raise UnknownPhase([_unknown(name, known) for name in unknown])
        deployment, journal = _deployment(site, tether, progress, "deploy", command)
        with _told(site):
            run = deployment.run(every, frozenset(wanted))
        return _completed(journal, run)


def _deployment(
    site: SiteContext, tether: Tether, progress: Progress, command: str, next_command: str
) -> tuple[Deployment, Journal]:
    journal = Journal(site.paths.journal)
    return Deployment(journal, progress, command, tether.run_id, next_command), journal


@contextmanager
def _told(site: SiteContext) -> Iterator[None]:
    """However the run ends, the monitoring servers hear of it; one that cannot be told does not change how it
    ended: the alert DeployStale says that nothing was heard.
    """
    try:
        yield
    finally:
        deploy_report.deliver(site)


def _completed(journal: Journal, run: RunRecord) -> Completed:
    return Completed(run, journal.slow_phases(run))


def _unknown(name: str, known: list[str]) -> Problem:
    return Problem("command line", "--phase", name, "is no phase", f"one of: {', '.join(known)}")

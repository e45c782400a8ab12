"""Runs that change a site: `up` (everything) and `deploy` (chosen phases), under the site's lock and tether."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from infra.errors import Problem, Problems
from infra.inventory import Inventory
from infra.provisioning.deploy import Deployment, Progress, Stage
from infra.provisioning.journal import Journal, RunRecord, SlowPhase, new_run_id
from infra.provisioning.lock import SiteLock
from infra.provisioning.phases import playbook_stage
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


def deploy(settings: Settings, inventory: Inventory, progress: Progress, phases: Iterable[str]) -> Completed:
    """Only these phases, in their order, whatever the journal says of them. Raises UnknownPhase and what `up`
    does.
    """
    wanted = frozenset(phases)
    words = [word for phase in phases for word in ("--phase", phase)]
    command = shlex.join(["citycloud", "deploy", "--inventory", str(inventory.path), *words])

    def stages(site: SiteContext, tether: Tether) -> list[Stage]:
        made = [playbook_stage(site, tether)]
        known = [name for stage in made for name in stage.phases]
        unknown = sorted(wanted - set(known))
        if unknown:
            raise UnknownPhase(
                [
                    Problem("command line", "--phase", name, "is no phase", f"one of: {', '.join(known)}")
                    for name in unknown
                ]
            )
        return made

    return _run(settings, inventory, progress, "deploy", command, stages, wanted)


def _run(
    settings: Settings,
    inventory: Inventory,
    progress: Progress,
    command: str,
    next_command: str,
    stages: Callable[[SiteContext, Tether], list[Stage]],
    only: frozenset[str] | None = None,
) -> Completed:
    with hold_site(settings, inventory, command) as (site, tether):
        journal = Journal(site.paths.journal)
        deployment = Deployment(journal, progress, command, tether.run_id, next_command)
        run = deployment.run(stages(site, tether), only)
        return Completed(run, journal.slow_phases(run))

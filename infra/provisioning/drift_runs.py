"""`zone drift` from the command line: look, adopt, revert, look again, deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from infra import inventory as inventories
from infra.cloud.connection import Cloud, connect
from infra.domain.drift import PLATFORM, Choice, Delivered, DriftReport, Finding
from infra.domain.plan import PlannedStep
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.provisioning.adoption import Adoption
from infra.provisioning.confirmation import Confirmations
from infra.provisioning.drift_report import deliver, file_of, joined, read_report
from infra.provisioning.drift_revert import Confirm, Reversal, guarded
from infra.provisioning.drift_scan import Scan, scan
from infra.provisioning.live_site import admin_credentials
from infra.provisioning.phases import open_stacks
from infra.provisioning.portal_states import read_portal_states
from infra.provisioning.signature import Signer
from infra.provisioning.site import SiteContext, find_site
from infra.provisioning.stack import Stacks
from infra.provisioning.stack_result import StackProgress
from infra.provisioning.stack_runs import must_be_known
from infra.provisioning.up import hold_site
from infra.settings import Settings


class UnknownFinding(InfraError):
    """No finding has that id; ids are those of a fresh `citycloud zone drift` of the same agencies."""

    code = "unknown_finding"


@dataclass(frozen=True)
class DriftOutcome:
    """The report after everything was done, where it went, and what was done."""

    report: DriftReport
    delivered: Delivered
    adopted: tuple[Finding, ...] = ()
    reverted: tuple[Finding, ...] = ()


def run_drift(
    settings: Settings,
    inventory: Inventory,
    agencies: Sequence[str],
    choice: Choice,
    listener: Callable[[StackProgress], None],
    *,
    agreed: Callable[[Sequence[Finding], Sequence[Finding]], None] = lambda adopt, revert: None,
    requester: Signer | None = None,
) -> DriftOutcome:
    """No agencies named: all that have a zone, and the platform. `agreed` hears what will be adopted and
    reverted before it is, and raises to stop it; `requester` is the operator who asks.

    Holds the site all the while: half of what a run is making would look like drift. Raises RunInProgress,
    SiteUnknown, UnknownAgency, UnknownFinding, CannotAdopt, AdoptionFailed, CannotRevert, PlanRefused,
    StacksFailed.
    """
    find_site(settings, inventory)  # do not make a site for a command that needs one
    with hold_site(settings, inventory, "zone drift") as (site, tether), tether.children():
        site.enter_network()
        with open_stacks(site, listener, requester) as stacks:
            confirm = guarded(
                site.name,
                Confirmations(site.paths.plans, site.name, inventory.operators, requester),
            )
            return _Run(site, stacks, connect(admin_credentials(site)), agencies).do(choice, agreed, confirm)


class _Run:
    def __init__(self, site: SiteContext, stacks: Stacks, cloud: Cloud, agencies: Sequence[str]) -> None:
        self._site = site
        self._stacks = stacks
        self._cloud = cloud
        must_be_known(
            site.inventory, agencies, {*(one.code for one in site.inventory.agencies), *stacks.zones()}
        )
        self._agencies = tuple(dict.fromkeys(agencies))

    def do(
        self,
        choice: Choice,
        agreed: Callable[[Sequence[Finding], Sequence[Finding]], None],
        confirm: Confirm,
    ) -> DriftOutcome:
        seen = self._scan(self._site.inventory)
        adopt, revert = chosen(seen.report.findings, choice)
        if adopt or revert:
            agreed(adopt, revert)
        inventory = self._site.inventory
        if revert:
            Reversal(self._cloud, _Engine(self._stacks), seen.readings, confirm).revert(revert)
        if adopt:
            Adoption(self._cloud, inventory.path, inventory.agencies, seen.states, seen.readings).adopt(adopt)
            inventory = inventories.load(inventory.path)
        if adopt or revert:
            seen = self._scan(inventory)
        before = read_report(file_of(self._site.paths.directory))
        report = joined(before, seen.report, frozenset(seen.states))
        return DriftOutcome(report, deliver(self._site, report), tuple(adopt), tuple(revert))

    def _scan(self, inventory: Inventory) -> Scan:
        states = {code or PLATFORM: self._stacks.state(code) for code in ("", *self._stacks.zones())}
        existing = {code: state for code, state in states.items() if state}
        portal = read_portal_states(self._site)
        return scan(self._cloud, inventory, existing, self._agencies or tuple(existing), portal=portal)


class _Engine:
    """`drift_revert.Engine` over the site's stacks."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def put_back(self, code: str, urns: Sequence[str]) -> object:
        return self._stacks.put_back(_code(code), urns)

    def harmless(self, code: str, step: PlannedStep) -> bool:
        return self._stacks.harmless(_code(code), step)


def _code(agency: str) -> str:
    return "" if agency == PLATFORM else agency


def chosen(findings: Iterable[Finding], choice: Choice) -> tuple[list[Finding], list[Finding]]:
    """(to adopt, to revert). All means all that can be. Raises UnknownFinding."""
    by_id = {finding.id: finding for finding in findings}
    unknown = [one for one in (*choice.adopt, *choice.revert) if one not in by_id]
    if unknown:
        told = ", ".join(sorted(by_id)) or "none"
        raise UnknownFinding(f"no finding {', '.join(unknown)}; there are: {told}")
    adopt = [by_id[one] for one in dict.fromkeys(choice.adopt)]
    revert = [by_id[one] for one in dict.fromkeys(choice.revert)]
    if choice.adopt_all:
        adopt += [one for one in by_id.values() if one.adoptable and one not in adopt and one not in revert]
    if choice.revert_all:
        revert += [one for one in by_id.values() if one.revertible and one not in adopt and one not in revert]
    return adopt, revert

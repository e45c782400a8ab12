"""One operation on a site's stacks from the command line: the platform, or landing zones of agencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from infra.errors import Problem, Problems
from infra.inventory import Inventory
from infra.provisioning.confirmation import Confirmations
from infra.provisioning.phases import open_stacks
from infra.provisioning.signature import Signer
from infra.provisioning.site import SiteContext, SiteUnknown, find_site
from infra.provisioning.stack import Stacks
from infra.provisioning.stack_result import Operation, StackProgress, StackResult
from infra.provisioning.up import hold_site
from infra.settings import Settings

Listener = Callable[[StackProgress], None]


class UnknownAgency(Problems):
    """The inventory has no agency of this code."""

    code = "unknown_agency"


def run_platform(
    settings: Settings,
    inventory: Inventory,
    operation: Operation,
    listener: Listener,
    *,
    force: bool = False,
    requester: Signer | None = None,
) -> list[StackResult]:
    """`requester` is the operator who asks. Raises RunInProgress, SiteUnknown, PlanRefused, StacksFailed."""
    with _stacks(settings, inventory, "platform", operation, listener, requester=requester) as stacks:
        match operation:
            case "preview":
                return [stacks.platform_preview(force=force)]
            case "up":
                return [stacks.platform_up(force=force)]
            case "refresh":
                return [stacks.platform_refresh()]
            case "destroy":
                return [stacks.platform_destroy()]


def run_zones(
    settings: Settings,
    inventory: Inventory,
    operation: Operation,
    agencies: Sequence[str],
    listener: Listener,
    *,
    force: bool = False,
    requester: Signer | None = None,
) -> list[StackResult]:
    """On these agencies; none named means all. Raises UnknownAgency and what `run_platform` does."""
    with _stacks(settings, inventory, "zone", operation, listener, requester=requester) as stacks:
        known = {agency.code for agency in inventory.agencies}
        if operation in {"refresh", "destroy"}:
            known.update(stacks.zones())  # an agency that left the inventory still has its zone to remove
        must_be_known(inventory, agencies, known)
        chosen = list(agencies) or None
        match operation:
            case "preview":
                return stacks.zone_preview(chosen, force=force)
            case "up":
                return stacks.zone_up(chosen, force=force)
            case "refresh":
                return stacks.zone_refresh(chosen)
            case "destroy":
                return stacks.zone_destroy(chosen)


def confirmations(settings: Settings, inventory: Inventory) -> Confirmations:
    """The plans of a site that wait for a second person. Raises SiteUnknown."""
    paths, name = settings.site(inventory.site.site_name), inventory.site.site_name
    if not paths.directory.is_dir():
        raise SiteUnknown(
            f"the site `{name}` was never deployed from this machine: no plan waits for it here"
        )
    return Confirmations(paths.plans, name, inventory.operators)


def must_be_known(inventory: Inventory, agencies: Sequence[str], known: set[str]) -> None:
    """Raises UnknownAgency with each of `agencies` that is not `known`."""
    source = str(inventory.path / "agencies.yaml")
    problems = [
        Problem(
            source,
            "agencies",
            code,
            "no agency has this code",
            "see `citycloud inventory check --output json`",
        )
        for code in agencies
        if code not in known
    ]
    if problems:
        raise UnknownAgency(problems)


@contextmanager
def _stacks(
    settings: Settings, inventory: Inventory, what: str, operation: Operation, listener: Listener, *,
    requester: Signer | None,
) -> Iterator[Stacks]:  # fmt: skip
    """A preview changes nothing and needs no lock; everything else holds the site."""
    if operation == "preview":
        with _opened(find_site(settings, inventory), listener, requester) as stacks:
            yield stacks
        return
    find_site(settings, inventory)  # do not make a site for a command that needs one
    with (
        hold_site(settings, inventory, f"{what} {operation}") as (site, tether),
        tether.children(),
        _opened(site, listener, requester) as stacks,
    ):
        yield stacks


@contextmanager
def _opened(site: SiteContext, listener: Listener, requester: Signer | None) -> Iterator[Stacks]:
    site.enter_network()
    with open_stacks(site, listener, requester) as stacks:
        yield stacks

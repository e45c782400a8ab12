"""Off-boarding of an agency of a site, from the command line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.cloud.connection import connect
from infra.cloud.image_data import CloudImageData
from infra.domain.offboarding import Waiver
from infra.inventory import Inventory
from infra.provisioning import record
from infra.provisioning.certificates import Pair
from infra.provisioning.live_site import admin_credentials
from infra.provisioning.offboarded import must_be_over, readmit
from infra.provisioning.offboarding import Asked, Listener, Offboarding, Progress
from infra.provisioning.offboarding_case import Case, CaseFiles
from infra.provisioning.offboarding_confirmation import OffboardingConfirmations
from infra.provisioning.offboarding_steps import Means
from infra.provisioning.offboarding_zone import ConfirmedDestroy, StackZone
from infra.provisioning.phases import open_stacks
from infra.provisioning.portal_server import PortalServer
from infra.provisioning.record import Checked, SiteNotary
from infra.provisioning.signature import Signer
from infra.provisioning.site import SiteContext, find_site
from infra.provisioning.stack_result import StackProgress
from infra.provisioning.up import hold_site
from infra.settings import Settings

EXPORTS = "exports"
"""Beside the sites, so that a lab's `down` leaves what an agency was promised."""


@dataclass(frozen=True)
class Wish:
    """What a person asks for: see the options of `citycloud zone offboard`."""

    agency: str
    export: Path | None = None
    waivers: tuple[Waiver, ...] = ()
    requester: Signer | None = None


def run_offboarding(settings: Settings, inventory: Inventory, wish: Wish, listener: Listener) -> Case:
    """From where it stands to its end; under the site's lock. Raises PlanRefused until a second person has
    confirmed, and what the steps raise."""
    with _held(settings, inventory, f"zone offboard {wish.agency}") as site:
        return _offboarding(site, wish, listener).run()


def call_off(settings: Settings, inventory: Inventory, agency: str, listener: Listener) -> Case:
    """Give the agency back what the freeze took. Raises NothingToCallOff, OffboardingOver."""
    with _held(settings, inventory, f"zone offboard {agency} --cancel") as site:
        return _offboarding(site, Wish(agency), listener).call_off()


def let_in_again(settings: Settings, inventory: Inventory, agency: str) -> Path:
    """Let an agency that was off-boarded be on-boarded; where its case is kept. Raises ReadmissionRefused,
    PortalUnread."""
    find_site(settings, inventory)
    with hold_site(settings, inventory, f"zone readmit {agency}") as (site, _):
        must_be_over(site.paths.directory, agency)
        portal = _portal(site)
        if portal is not None:
            site.enter_network()
            portal.reopen(agency)
        return readmit(site.paths.directory, agency)


def check_record(settings: Settings, inventory: Inventory, place: Path, authority: Path | None) -> Checked:
    """Check a record against the site's own authority, or one in a PEM file. Raises RecordSignatureWrong,
    RecordUnreadable, ExportDamaged."""
    trusted = authority or settings.site(inventory.site.site_name).ca_certificate
    try:
        certificate = trusted.read_text(encoding="utf-8")
    except OSError as absent:
        raise record.RecordUnreadable(
            f"the authority's certificate {trusted} cannot be read ({absent.strerror}); name it with --ca"
        ) from absent
    return record.check(place, certificate)


@contextmanager
def _held(settings: Settings, inventory: Inventory, command: str) -> Iterator[SiteContext]:
    find_site(settings, inventory)  # do not make a site for a command that needs one
    with hold_site(settings, inventory, command) as (site, tether), tether.children():
        site.enter_network()
        yield site


def _offboarding(site: SiteContext, wish: Wish, listener: Listener) -> Offboarding:
    agency, files = wish.agency, CaseFiles(site.paths.directory)
    known = files.find(agency)
    folder = wish.export or (
        Path(known.folder).parent if known else site.settings.state_dir / EXPORTS / site.name
    )
    confirmations = OffboardingConfirmations(
        site.paths.plans, site.name, site.inventory.operators, wish.requester
    )
    cloud = connect(admin_credentials(site))
    shown = _shown(agency, listener)
    means = Means(
        cloud=cloud,
        data=CloudImageData(cloud),
        zone=StackZone(lambda: open_stacks(site, shown, guard=ConfirmedDestroy(agency)), agency),
        confirm=confirmations.approve,
        notary=_notary(site),
        say=lambda sentence: None,
        portal=_portal(site),
        site=site.name,
    )
    names = _names(site.inventory, agency)
    who = wish.requester.operator.name if wish.requester else ""
    asked = Asked(agency, folder.absolute(), who, wish.waivers, names)
    return Offboarding(means, files, asked, listener)


def _portal(site: SiteContext) -> PortalServer | None:
    return PortalServer(site) if site.inventory.portal() else None


def _notary(site: SiteContext) -> SiteNotary:
    tls, city = site.secrets.values["tls"], site.inventory.city
    authority = Pair(tls["ca_certificate"], tls["ca_key"])
    names = {"vi": city.name_vi, "en": city.name_en}
    return SiteNotary(site.name, names, authority, lambda: dt.datetime.now(dt.UTC))


def _names(inventory: Inventory, agency: str) -> dict[str, str]:
    """Empty for an agency that has left agencies.yaml already."""
    for one in inventory.agencies:
        if one.code == agency:
            return {"name_vi": one.name_vi, "name_en": one.name_en}
    return {}


def _shown(agency: str, listener: Listener) -> Callable[[StackProgress], None]:
    def show(event: StackProgress) -> None:
        if event.kind == "step":
            listener(Progress(agency, "delete", "step", event.sentence))

    return show

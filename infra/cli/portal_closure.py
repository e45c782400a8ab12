"""`citycloud portal close|reopen`: an agency leaves the cloud, as the portal sees it. The off-boarding calls
them on the portal's server.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, output_option
from infra.cli.portal_data import config_option
from infra.cli.portal_settings import PortalSettings, load
from infra.cloud.connection import Cloud, connect
from infra.cloud.deployed import deployed_servers
from infra.cloud.kept_image import remove_kept
from infra.domain.estate import Estate
from infra.errors import InfraError
from infra.portal.service.account import take_in
from infra.store import closure
from infra.store.closure import AgencyAtWork
from infra.store.portal_database import PortalDatabase

WAIT_SECONDS = 180.0
"""Longer than the lease of a worker that was killed."""
LOOK_SECONDS = 1.0


class StillStanding(InfraError):
    """The cloud still has servers that the portal made for the agency; `citycloud zone offboard` removes
    them. Nothing of it was ended.
    """

    code = "still_standing"


@click.command()
@click.argument("agency")
@config_option
@click.option("--access", is_flag=True, help="End only access and work; `reopen` gives them back.")
@click.option("--check", is_flag=True, help="Say what there is to end, and change nothing.")
@click.option(
    "--wait", default=WAIT_SECONDS, show_default=True, type=click.FloatRange(0, 3600),
    help="Seconds to wait for a worker that is at work for the agency.",
)  # fmt: skip
@output_option
def close(*, agency: str, config: Path, access: bool, check: bool, wait: float, output: str) -> None:
    """End all that AGENCY has in the portal: requests, deployments, tokens, delegations, quota.

    `citycloud zone offboard` does it: with --access before it freezes the agency, and whole when nothing of
    it is left in the cloud. Asked again it changes nothing.
    """
    settings = load(config, os.environ)
    with PortalDatabase(settings.database, key=settings.audit_key, make=False) as database:
        if check:
            before = closure.read(database, agency, _now())
        elif access:
            before = _patiently(wait, lambda: closure.close(database, agency, _now()))
        else:
            before = _end(settings, database, agency, wait)
    emit(output, asdict(before), lambda: _told(agency, before, "has" if check else "ended:"))


@click.command()
@click.argument("agency")
@config_option
@output_option
def reopen(*, agency: str, config: Path, output: str) -> None:
    """Let people of AGENCY in again, and workers work for it. What ended stays ended."""
    settings = load(config, os.environ)
    inventory = inventories.load(Path(settings.file.inventory))
    with PortalDatabase(settings.database, key=settings.audit_key, make=False) as database:
        opened = closure.reopen(database, agency, _now())
        mine = [one for one in inventory.agencies if one.code == agency]
        take_in(database, mine, inventory.platform.flavors, _now())
    said = "is open again" if opened else "was not closed"
    emit(output, {"agency": agency, "opened": opened}, lambda: f"{agency} {said}")


def _end(settings: PortalSettings, database: PortalDatabase, agency: str, wait: float) -> Estate:
    """All of it ends, and what is kept of its deployments in the city's own project (archives, snapshots) is
    removed; what there was before. Raises StillStanding, AgencyAtWork, HeldByLaw.
    """
    cloud = connect(settings.credentials, user_agent="citycloud-portal")
    _must_be_gone(cloud, agency, closure.standing(database, agency))
    before = _patiently(wait, lambda: closure.close(database, agency, _now()))
    ids = closure.standing(database, agency)
    _must_be_gone(cloud, agency, ids)  # until it was closed a worker could make one
    for id_ in ids:
        remove_kept(cloud, id_)
    closure.end(database, agency, _now())
    return before


def _must_be_gone(cloud: Cloud, agency: str, ids: Collection[str]) -> None:
    """Raises StillStanding: what the portal forgets, nobody would find any more."""
    found = deployed_servers(cloud, ids)
    if found:
        names = ", ".join(sorted(str(one["name"]) for one in found.values()))
        raise StillStanding(
            f"the cloud still has {names} of {agency}; nothing of it was ended. Take the agency off the cloud"
            f" with `citycloud zone offboard {agency}`"
        )


def _patiently(seconds: float, act: Callable[[], Estate]) -> Estate:
    """Again until no worker is at work for the agency. Raises AgencyAtWork after `seconds`."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return act()
        except AgencyAtWork:
            if time.monotonic() >= ends:
                raise
            time.sleep(LOOK_SECONDS)


def _told(agency: str, found: Estate, verb: str) -> str:
    counts = ", ".join(f"{count} {kind}" for kind, count in found.counts.items())
    lines = [f"{agency} {verb} {counts or 'nothing'}"]
    if found.on_hold:
        lines.append(f"on legal hold: {', '.join(found.on_hold)}")
    return "\n".join(lines)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)

"""`citycloud people`: who of an agency may sign in to the portal, and what they may do there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import click

from infra import inventory as inventories
from infra.cli.output import emit, inventory_option, output_option
from infra.cloud.connection import Cloud
from infra.cloud.people import GROUPS, Account, add_person, list_people, remove_person, set_password
from infra.inventory import Inventory
from infra.provisioning.live_site import LiveSite
from infra.provisioning.site import find_site
from infra.provisioning.stack_runs import must_be_known
from infra.settings import Settings

agency_argument = click.argument("agency")
name_argument = click.argument("name")


@click.group()
def people() -> None:
    """Accounts of an agency's people: who may sign in to the portal, and what they may do there."""


@people.command()
@agency_argument
@name_argument
@inventory_option
@output_option
@click.option("--role", "roles", multiple=True, type=click.Choice(list(GROUPS)), default=("member",),
              show_default=True, help="What the person may do; may be given several times.")  # fmt: skip
@click.option("--full-name", default="", help="How pages call the person.")
@click.option("--email", default="", help="Where notices go.")
def add(
    *, agency: str, name: str, inventory: Path, output: str, roles: Sequence[str], full_name: str, email: str
) -> None:
    """Make an account, or give one more roles. The first password is printed once and kept nowhere."""
    cloud = _cloud(inventory, agency)
    password = secrets.token_urlsafe(12)
    made = add_person(cloud, agency, name, password, roles=roles, display_name=full_name, email=email)
    told = {"agency": agency, "name": name, "made": made, "password": password if made else None}
    emit(output, told, lambda: (
        f"{agency}/{name} may sign in; the first password, shown once: {password}" if made
        else f"{agency}/{name} was there already; roles {', '.join(roles)} are given, the password stays"
    ))  # fmt: skip


@people.command("list")
@agency_argument
@inventory_option
@output_option
def list_(*, agency: str, inventory: Path, output: str) -> None:
    """Show the accounts of an agency."""
    found = list_people(_cloud(inventory, agency), agency)
    emit(output, found, lambda: "\n".join(_line(one) for one in found) or "nobody yet; `people add` adds one")


@people.command("password")
@agency_argument
@name_argument
@inventory_option
@output_option
def password_(*, agency: str, name: str, inventory: Path, output: str) -> None:
    """Give an account a new password, which is printed once and kept nowhere."""
    fresh = secrets.token_urlsafe(12)
    set_password(_cloud(inventory, agency), agency, name, fresh)
    told = {"agency": agency, "name": name, "password": fresh}
    emit(output, told, lambda: f"{agency}/{name}: the new password, shown once: {fresh}")


@people.command()
@agency_argument
@name_argument
@inventory_option
@output_option
def remove(*, agency: str, name: str, inventory: Path, output: str) -> None:
    """Remove an account. What the person asked for and decided stays in the records."""
    remove_person(_cloud(inventory, agency), agency, name)
    emit(output, {"agency": agency, "name": name, "removed": True}, lambda: f"{agency}/{name} is removed")


def _cloud(path: Path, agency: str) -> Cloud:
    inventory: Inventory = inventories.load(path)
    must_be_known(inventory, [agency], {one.code for one in inventory.agencies})
    site = find_site(Settings.from_environment(os.environ), inventory)
    site.enter_network()
    return LiveSite(site).cloud


def _line(one: Account) -> str:
    state = "" if one.enabled else ", disabled"
    return (
        f"{one.name:<20} {', '.join(one.roles) or 'no role'}{state}  {one.display_name} {one.email}".rstrip()
    )

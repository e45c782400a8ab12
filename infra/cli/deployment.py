"""`citycloud deployment`: what was made for one, and what one does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from infra.cli.deployment_order import Order, deployment_argument, ordering, yes_option
from infra.cli.deployment_upkeep import COMMANDS
from infra.cli.portal_client import Portal, Source, draft_refused
from infra.cli.portal_view import (
    Row,
    day,
    found_deployment,
    key_option,
    limit_option,
    listing,
    moment,
    portal_options,
    sheet,
    show,
    some,
    standing,
    state,
    told,
    version_option,
)
from infra.cli.request import cost_table, quota_table
from infra.domain.deployment import DeploymentState
from infra.domain.parameter import ChangePolicy
from infra.domain.words import Words
from infra.portal.language import Reader

NAME, STATE, AGENCY = Words("Tên", "Name"), Words("Trạng thái", "State"), Words("Cơ quan", "Agency")
WHAT, ADDRESS = Words("Loại", "What"), Words("Địa chỉ", "Address")
UNTIL = Words("Dùng đến", "Until")
GONE = Words("Xóa {} và mọi dữ liệu trong đó?", "Delete {} and all data in it?")
ACTIONS = {
    "start": "Start DEPLOYMENT, which was stopped.",
    "stop": "Stop DEPLOYMENT; it keeps its disks, its addresses and its share of the quota.",
    "reboot": "Restart DEPLOYMENT.",
    "renew": "Use DEPLOYMENT further; possible from the first notice of its end on.",
    "restore": "Bring DEPLOYMENT back from its archive: it runs from its own disk again.",
    "retire": "Give DEPLOYMENT back: it is deleted, and its share of the quota is free again.",
    "hold": "Put DEPLOYMENT under legal hold: nothing of it is deleted.",
    "unhold": "End the legal hold of DEPLOYMENT.",
}


@click.group()
def deployment() -> None:
    """What was made of approved requests: list, start, stop, change, renew, give back."""


@deployment.command("list")
@click.option("--state", "wanted", type=click.Choice([str(one) for one in DeploymentState]), default=None,
              help="Only those in this state.")  # fmt: skip
@click.option("--agency", default="", metavar="CODE", help="Only those of this agency.")
@limit_option
@portal_options
def list_(*, portal: Portal, say: Reader, output: str, wanted: str | None, agency: str, limit: int) -> None:
    """Deployments that I may see, the newest first."""
    found = portal.every("deployments", size=limit + 1, state=wanted or "", agency=agency)
    rows, more = some(found, limit)
    shown = [
        (one["name"], standing(say, one), one["agency"], told(say, one["item"]), one["address"],
         day(say, one["expires"]))
        for one in rows
    ]  # fmt: skip
    heads = (NAME, STATE, AGENCY, WHAT, ADDRESS, UNTIL)
    show(output, {"items": rows, "more": more}, listing(say, heads, shown, more))


@deployment.command("show")
@click.argument("name", metavar="DEPLOYMENT")
@portal_options
def show_(*, portal: Portal, say: Reader, output: str, name: str) -> None:
    """Show DEPLOYMENT (its name or id): address, how to connect, its end, its past."""
    found = found_deployment(portal, name)
    show(output, found, _sheet(say, found))


@deployment.command()
@click.argument("name", metavar="DEPLOYMENT")
@click.option("--set", "sets", multiple=True, required=True, metavar="NAME=VALUE",
              help="A parameter and its new value, such as size=vm.medium; again for more.")  # fmt: skip
@click.option("--purpose", default="", help="What it is for; needed where it has to be approved.")
@click.option("--legal-basis", default="", metavar="TEXT", help="Number of the decision that it rests on.")
@click.option("--emergency", is_flag=True, help="It cannot wait; it is reviewed afterwards.")
@click.option("--check", is_flag=True, help="Only say what it would take and what is wrong; change nothing.")
@version_option
@key_option
@portal_options
def change(
    *, portal: Portal, say: Reader, output: str, name: str, sets: tuple[str, ...], purpose: str,
    legal_basis: str, emergency: bool, check: bool, version: int | None, key: str,
) -> None:  # fmt: skip
    """Change DEPLOYMENT: at once where the catalog allows it, else by a request that is decided on.

    `show` says what can be changed. An integer only grows, and a size has to be of the same kind of server.
    """
    before, values = found_deployment(portal, name), _values(sets)
    id_, seen = before["summary"]["id"], version or before["version"]
    line = {"item": before["item"], "deployment": id_, "values": values, "version": seen}
    body = {"items": [line], "purpose": purpose, "legal_basis": legal_basis, "emergency": emergency}
    source = Source("--set", body)
    policies = {one["name"]: one["change"] for one in before["changes"]}
    unsigned = all(policies.get(one) == ChangePolicy.ALLOWED for one in values)
    if check:
        _check(portal, say, output, source, unsigned)
        return
    if unsigned:
        made = portal.change(
            "deployments", id_, "changes", body={"values": values, "version": seen}, key=key
        )["id"]  # fmt: skip
    else:
        made = portal.change("requests", body=body, key=key, source=source)["id"]
    found = portal.read("requests", made)
    summary = found["summary"]
    line_ = Text.assemble(f"{summary['number']}  ", state(say, summary["state"]), "  ",
                          told(say, summary["title"]))  # fmt: skip
    show(output, found, line_, Text(f"citycloud request watch {summary['number']}", style="dim"))


def _values(sets: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE pairs. Raises BadParameter."""
    values = {}
    for one in sets:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{one}: write NAME=VALUE, such as size=vm.medium", param_hint="--set")
        values[name.strip()] = value.strip()
    return values


def _check(portal: Portal, say: Reader, output: str, source: Source, unsigned: bool) -> None:
    """Raises DraftRefused where something is wrong."""
    found = portal.change("previews", body=source.document, source=source)
    wrong = [
        (one["field"], told(say, one["told"])) for one in found["problems"]
        if not (unsigned and one["field"] == "purpose")
    ]  # fmt: skip
    if wrong:
        raise draft_refused(source, wrong)
    show(output, found, quota_table(say, found["quota"]), cost_table(say, found["costs"]))


def _action(name: str, sentence: str) -> Callable[..., Any]:
    """The command of an action."""

    def act(order: Order, *, yes: bool = True) -> None:
        order.confirm(GONE, order.name, yes=yes)
        order.send(name)

    command: Any = ordering(act)
    if name == "retire":
        command = yes_option(command)
    made: Callable[..., Any] = deployment.command(name, help=sentence)(deployment_argument(command))
    return made


for _name, _sentence in ACTIONS.items():
    _action(_name, _sentence)
for _command in COMMANDS:
    deployment.add_command(_command)


def _stands(say: Reader, found: Row) -> list[tuple[Words, str]]:
    """What it was asked for with, and what can be changed of it."""
    rows = [(Words(**label), told(say, value)) for label, value in found["stands"]]
    can = Words("Đổi được", "Can be changed")
    return [*rows, *((can, f"{one['name']} ({one['change']})") for one in found["changes"])]


def _sheet(say: Reader, found: Row) -> RenderableType:
    summary = found["summary"]
    held = say.words(Words("có", "yes")) if found["legal_hold"] else ""
    facts: list[tuple[Words, Text | str]] = [
        (NAME, summary["name"]),
        (STATE, standing(say, summary)),
        (WHAT, told(say, summary["item"])),
        (AGENCY, told(say, summary["agency_name"])),
        (Words("Chủ sở hữu", "Owner"), found["owner"]),
        (ADDRESS, summary["address"]),
        (Words("Tài khoản", "User"), found["user"]),
        *((Words("Kết nối", "Connect"), f"{told(say, label)}: {value}") for label, value in found["connect"]),
        (Words("Tạo lúc", "Made"), moment(say, summary["created"])),
        (UNTIL, day(say, summary["expires"])),
        (Words("Giữ theo yêu cầu pháp lý", "Legal hold"), held),
        (Words("Yêu cầu", "Request"), found["request"]),
        *((Words("Đã qua", "Past"), f"{moment(say, at)}  {told(say, what)}") for at, what in found["events"]),
        *_stands(say, found),
        (Words("Có thể", "You may"), ", ".join(sorted(found["may"]))),
        (Words("Phiên bản", "Version"), str(found["version"])),
        (Words("Mã", "Id"), summary["id"]),
    ]
    return sheet(say, facts)

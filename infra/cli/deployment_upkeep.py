"""`citycloud deployment` for what needs more said than its name: openings, snapshots, rebuild, handing on,
screen and log."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from infra.cli.deployment_order import Order, deployment_argument, ordering, yes_option
from infra.cli.portal_client import Portal
from infra.cli.portal_view import (
    found_deployment,
    listing,
    moment,
    plain,
    portal_options,
    show,
    state,
    told,
)
from infra.domain.opening import Service, Source
from infra.domain.words import Words
from infra.portal.language import Reader

LOST = Words(
    "Mọi thứ trên ổ hệ thống của {} sẽ mất. Tiếp tục?", "Everything on the system disk of {} is lost. Go on?"
)
GOES = Words("Xóa bản chụp {} của {}?", "Delete the snapshot {} of {}?")
snapshot_argument = click.argument("snapshot_name", metavar="SNAPSHOT")


@click.command("open")
@deployment_argument
@click.option("--service", required=True, type=click.Choice([str(one) for one in Service]),
              help="What is reached.")  # fmt: skip
@click.option("--port", default="", help="The port, for the service tcp.")
@click.option("--from", "source", required=True, type=click.Choice([str(one) for one in Source]),
              help="Who reaches it.")  # fmt: skip
@ordering
def open_(order: Order, *, service: str, port: str, source: str) -> None:
    """Let somebody reach a service of DEPLOYMENT."""
    order.send("open", {"service": service, "source": source, "port": port})


@click.command("close")
@deployment_argument
@click.argument("opening", metavar="OPENING")
@ordering
def close(order: Order, *, opening: str) -> None:
    """Close OPENING of DEPLOYMENT, as `reach` names it, such as web:city."""
    order.send("close", {"opening": opening})


@click.command("reach")
@deployment_argument
@portal_options
def reach(*, portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Show who can reach DEPLOYMENT."""
    found = found_deployment(portal, name_)
    show(output, found["upkeep"]["openings"], _openings(say, found))


@click.command("snapshots")
@deployment_argument
@portal_options
def snapshots(*, portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Show the snapshots of DEPLOYMENT."""
    found = found_deployment(portal, name_)
    show(output, found["upkeep"]["snapshots"], _snapshots(say, found))


@click.command("snapshot")
@deployment_argument
@click.argument("snapshot_name", metavar="NAME")
@ordering
def snapshot(order: Order, *, snapshot_name: str) -> None:
    """Keep the system disk of DEPLOYMENT as it is now, as a snapshot NAME to go back to."""
    order.send("snapshot", {"name": snapshot_name})


@click.command("delete-snapshot")
@deployment_argument
@snapshot_argument
@yes_option
@ordering
def delete_snapshot(order: Order, *, snapshot_name: str, yes: bool) -> None:
    """Delete SNAPSHOT (its name or id) of DEPLOYMENT."""
    order.confirm(GOES, snapshot_name, order.name, yes=yes)
    order.send("delete_snapshot", {"snapshot": _snapshot_id(order.found, snapshot_name)})


@click.command("revert")
@deployment_argument
@snapshot_argument
@yes_option
@ordering
def revert(order: Order, *, snapshot_name: str, yes: bool) -> None:
    """Make the system disk of DEPLOYMENT what it was in SNAPSHOT (its name or id)."""
    order.confirm(LOST, order.name, yes=yes)
    order.send("revert", {"snapshot": _snapshot_id(order.found, snapshot_name)})


@click.command("rebuild")
@deployment_argument
@yes_option
@ordering
def rebuild(order: Order, *, yes: bool) -> None:
    """Put a new system on the system disk of DEPLOYMENT; its addresses and its data volume stay."""
    order.confirm(LOST, order.name, yes=yes)
    order.send("rebuild")


@click.command("transfer")
@deployment_argument
@click.argument("person", metavar="PERSON")
@ordering
def transfer(order: Order, *, person: str) -> None:
    """Hand DEPLOYMENT on to PERSON (an id; `show --output json` lists the possible ones)."""
    order.send("transfer", {"to": person})


@click.command("console")
@deployment_argument
@portal_options
def console(*, portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Print the address of DEPLOYMENT's screen and keyboard, for a browser: a secret that soon ends.

    That it was asked for is recorded.
    """
    id_ = found_deployment(portal, name_)["summary"]["id"]
    found = portal.change("deployments", id_, "console", body={})
    show(output, found, Text(found["url"], no_wrap=True, overflow="ignore"))


@click.command("console-log")
@deployment_argument
@portal_options
def console_log(*, portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Show what the server of DEPLOYMENT printed last; that it was read is recorded."""
    id_ = found_deployment(portal, name_)["summary"]["id"]
    found = portal.read("deployments", id_, "console")
    show(output, found, plain(told(say, found["note"]) or found["text"]))


COMMANDS = (
    open_, close, reach, snapshot, snapshots, delete_snapshot, revert, rebuild, transfer, console,
    console_log,
)  # fmt: skip


def _snapshot_id(found: Any, name: str) -> str:
    """A name that none has is passed on: the portal says what is wrong."""
    return next((str(one["id"]) for one in found["upkeep"]["snapshots"] if name == one["name"]), name)


def _openings(say: Reader, found: Any) -> Any:
    given = Words("luôn có", "always there")
    rows = [
        (told(say, one["told"]), say.words(given) if one["given"] else one["key"])
        for one in found["upkeep"]["openings"]
    ]
    heads = (Words("Ai truy cập được", "Who can reach it"), Words("Tên để đóng", "Its name, to close it"))
    return listing(say, heads, rows, more=False)


def _snapshots(say: Reader, found: Any) -> Any:
    rows = [
        (one["name"], moment(say, one["made"]), state(say, one["state"]),
         say.size(one["size"]) if one["size"] else "", one["by"], told(say, one["note"]))
        for one in found["upkeep"]["snapshots"]
    ]  # fmt: skip
    heads = (
        Words("Tên", "Name"), Words("Chụp lúc", "Made"), Words("Trạng thái", "State"),
        Words("Dung lượng", "Size"), Words("Người chụp", "By"), Words("Ghi chú", "Note"),
    )  # fmt: skip
    return listing(say, heads, rows, more=False)

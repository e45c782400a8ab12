"""`citycloud deployment` for what needs more said than its name: openings, snapshots, rebuild, handing on,
console."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from infra.cli.portal_client import Portal
from infra.cli.portal_view import (
    found_deployment,
    key_option,
    listing,
    moment,
    plain,
    portal_options,
    show,
    state,
    told,
    version_option,
)
from infra.domain.opening import Service, Source
from infra.domain.words import Words
from infra.portal.language import Reader

LOST = Words(
    "Mọi thứ trên ổ hệ thống của {} sẽ mất. Tiếp tục?", "Everything on the system disk of {} is lost. Go on?"
)
GOES = Words("Xóa bản chụp {} của {}?", "Delete the snapshot {} of {}?")
deployment_argument = click.argument("name_", metavar="DEPLOYMENT")
yes_option = click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")


@click.command("open")
@deployment_argument
@click.option("--service", required=True, type=click.Choice([str(one) for one in Service]),
              help="What is reached.")  # fmt: skip
@click.option("--port", default="", help="The port, for the service tcp.")
@click.option("--from", "source", required=True, type=click.Choice([str(one) for one in Source]),
              help="Who reaches it.")  # fmt: skip
@key_option
@version_option
@portal_options
def open_(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, service: str, port: str, source: str, key: str,
    version: int | None,
) -> None:  # fmt: skip
    """Let somebody reach a service of DEPLOYMENT."""
    values = {"service": service, "source": source, "port": port}
    _act(portal, say, output, name_, "open", values, key, version)


@click.command("close")
@deployment_argument
@click.argument("opening", metavar="OPENING")
@key_option
@version_option
@portal_options
def close(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, opening: str, key: str, version: int | None
) -> None:
    """Close OPENING of DEPLOYMENT, as `reach` names it, such as web:city."""
    _act(portal, say, output, name_, "close", {"opening": opening}, key, version)


@click.command("reach")
@deployment_argument
@portal_options
def reach(portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Show who can reach DEPLOYMENT."""
    found = found_deployment(portal, name_)
    show(output, found["upkeep"]["openings"], _openings(say, found))


@click.command("snapshots")
@deployment_argument
@portal_options
def snapshots(portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Show the snapshots of DEPLOYMENT."""
    found = found_deployment(portal, name_)
    show(output, found["upkeep"]["snapshots"], _snapshots(say, found))


@click.command("snapshot")
@deployment_argument
@click.argument("snapshot_name", metavar="NAME")
@key_option
@version_option
@portal_options
def snapshot(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, snapshot_name: str, key: str, version: int | None
) -> None:
    """Keep the system disk of DEPLOYMENT as it is now, as a snapshot NAME to go back to."""
    _act(portal, say, output, name_, "snapshot", {"name": snapshot_name}, key, version)


@click.command("delete-snapshot")
@deployment_argument
@click.argument("snapshot_name", metavar="SNAPSHOT")
@yes_option
@key_option
@version_option
@portal_options
def delete_snapshot(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, snapshot_name: str, yes: bool, key: str,
    version: int | None,
) -> None:  # fmt: skip
    """Delete SNAPSHOT (its name or id) of DEPLOYMENT."""
    found = found_deployment(portal, name_)
    values = {"snapshot": _snapshot_id(found, snapshot_name)}
    if not yes:
        asked = say.words(GOES).format(snapshot_name, found["summary"]["name"])
        click.confirm(asked, abort=True, err=True)
    _act(portal, say, output, name_, "delete_snapshot", values, key, version)


@click.command("revert")
@deployment_argument
@click.argument("snapshot_name", metavar="SNAPSHOT")
@yes_option
@key_option
@version_option
@portal_options
def revert(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, snapshot_name: str, yes: bool, key: str,
    version: int | None,
) -> None:  # fmt: skip
    """Make the system disk of DEPLOYMENT what it was in SNAPSHOT (its name or id)."""
    found = found_deployment(portal, name_)
    values = {"snapshot": _snapshot_id(found, snapshot_name)}
    _sure(say, found, yes=yes)
    _act(portal, say, output, name_, "revert", values, key, version)


@click.command("rebuild")
@deployment_argument
@yes_option
@key_option
@version_option
@portal_options
def rebuild(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, yes: bool, key: str, version: int | None
) -> None:
    """Put a new system on the system disk of DEPLOYMENT; its addresses and its data volume stay."""
    _sure(say, found_deployment(portal, name_), yes=yes)
    _act(portal, say, output, name_, "rebuild", {}, key, version)


@click.command("transfer")
@deployment_argument
@click.argument("person", metavar="PERSON")
@key_option
@version_option
@portal_options
def transfer(  # noqa: PLR0917 (its options)
    portal: Portal, say: Reader, output: str, name_: str, person: str, key: str, version: int | None
) -> None:
    """Hand DEPLOYMENT on to PERSON (an id; `show --output json` lists the possible ones)."""
    _act(portal, say, output, name_, "transfer", {"to": person}, key, version)


@click.command("console")
@deployment_argument
@portal_options
def console(portal: Portal, say: Reader, output: str, name_: str) -> None:
    """Show what the server of DEPLOYMENT printed last; that it was read is recorded."""
    id_ = found_deployment(portal, name_)["summary"]["id"]
    found = portal.read("deployments", id_, "console")
    show(output, found, plain(told(say, found["note"]) or found["text"]))


COMMANDS = (
    open_, close, reach, snapshot, snapshots, delete_snapshot, revert, rebuild, transfer, console,
)  # fmt: skip


def _act(  # noqa: PLR0917 (what a call needs)
    portal: Portal, say: Reader, output: str, name: str, action: str, values: dict[str, str], key: str,
    version: int | None,
) -> None:  # fmt: skip
    before = found_deployment(portal, name)
    summary = before["summary"]
    body = {"action": action, "version": version or before["version"], "values": values}
    portal.change("deployments", summary["id"], "actions", body=body, key=key)
    found = portal.read("deployments", summary["id"])
    line = Text.assemble(f"{summary['name']}  ", state(say, found["summary"]["state"]), f"  {action}")
    show(output, found, line)


def _sure(say: Reader, found: Any, *, yes: bool) -> None:
    if not yes:
        click.confirm(say.words(LOST).format(found["summary"]["name"]), abort=True, err=True)


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

"""`citycloud request`: asking for catalog items over the portal's API, and following what becomes of it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import click
import yaml
from rich.console import RenderableType
from rich.text import Text

from infra.cli.portal_client import DraftRefused, Portal, Source, draft_refused
from infra.cli.portal_view import (
    Row,
    day,
    found_request,
    key_option,
    limit_option,
    listing,
    moment,
    plain,
    portal_options,
    sheet,
    show,
    some,
    state,
    told,
    version_option,
)
from infra.domain.request import RequestState
from infra.domain.words import Words
from infra.errors import Problem
from infra.portal.language import Reader

ENDED = {"fulfilled", "failed", "rejected", "withdrawn", "returned"}
"""States in which a request stays until somebody does something."""
EXIT_NOT_FULFILLED = 5
LONGEST_FILE = 200_000
NUMBER, STATE, AGENCY = Words("Số", "Number"), Words("Trạng thái", "State"), Words("Cơ quan", "Agency")
WHAT, WHO = Words("Nội dung", "What"), Words("Người yêu cầu", "Asked by")
WAITS, DUE = Words("Đang chờ", "Waits for"), Words("Hạn xử lý", "Due")
HEADS = (NUMBER, STATE, AGENCY, WHAT, WHO, WAITS, DUE)
EMERGENCY = Words("KHẨN CẤP ", "EMERGENCY ")


@click.group()
def request() -> None:
    """Ask for catalog items, and follow what becomes of it."""


@request.command()
@click.argument("item", default="")
@portal_options
def catalog(*, portal: Portal, say: Reader, output: str, item: str) -> None:
    """What can be asked for: all items, or the parameters of ITEM."""
    items = portal.read("catalog")
    if not item:
        heads = [Words("Mục", "Item"), Words("Tên", "Name"), Words("Mô tả", "Summary")]
        rows = [[one["name"], told(say, one["label"]), told(say, one["summary"])] for one in items]
        show(output, {"items": items}, listing(say, heads, rows, False))
        return
    found = next((one for one in items if one["name"] == item), None)
    if found is None:
        names = ", ".join(one["name"] for one in items)
        raise click.BadParameter(f"the catalog has no {item}; it has: {names}", param_hint="ITEM")
    heads = [Words("Tham số", "Parameter"), Words("Tên", "Name"), Words("Giá trị", "Values")]
    rows = [[one["name"], told(say, one["label"]), _allowed(one)] for one in found["parameters"]]
    show(output, found, plain(told(say, found["summary"])), listing(say, heads, rows, False))


@request.command("list")
@click.option("--state", "wanted", type=click.Choice([str(one) for one in RequestState]), default=None,
              help="Only those in this state.")  # fmt: skip
@click.option("--agency", default="", metavar="CODE", help="Only those of this agency.")
@click.option("--mine", is_flag=True, help="Only what I asked for.")
@limit_option
@portal_options
def list_(
    *, portal: Portal, say: Reader, output: str, wanted: str | None, agency: str, mine: bool, limit: int
) -> None:
    """Requests that I may see, the newest first."""
    found = portal.every("requests", size=limit + 1, state=wanted or "", agency=agency, mine=mine)
    rows, more = some(found, limit)
    show(output, {"items": rows, "more": more}, summaries(say, rows, more))


@request.command("show")
@click.argument("name", metavar="REQUEST")
@portal_options
def show_(*, portal: Portal, say: Reader, output: str, name: str) -> None:
    """Show REQUEST (its number or id): what was asked for, decisions, progress."""
    found = found_request(portal, name)
    show(output, found, *request_parts(say, found))


@request.command()
@click.option("--file", "opened", type=click.File("r", encoding="utf-8"), required=True, metavar="FILE",
              help="YAML or JSON with items, purpose, end, legal_basis; - reads standard input.")  # fmt: skip
@click.option("--check", is_flag=True, help="Only say what it would take and what is wrong; hand in nothing.")
@click.option("--again", default="", metavar="REQUEST", help="Hand this returned request in again.")
@version_option
@key_option
@portal_options
def submit(
    *, portal: Portal, say: Reader, output: str, opened: TextIO, check: bool, again: str,
    version: int | None, key: str,
) -> None:  # fmt: skip
    """Hand in a request that is written in a file.

    items: a list of item, count and values (see `citycloud request catalog ITEM`); purpose; end: the last
    day, YYYY-MM-DD; legal_basis; emergency; agency: only where an operator asks for one.
    """
    source = read_draft(opened)
    if check:
        _check(portal, say, output, source)
        return
    if again:
        before = found_request(portal, again)
        body = {**source.document, "version": version or before["version"]}
        made = before["summary"]["id"]
        portal.change("requests", made, body=body, key=key, method="PUT", source=source)
    else:
        made = portal.change("requests", body=source.document, key=key, source=source)["id"]
    found = portal.read("requests", made)
    summary = found["summary"]
    line = Text.assemble(f"{summary['number']}  ", state(say, summary["state"]), "  ",
                         plain(told(say, summary["title"])))  # fmt: skip
    show(output, found, line, Text(f"citycloud request watch {summary['number']}", style="dim"))


@request.command()
@click.argument("name", metavar="REQUEST")
@version_option
@key_option
@portal_options
def withdraw(*, portal: Portal, say: Reader, output: str, name: str, version: int | None, key: str) -> None:
    """Withdraw REQUEST, which is not approved yet; what it held of the quota is free again."""
    _step(portal, say, output, name, "withdrawal", version=version, key=key)


@request.command()
@click.argument("name", metavar="REQUEST")
@version_option
@key_option
@portal_options
def retry(*, portal: Portal, say: Reader, output: str, name: str, version: int | None, key: str) -> None:
    """Try REQUEST again, which failed."""
    _step(portal, say, output, name, "retry", version=version, key=key)


@request.command()
@click.argument("name", metavar="REQUEST")
@portal_options
def watch(*, portal: Portal, say: Reader, output: str, name: str) -> int:
    """Follow REQUEST until it is done, or waits for somebody; exit code 5 unless it is fulfilled.

    Progress is on standard error, one line for each phase; the request as it ended on standard output.
    """
    found = found_request(portal, name)
    id_, seen = found["summary"]["id"], dict[str, str]()
    _progress(say, found, seen)
    if found["summary"]["state"] not in ENDED:
        for event in portal.events("requests", id_, "events"):
            if event["version"] != found["version"] or _moved(event, seen):
                found = portal.read("requests", id_)
                _progress(say, found, seen)
            if found["summary"]["state"] in ENDED:
                break
        found = portal.read("requests", id_)
        _progress(say, found, seen)
    show(output, found, *request_parts(say, found))
    return 0 if found["summary"]["state"] == RequestState.FULFILLED else EXIT_NOT_FULFILLED


def read_draft(opened: TextIO) -> Source:
    """The body that a file stands for. Raises DraftRefused for what is no such file at all; the fields are
    the portal's to judge.
    """
    name = getattr(opened, "name", "-")
    try:
        held = yaml.safe_load(opened.read(LONGEST_FILE))
        if not isinstance(held, Mapping):
            raise DraftRefused(
                [Problem(name, "", "", "it holds no request", "write items: and purpose: into it")]
            )
        return Source(name, {str(field): _plain(one, field == "items") for field, one in held.items()})
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as failed:
        why = f"neither YAML nor JSON ({' '.join(str(failed).split())})"
        way_out = "`citycloud request submit --help` says what it holds"
        raise DraftRefused([Problem(name, "", "", why, way_out)]) from failed


def _plain(value: Any, in_items: bool, in_values: bool = False) -> Any:
    """YAML's values as the API takes them: days as text, and all values of items as text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one, in_items, (in_items and name == "values") or in_values)
                for name, one in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_plain(one, in_items, in_values) for one in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    if in_values and isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if in_values and isinstance(value, int | float) else value


def _check(portal: Portal, say: Reader, output: str, source: Source) -> None:
    """Raises DraftRefused where something is wrong."""
    found = portal.change("previews", body=source.document, source=source)
    if found["problems"]:
        wrong = [(one["field"], told(say, one["told"])) for one in found["problems"]]
        raise draft_refused(source, wrong)
    show(output, found, quota_table(say, found["quota"]), cost_table(say, found["costs"]))


def _step(
    portal: Portal, say: Reader, output: str, name: str, verb: str, *, version: int | None, key: str
) -> None:
    before = found_request(portal, name)
    id_ = before["summary"]["id"]
    portal.change("requests", id_, verb, body={"version": version or before["version"]}, key=key)
    found = portal.read("requests", id_)
    summary = found["summary"]
    show(output, found, Text.assemble(f"{summary['number']}  ", state(say, summary["state"])))


def _moved(event: Row, seen: Mapping[str, str]) -> bool:
    return any(seen.get(one["name"]) != one["state"] for one in event["steps"])


def _progress(say: Reader, found: Row, seen: dict[str, str]) -> None:
    """A line for each step that is in another state than it was when one looked last."""
    for step in found["steps"]:
        before = seen.get(step["name"], "waiting")
        seen[step["name"]] = step["state"]
        if step["state"] != before:
            at = step["ended"] or step["started"]
            note = told(say, step["note"])
            line = [moment(say, at), told(say, step["label"]), state(say, step["state"]).plain, note]
            sys.stderr.write(plain("  ".join(one for one in line if one)).plain + "\n")
    sys.stderr.flush()


def summaries(say: Reader, rows: list[Row], more: bool) -> RenderableType:
    """Rows of requests as a table."""
    made: list[list[Text | str]] = []
    for one in rows:
        title = told(say, one["title"])
        what = Text.assemble((say.words(EMERGENCY) if one["emergency"] else "", "bold red"), plain(title))
        waits, due = told(say, one["waits_for"]), moment(say, one["due"])
        made.append(
            [one["number"], state(say, one["state"]), one["agency"], what, one["requester"], waits, due]
        )
    table: RenderableType = listing(say, HEADS, made, more)
    return table


def request_parts(say: Reader, found: Row) -> list[RenderableType]:
    """A request as a person reads it."""
    summary = found["summary"]
    facts = [
        (NUMBER, summary["number"]),
        (STATE, state(say, summary["state"])),
        (Words("Khẩn cấp", "Emergency"), say.words(Words("có", "yes")) if summary["emergency"] else ""),
        (Words("Lý do", "Reason"), told(say, found["failure"])),
        (AGENCY, told(say, summary["agency_name"])),
        (WHO, summary["requester"]),
        (Words("Mục đích", "Purpose"), summary["purpose"]),
        (Words("Căn cứ", "Legal basis"), found["legal_basis"]),
        (Words("Gửi lúc", "Handed in"), moment(say, summary["submitted"])),
        (Words("Ngày kết thúc", "End"), day(say, found["end"])),
        (WAITS, told(say, summary["waits_for"])),
        (DUE, moment(say, summary["due"])),
        *((WHAT, _item(say, one)) for one in found["items"]),
        *((Words("Quyết định", "Decision"), _decision(say, one)) for one in found["decisions"]),
        *((Words("Bước", "Step"), _step_line(say, one)) for one in found["steps"]),
        *((Words("Đã tạo", "Made"), one) for one in found["deployments"]),
        (Words("Có thể", "You may"), ", ".join(sorted(found["may"]))),
        (Words("Phiên bản", "Version"), str(found["version"])),
        (Words("Mã", "Id"), summary["id"]),
    ]
    return [sheet(say, facts)]


def quota_table(say: Reader, lines: list[Row]) -> RenderableType:
    """What there is of each resource, and what this takes."""
    heads = (Words("Hạn mức", "Quota"), Words("Giới hạn", "Limit"), Words("Đang dùng", "Used"),
             Words("Đã giữ chỗ", "Reserved"), Words("Yêu cầu này", "This takes"),
             Words("Còn lại", "Left"))  # fmt: skip
    rows: list[list[Text | str]] = []
    for one in lines:
        name, left = one["resource"], one["limit"] - one["used"] - one["reserved"] - one["takes"]
        amounts = [say.amount(name, one[field]) for field in ("limit", "used", "reserved", "takes")]
        rows.append(
            [say.resource(name), *amounts, Text(say.amount(name, left), "bold red" if left < 0 else "")]
        )
    table: RenderableType = listing(say, heads, rows, False)
    return table


def cost_table(say: Reader, costs: list[Row]) -> RenderableType:
    """The price of each part for 30 days, and their sum."""
    heads = (Words("Chi phí 30 ngày", "Cost of 30 days"), Words("Số tiền", "Amount"))
    rows = [(told(say, one["label"]), say.money(one["vnd_month"])) for one in costs]
    total = sum(one["vnd_month"] for one in costs)
    table: RenderableType = listing(
        say, heads, [*rows, (say.words(Words("Tổng", "Total")), say.money(total))], False
    )
    return table


def _allowed(parameter: Row) -> str:
    """What a parameter takes."""
    if parameter["choices"]:
        usual = parameter["default"]
        return " | ".join(
            f"[{one['value']}]" if one["value"] == usual else one["value"] for one in parameter["choices"]
        )
    if parameter["kind"] == "switch":
        return "true | false"
    bounds = [str(one) for one in (parameter["minimum"], parameter["maximum"]) if one is not None]
    said = [parameter["kind"], "..".join(bounds), parameter["pattern"]]
    said += [f"[{parameter['default']}]"] if parameter["default"] else []
    return " ".join(one for one in said if one) + ("" if parameter["required"] else " ?")


def _item(say: Reader, one: Row) -> str:
    if one["deployment"]:
        changes = [
            f"{told(say, label)}: {told(say, old)} → {told(say, new)}" for label, old, new in one["changes"]
        ]
        return f"{one['deployment']} ({'; '.join(changes)})"
    values = [f"{told(say, label)}: {told(say, value)}" for label, value in one["values"]]
    return f"{one['count']} × {told(say, one['label'])}" + (f" ({'; '.join(values)})" if values else "")


def _decision(say: Reader, one: Row) -> Text:
    said = [moment(say, one["at"]), one["stage"], one["by"]]
    return Text.assemble(plain("  ".join(said)), "  ", state(say, one["verdict"]), "  ", plain(one["reason"]))


def _step_line(say: Reader, one: Row) -> Text:
    word = state(say, one["state"])
    times = [moment(say, one["started"]), moment(say, one["ended"])]
    said = " – ".join(dict.fromkeys(time for time in times if time))
    return Text.assemble(plain(told(say, one["label"])), "  ", word, "  ", said, "  ",
                         plain(told(say, one["note"])))  # fmt: skip

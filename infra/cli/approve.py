"""`citycloud approve`: what waits for one's decision, the facts beside it, and the signature."""

from __future__ import annotations

from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from infra.cli.portal_client import Portal
from infra.cli.portal_view import (
    Row,
    found_request,
    key_option,
    limit_option,
    listing,
    plain,
    portal_options,
    sheet,
    show,
    some,
    state,
    told,
)
from infra.cli.request import cost_table, quota_table, request_parts, summaries
from infra.domain.words import Words
from infra.portal.language import Reader

UNKNOWN = Words("không rõ", "not known")


def decision_options(function: Any) -> Any:
    """--version, which has to be named: one decides on what one has read."""
    function = key_option(function)
    return click.option(
        "--version", type=click.IntRange(1), required=True, metavar="N",
        help="The version that `citycloud approve show` showed: one decides on what one has read.",
    )(function)  # fmt: skip


@click.group()
def approve() -> None:
    """Decide on requests, with the facts in front of you."""


@approve.command("list")
@limit_option
@portal_options
def list_(*, portal: Portal, say: Reader, output: str, limit: int) -> None:
    """Requests that wait for my decision, the most urgent first."""
    rows, more = some(portal.every("approvals", size=limit + 1), limit)
    show(output, {"items": rows, "more": more}, summaries(say, rows, more))


@approve.command("show")
@click.argument("name", metavar="REQUEST")
@portal_options
def show_(*, portal: Portal, say: Reader, output: str, name: str) -> None:
    """Show REQUEST with what there is to weigh: quota, capacity, cost, policies, similar requests."""
    found = found_request(portal, name)
    facts = portal.read("requests", found["summary"]["id"], "facts")
    show(
        output, {"request": found, "facts": facts}, *request_parts(say, found), *fact_parts(say, facts),
        *_next(found),
    )  # fmt: skip


@approve.command("approve")
@click.argument("name", metavar="REQUEST")
@click.option("--reason", default="", metavar="TEXT", help="Why; everybody who sees the request reads it.")
@decision_options
@portal_options
def approve_(
    *, portal: Portal, say: Reader, output: str, name: str, reason: str, version: int, key: str
) -> None:
    """Sign REQUEST."""
    _decide(portal, say, output, name, "approve", reason=reason, version=version, key=key)


@approve.command()
@click.argument("name", metavar="REQUEST")
@click.option("--reason", required=True, metavar="TEXT", help="Why; everybody who sees the request reads it.")
@decision_options
@portal_options
def reject(
    *, portal: Portal, say: Reader, output: str, name: str, reason: str, version: int, key: str
) -> None:
    """Reject REQUEST for good."""
    _decide(portal, say, output, name, "reject", reason=reason, version=version, key=key)


@approve.command("return")
@click.argument("name", metavar="REQUEST")
@click.option("--reason", required=True, metavar="TEXT", help="What has to be changed.")
@decision_options
@portal_options
def return_(
    *, portal: Portal, say: Reader, output: str, name: str, reason: str, version: int, key: str
) -> None:
    """Give REQUEST back to who asked for it, to be changed and handed in again."""
    _decide(portal, say, output, name, "return", reason=reason, version=version, key=key)


def _decide(
    portal: Portal, say: Reader, output: str, name: str, verdict: str, *, reason: str, version: int, key: str
) -> None:
    id_ = found_request(portal, name)["summary"]["id"]
    body = {"verdict": verdict, "reason": reason, "version": version}
    portal.change("requests", id_, "decision", body=body, key=key)
    found = portal.read("requests", id_)
    summary = found["summary"]
    waits = told(say, summary["waits_for"])
    show(output, found, Text.assemble(f"{summary['number']}  ", state(say, summary["state"]), f"  {waits}"))


def fact_parts(say: Reader, facts: Row) -> list[RenderableType]:
    """What an approver weighs."""
    capacity = facts["capacity"]
    room = [
        (Words("Đám mây còn chứa được", "The cloud would hold"), _count(say, capacity["before"])),
        (Words("Sau yêu cầu này", "After this"), _count(say, capacity["after"])),
        (
            Words("Khi mất máy chủ lớn nhất", "With its largest server gone"),
            _count(say, capacity["after_n_1"]),
        ),
        (Words("Ghi chú", "Note"), told(say, capacity["note"])),
        (Words("Duyệt tự động (chạy thử)", "Automatic approval (trial)"), told(say, facts["shadow"])),
    ]
    policies = [(told(say, one["name"]), state(say, one["outcome"]), told(say, one["reason"]))
                for one in facts["policies"]]  # fmt: skip
    heads = (Words("Quy định", "Policy"), Words("Kết quả", "Result"), Words("Vì sao", "Why"))
    parts: list[RenderableType] = [
        Text(""), quota_table(say, facts["quota"]),
        Text(""), cost_table(say, facts["costs"]),
        Text(""), listing(say, heads, policies, False),
        Text(""), sheet(say, room),
    ]  # fmt: skip
    if facts["similar"]:
        title = Text(say.words(Words("Yêu cầu tương tự", "Similar requests")), style="bold")
        parts += [Text(""), title, summaries(say, facts["similar"], False)]
    return parts


def _count(say: Reader, given: int | None) -> str:
    return say.words(UNKNOWN) if given is None else say.number(given)


def _next(found: Row) -> list[RenderableType]:
    """The command that decides on exactly this, where the person may."""
    if "decide" not in found["may"]:
        return []
    number, version = found["summary"]["number"], found["version"]
    return [
        Text(""),
        plain(f"citycloud approve approve|reject|return {number} --version {version} --reason …"),
    ]

"""What `citycloud request`, `approve` and `deployment` share: their options, and how people read answers.

Texts of the API that exist in both languages are shown in the reader's; so are labels of these commands.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli.output import emit, output_option
from infra.cli.portal_client import Portal, PortalRefused, token_of
from infra.domain.words import Words
from infra.portal.language import ENGLISH, STATES, VIETNAMESE, Reader, deployment_state
from infra.portal.wiring import ZONE

F = TypeVar("F", bound=Callable[..., Any])
Row = Mapping[str, Any]
STYLES = {"good": "green", "warn": "yellow", "bad": "bold red", "busy": "cyan"}
UNBOUNDED = 200
"""Columns where no terminal says how wide it is: a program that reads the text gets whole lines."""
MORE = Words("còn nữa: tăng --limit", "there are more: raise --limit")
NOTHING_FOUND = Words("không có gì", "nothing found")


def portal_options(function: F) -> F:
    """--portal, --ca, --token-file, --language, --output; the command gets `portal` (Portal), `say` (Reader)
    and `output`.
    """

    @functools.wraps(function)
    def called(
        *args: Any, portal: str, ca: Path | None, token_file: Path | None, language: str | None, **more: Any
    ) -> Any:
        code = language or _language(os.environ)
        with Portal(portal, token_of(token_file), ca=ca, language=code) as found:
            return function(*args, portal=found, say=Reader(code, ZONE), **more)

    made: Any = output_option(called)
    for option in reversed((
        click.option("--portal", envvar="CITYCLOUD_PORTAL", default="", metavar="URL", show_envvar=True,
                     help="Address of the portal."),
        click.option("--ca", envvar="CITYCLOUD_PORTAL_CA", show_envvar=True, metavar="FILE",
                     type=click.Path(path_type=Path),
                     help="Certificate (PEM) of the authority to trust instead of the system's."),
        click.option("--token-file", envvar="CITYCLOUD_PORTAL_TOKEN_FILE", show_envvar=True, metavar="FILE",
                     type=click.Path(path_type=Path),
                     help="File with the token, which nobody else can read (mode 0600)."),
        click.option("--language", envvar="CITYCLOUD_LANGUAGE", type=click.Choice([VIETNAMESE, ENGLISH]),
                     help="Language of answers; by default the terminal's."),
    )):  # fmt: skip
        made = option(made)
    return made  # type: ignore[no-any-return]


def key_option(function: F) -> F:
    """--key, as parameter `key`."""
    return click.option(
        "--key", default="", metavar="KEY",
        help="Idempotency key: the same call with the same key does its work once. By default a new one.",
    )(function)  # fmt: skip


def version_option(function: F) -> F:
    """--version, as parameter `version`."""
    return click.option(
        "--version", type=click.IntRange(1), metavar="N",
        help="Only if it is still at this version, which `show` tells; by default at what it is now.",
    )(function)  # fmt: skip


def limit_option(function: F) -> F:
    """--limit, as parameter `limit`."""
    return click.option(
        "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True,
        help="At most so many, the newest.",
    )(function)  # fmt: skip


def found_request(portal: Portal, name: str) -> Row:
    """A request by its id, or by the number that people write (YC-2026-000012)."""
    id_ = name
    if name.upper().startswith("YC-"):
        wanted = name.upper()
        for row in portal.every("requests"):
            if row["number"] == wanted:
                id_ = row["id"]
                break
            if row["number"][-6:] < wanted[-6:]:
                break
    found: Row = portal.read("requests", id_)
    return found


def found_deployment(portal: Portal, name: str) -> Row:
    """A deployment by its id, or by its name where only one that one sees has it. Raises PortalRefused."""
    try:
        found: Row = portal.read("deployments", name)
    except PortalRefused as refused:
        if refused.code != "not_found":
            raise
        named = [row for row in portal.every("deployments") if row["name"] == name]
        if not named:
            raise
        if len(named) > 1:
            which = ", ".join(f"{one['id']} ({one['agency']})" for one in named)
            raise PortalRefused("name_not_unique", f"several have the name {name}; say which: {which}") from (
                refused
            )
        found = portal.read("deployments", named[0]["id"])
    return found


def some(rows: Iterator[Row], limit: int) -> tuple[list[Row], bool]:
    """The first `limit` rows, and whether there are more."""
    taken = list(islice(rows, limit + 1))
    return taken[:limit], len(taken) > limit


def show(output: str, document: object, *parts: RenderableType) -> None:
    """A result: the API's own document for programs, `parts` one under the other for people."""
    if output == "json":
        emit(output, document, str)
        return
    console = Console(
        highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else UNBOUNDED, emoji=False,
        markup=False,
    )  # fmt: skip
    for part in parts:
        console.print(part)


def listing(say: Reader, heads: Sequence[Words], rows: Iterable[Sequence[Text | str]], more: bool) -> Any:
    """A table of a list, or the word that there is nothing."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(say.words(head), overflow="fold")
    for row in rows:
        table.add_row(*(one if isinstance(one, Text) else plain(one) for one in row))
    if not table.row_count:
        return Text(say.words(NOTHING_FOUND))
    if more:
        table.caption, table.caption_justify = say.words(MORE), "left"
    return table


def sheet(say: Reader, facts: Iterable[tuple[Words, Text | str]]) -> Table:
    """Labels and what stands behind them; what is empty is left out."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in facts:
        if value:
            table.add_row(say.words(label), value if isinstance(value, Text) else plain(value))
    return table


def plain(text: str) -> Text:
    """A text that somebody entered: it cannot move the cursor or colour the terminal."""
    return Text(
        "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)
    )


def state(say: Reader, name: str) -> Text:
    """A state by its word; colour only repeats it."""
    word, grade = STATES.get(name, (name, ""))
    return Text(say.say(word), style=STYLES.get(grade, ""))


def standing(say: Reader, deployment: Row) -> Text:
    """The state of a deployment's summary: whether it runs, too."""
    return state(say, deployment_state(deployment["state"], deployment["power"]))


def told(say: Reader, words: Mapping[str, str]) -> str:
    """A text of the API that exists in both languages."""
    return say.words(Words(words["vi"], words["en"]))


def moment(say: Reader, text: str | None) -> str:
    """A time of the API as the city's clocks show it."""
    return say.moment(dt.datetime.fromisoformat(text)) if text else ""


def day(say: Reader, text: str | None) -> str:
    return say.day(dt.date.fromisoformat(text)) if text else ""


def _language(environment: Mapping[str, str]) -> str:
    """As the terminal says; English where it says nothing that is known."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name, ""):
            return VIETNAMESE if value.lower().startswith("vi") else ENGLISH
    return ENGLISH

"""What all pages share: the document with its navigation, tiles, tables, words for states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from monitoring.pages.language import LANGUAGES, NAMES, Language
from monitoring.pages.markup import Content, Markup, el, text

GOOD, WARN, BAD = "good", "warn", "bad"
THEMES = ("dark", "light")
REFRESH_SECONDS = 30
_SIGNS = {GOOD: "✔", WARN: "▲", BAD: "✘"}
OPERATIONS, CAPACITY, AGENCIES, SLOS = "/", "/capacity", "/agency", "/slo"


@dataclass(frozen=True)
class Look:
    """How a reader wants a page. `root` is what the portal puts in front of paths; `embedded` leaves out the
    document and the navigation; `problem` is said before all else."""

    say: Language
    path: str
    theme: str = ""
    refresh: bool = False
    root: str = ""
    embedded: bool = False
    problem: str = ""

    def link(self, path: str, *, language: str = "", refresh: bool | None = None) -> str:
        """A path of ours with what the reader chose."""
        given = [f"lang={language or self.say.code}"]
        if self.theme:
            given.append(f"theme={self.theme}")
        if self.refresh if refresh is None else refresh:
            given.append("refresh=1")
        return f"{self.root}{path}?{'&'.join(given)}"


@dataclass(frozen=True)
class Column:
    """`kind`: "" text, num for numbers, head what the row is about, wide what needs a phone's whole width."""

    title: str
    kind: str = ""


def document(look: Look, site: str, title: str, content: Content) -> Markup:
    """The page, whole or as the portal embeds it (its style is `style()`)."""
    problem = verdict(BAD, look.problem) if look.problem else None
    header = None if look.embedded else _header(look, site)
    main = el("div", header, el("main", problem, content), class_="ops", lang=look.say.code)
    if look.embedded:
        return main
    refresh = el("meta", http_equiv="refresh", content=REFRESH_SECONDS) if look.refresh else None
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        refresh,
        el("title", f"{title} · City Cloud {site}"),
        el("style", style()),
    )
    return Markup("<!doctype html>") + el(  # type: ignore[return-value]
        "html", head, el("body", main), lang=look.say.code, data_theme=look.theme or None
    )


def style() -> Markup:
    """The style sheet of all pages."""
    return Markup(resources.files("monitoring.pages").joinpath("style.css").read_text(encoding="utf-8"))


def _header(look: Look, site: str) -> Markup:
    say = look.say
    places = (
        (OPERATIONS, say("Operations", "Vận hành")),
        (CAPACITY, say("Capacity", "Tài nguyên")),
        (AGENCIES, say("Agencies", "Cơ quan")),
        (SLOS, say("SLOs", "Cam kết (SLO)")),
    )
    links = [
        el("a", name, href=look.link(path), aria_current="page" if _here(look.path, path) else None)
        for path, name in places
    ]
    languages = [
        el("a", NAMES[code], href=look.link(look.path, language=code), lang=code, hreflang=code)
        for code in LANGUAGES
        if code != say.code
    ]
    turn = look.link(look.path, refresh=not look.refresh)
    renewing = (
        say("stop renewing", "dừng tự làm mới")
        if look.refresh
        else say(f"renew every {REFRESH_SECONDS} s", f"tự làm mới mỗi {REFRESH_SECONDS} giây")
    )
    return el(
        "header",
        el("strong", f"City Cloud {site}"),
        el("nav", links, aria_label=say("Pages", "Các trang")),
        el("span", languages, " · ", el("a", renewing, href=turn), class_="tools"),
    )


def _here(path: str, place: str) -> bool:
    return path == place or (place == AGENCIES and path.startswith(AGENCIES + "/"))


def heading(look: Look, title: str, taken: float, lead: str = "") -> list[Markup]:
    """The page's title, and of when it is."""
    asof = look.say(f"As of {look.say.moment(taken)}", f"Số liệu lúc {look.say.moment(taken)}")
    return [el("h1", title), el("p", f"{lead} {asof}.".strip(), class_="asof")]


def verdict(grade: str, words: str) -> Markup:
    return el("p", f"{_SIGNS[grade]} {words}", class_=f"verdict {grade}", role="status")


def status(grade: str, word: str) -> Markup:
    """A state: sign, word and colour."""
    return el("span", f"{_SIGNS[grade]} {word}" if grade else f"– {word}", class_=f"status {grade}".strip())


def tiles(entries: Iterable[tuple[str, Content, Content, str]]) -> Markup:
    """(what, how much, small print, grade)."""
    return el(
        "dl",
        [
            el(
                "div",
                el("dt", name),
                el("dd", value, el("small", note) if note else None, class_=grade or None),
                class_="tile",
            )
            for name, value, note, grade in entries
        ],
        class_="tiles",
    )


def table(columns: Sequence[Column], rows: Iterable[Sequence[Content]], caption: str = "") -> Markup:
    """A table that becomes cards on a phone."""
    head = el("tr", [el("th", c.title, class_=c.kind or None, scope="col") for c in columns])
    body = [
        el(
            "tr",
            [
                el("td", _wrapped(column, cell), class_=column.kind or None, data_label=column.title)
                for column, cell in zip(columns, row, strict=True)
            ],
        )
        for row in rows
    ]
    return el("table", el("thead", head), el("tbody", body), class_="stack", aria_label=caption or None)


def _wrapped(column: Column, cell: Content) -> Content:
    """One child for each cell, so that a card has label and value."""
    made = text(cell)
    return el("span", made) if made and column.kind != "wide" else made


def section(title: str, *content: Content) -> Markup:
    return el("section", el("h2", title), content)

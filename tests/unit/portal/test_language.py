"""The reader's language: nothing is missing in Vietnamese, and figures are as its readers write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from infra.domain.words import Words
from infra.portal.language import Reader
from tests.unit.portal.catalog_reading import PORTAL, messages

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
VI, EN = Reader("vi", ZONE), Reader("en", ZONE)
WITH = re.compile(r"%\(\w+\)s|%s")


def known() -> dict[str, str]:
    with (PORTAL / "locale/vi.po").open("rb") as source:
        found = read_po(source, locale="vi")
    return {
        message.id[0] if isinstance(message.id, tuple) else message.id:
        message.string[0] if isinstance(message.string, tuple) else message.string
        for message in found if message.id
    }  # fmt: skip


def said() -> dict[str, str]:
    return {text[0] if isinstance(text, tuple) else text: f"{file}:{line}" for file, line, text in messages()}


def test_every_text_of_pages_and_code_is_in_the_vietnamese_catalog() -> None:
    catalog = known()
    assert {text: place for text, place in said().items() if not catalog.get(text)} == {}


def test_the_catalog_holds_nothing_that_is_said_no_more() -> None:
    assert set(known()) - set(said()) == set()


def test_a_translation_takes_the_values_that_its_text_takes() -> None:
    singular = "One thing is not right yet:"
    strange = {
        text for text, translated in known().items()
        if text != singular and set(WITH.findall(text)) != set(WITH.findall(translated))
    }  # fmt: skip
    assert strange == set()


def test_no_template_writes_words_that_are_not_in_the_catalog() -> None:
    bare = {}
    for template in (PORTAL / "templates").glob("*.html"):
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", template.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"<!doctype html>|<(\w+|/\w+)(\"[^\"]*\"|'[^']*'|[^>\"'])*>", " ", text, flags=re.S)
        text = re.sub(r"[\w-]+=\"[^\"]*\"", " ", text)  # attributes that a macro writes
        words = set(re.findall(r"[^\W\d_]{3,}", text)) - {"City", "Cloud"}
        if words:
            bare[template.name] = words
    assert bare == {}


def test_dates_times_and_numbers_are_written_as_the_reader_writes_them() -> None:
    moment = datetime(2026, 11, 5, 18, 30, tzinfo=UTC)
    assert (VI.moment(moment), EN.moment(moment)) == ("01:30 06/11/2026", "01:30, 6 Nov 2026")
    assert (VI.day(date(2026, 11, 5)), EN.day(date(2026, 11, 5))) == ("05/11/2026", "5 Nov 2026")
    assert (VI.number(12345.5), EN.number(12345.5)) == ("12.345,5", "12,345.5")
    assert VI.money(1_234_567) == "1.234.567\N{NO-BREAK SPACE}₫"
    assert (VI.percent(0.995), EN.percent(0.995)) == ("99,5%", "99.5%")
    assert VI.amount("ram_mib", 12288) == "12 GiB"


def test_a_text_in_both_languages_is_shown_in_the_readers() -> None:
    assert (VI.words(Words("một", "one")), EN.words(Words("một", "one"))) == ("một", "one")


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [(0, "0 giây", "0 seconds"), (59, "59 giây", "59 seconds"), (95, "1 phút 35 giây", "1 minute 35 seconds"),
     (3600, "1 tiếng", "1 hour"), (93_600, "1 ngày 2 tiếng", "1 day 2 hours")],
)  # fmt: skip
def test_how_long_something_took_is_told_by_its_two_largest_units(seconds: int, vi: str, en: str) -> None:
    assert (VI.age(timedelta(seconds=seconds)), EN.age(timedelta(seconds=seconds))) == (vi, en)


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [(0, "0 giây", "0 seconds"), (18000, "5 tiếng", "5 hours"), (31 * 86400, "31 ngày", "31 days"),
     (90061, "1 ngày 1 tiếng", "1 day 1 hour")],
)  # fmt: skip
def test_how_long_something_was_is_told_without_months_that_are_no_measure(
    seconds: int, vi: str, en: str
) -> None:
    assert (VI.lasted(timedelta(seconds=seconds)), EN.lasted(timedelta(seconds=seconds))) == (vi, en)

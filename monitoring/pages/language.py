"""A page's language: words, numbers and times as its reader writes them.

Each text stands in the code in both languages side by side, so that none can be missing.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

ENGLISH, VIETNAMESE = "en", "vi"
LANGUAGES = (VIETNAMESE, ENGLISH)
NAMES = {ENGLISH: "English", VIETNAMESE: "Tiếng Việt"}
KIB = 1024.0
_AGES = ((86400, "d", "ngày"), (3600, "h", "giờ"), (60, "min", "phút"), (1, "s", "giây"))


@dataclass(frozen=True)
class Language:
    """`code` en or vi; `offset` is the site's time less UTC, in hours (Vietnam has no summer time)."""

    code: str
    offset: float = 7.0

    def __call__(self, english: str, vietnamese: str) -> str:
        """The text of this language."""
        return vietnamese if self.code == VIETNAMESE else english

    def number(self, value: float, decimals: int = 0) -> str:
        """`1,234.5`, in Vietnamese `1.234,5`."""
        text = f"{value:,.{decimals}f}"
        if self.code == VIETNAMESE:
            return text.translate(str.maketrans(",.", ".,"))
        return text

    def percent(self, ratio: float, decimals: int = 0) -> str:
        """A ratio as percent. What is not all or nothing does not read so."""
        shown = round(ratio * 100, decimals)
        step = 10.0**-decimals
        if shown >= 100 > ratio * 100:
            shown = 100 - step
        if shown == 0 < ratio:
            shown = step
        return self.number(shown, decimals) + self("%", " %")

    def bytes(self, value: float) -> str:
        """With a unit that leaves one to four digits."""
        size, unit = scale_of(value)
        scaled = value / size
        return f"{self.number(scaled, 1 if scaled < 10 and scaled % 1 else 0)} {unit}"

    def age(self, seconds: float) -> str:
        """`12 min`, `12 phút`."""
        seconds = max(0.0, seconds)
        for size, english, vietnamese in _AGES:
            if seconds >= 2 * size or size == 1:
                return f"{self.number(seconds / size)} {self(english, vietnamese)}"
        raise AssertionError("the last size takes everything")

    def days(self, days: float) -> str:
        """`41 days`; days that do not end within ten years are said so."""
        if math.isinf(days):
            return self("not in ten years", "không trong 10 năm")
        return f"{self.number(days)} {self('days', 'ngày')}"

    def seconds(self, value: float) -> str:
        """A short time: `180 ms`, `2.4 s`."""
        if value < 1:
            return f"{self.number(value * 1000)} ms"
        return f"{self.number(value, 1)} {self('s', 'giây')}"

    def clock(self, moment: float) -> str:
        """`03:12`."""
        return f"{self._local(moment):%H:%M}"

    def date(self, moment: float) -> str:
        """`27 Nov`, `27/11`."""
        local = self._local(moment)
        return self(f"{local.day} {_MONTHS[local.month - 1]}", f"{local:%d/%m}")

    def moment(self, moment: float) -> str:
        """Date and time, with the zone."""
        return f"{self.date(moment)} {self.clock(moment)} (UTC{self.offset:+g})"

    def midnight(self, moment: float) -> float:
        """The beginning of the moment's day."""
        local = self._local(moment).replace(hour=0, minute=0, second=0, microsecond=0)
        return local.timestamp()

    def _local(self, moment: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(moment, dt.timezone(dt.timedelta(hours=self.offset)))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def scale_of(value: float) -> tuple[float, str]:
    """The binary unit in which a number of bytes is read: (bytes, name)."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB")):
        if abs(value) >= KIB**power * (10 if power == 4 else 1):
            return KIB**power, unit
    return (KIB, "KiB") if abs(value) >= KIB else (1.0, "B")


def accepted(header: str, default: str) -> str:
    """The first language of an Accept-Language header that the pages have."""
    for part in header.split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return default

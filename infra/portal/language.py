"""The reader's language: texts, dates, numbers and money as they write them. Vietnamese unless they chose
English: an office's computer often speaks English although its clerk does not.

Texts in templates and code are English and the key of the catalog `locale/vi.po`, which is read as it stands.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from babel import dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from infra.domain.words import Words

VIETNAMESE, ENGLISH = "vi", "en"
LANGUAGES = {VIETNAMESE: "Tiếng Việt", ENGLISH: "English"}
_LOCALES = {VIETNAMESE: "vi_VN", ENGLISH: "en_GB"}
_PATTERNS = {VIETNAMESE: ("dd/MM/yyyy", "HH:mm dd/MM/yyyy"), ENGLISH: ("d MMM yyyy", "HH:mm, d MMM yyyy")}
MIB_PER_GIB = 1024
MIB = 1024**2


@cache
def catalog(code: str) -> gettext.NullTranslations:
    """The translations of a language; English is what the texts are written in."""
    if code == ENGLISH:
        return NullTranslations()
    source = resources.files("infra.portal").joinpath(f"locale/{code}.po").read_bytes()
    made = io.BytesIO()
    write_mo(made, read_po(io.BytesIO(source), locale=code))
    made.seek(0)
    return Translations(made)


@dataclass(frozen=True)
class Reader:
    """`zone` is where the city is: times are shown as its clocks show them."""

    code: str
    zone: ZoneInfo

    def say(self, text: str) -> str:
        """A text of the catalog."""
        return catalog(self.code).gettext(text)

    def words(self, words: Words) -> str:
        """A text that exists in both languages already."""
        return words.vi if self.code == VIETNAMESE else words.en

    def day(self, given: date | None) -> str:
        return _day(given, self.code) if given else ""

    def moment(self, given: datetime | None) -> str:
        return _moment(given, self.code, self.zone) if given else ""

    def age(self, given: timedelta) -> str:
        """How long something took or has lasted, by its two largest units."""
        seconds = max(0, int(given.total_seconds()))
        parts: list[str] = []
        for unit in (86400, 3600, 60, 1):
            whole, seconds = divmod(seconds, unit)
            if whole or (unit == 1 and not parts):
                one = timedelta(seconds=whole * unit)
                parts.append(dates.format_timedelta(one, "second", threshold=1, locale=_LOCALES[self.code]))
        return " ".join(parts[:2])

    def number(self, given: float) -> str:
        return numbers.format_decimal(given, locale=_LOCALES[self.code])

    def money(self, dong: int) -> str:
        return numbers.format_currency(dong, "VND", locale=_LOCALES[self.code])

    def percent(self, ratio: float) -> str:
        return numbers.format_percent(ratio, "#,##0.##%", locale=_LOCALES[self.code])

    def amount(self, resource: str, given: int) -> str:
        """So much of a resource of `infra.domain.quota`, with its unit where it has one."""
        if resource == "ram_mib":
            return f"{self.number(given / MIB_PER_GIB)} GiB"
        return f"{self.number(given)} GiB" if resource == "gigabytes" else self.number(given)

    def size(self, given: int) -> str:
        """Bytes, as people count them."""
        mib = given / MIB
        return f"{self.number(round(mib / 1024, 1))} GiB" if mib >= 1024 else f"{self.number(round(mib))} MiB"

    def resource(self, name: str) -> str:
        """What a resource of a quota is called."""
        label = RESOURCES.get(name)
        return self.say(label) if label else name


@lru_cache(maxsize=4096)
def _day(given: date, code: str) -> str:
    """Lists show the same days again and again, and each takes as long as a row of the database."""
    return dates.format_date(given, _PATTERNS[code][0], _LOCALES[code])


@lru_cache(maxsize=4096)
def _moment(given: datetime, code: str, zone: ZoneInfo) -> str:
    return str(dates.format_datetime(given, _PATTERNS[code][1], tzinfo=zone, locale=_LOCALES[code]))


def N_(text: str) -> str:  # noqa: N802  (gettext's own name, which the extraction looks for)
    """Marks a text for the catalog where it is written but not shown."""
    return text


RESOURCES = {
    "instances": N_("Servers"),
    "cores": N_("Processor cores"),
    "ram_mib": N_("Memory"),
    "volumes": N_("Volumes"),
    "gigabytes": N_("Disk space"),
    "floating_ips": N_("Public addresses"),
    "networks": N_("Networks"),
    "routers": N_("Routers"),
    "security_groups": N_("Security groups"),
    "ports": N_("Network ports"),
}
MAIN_RESOURCES = ("instances", "cores", "ram_mib", "gigabytes", "floating_ips")
"""What everybody is shown of a quota; the rest where a request takes of it, or it is passed."""
STATES = {
    "submitted": (N_("Waiting for approval"), "warn"),
    "returned": (N_("Returned to you"), "warn"),
    "approved": (N_("Approved, being made"), "busy"),
    "rejected": (N_("Rejected"), "bad"),
    "withdrawn": (N_("Withdrawn"), ""),
    "fulfilled": (N_("Done"), "good"),
    "failed": (N_("Failed"), "bad"),
    "provisioning": (N_("Being made"), "busy"),
    "active": (N_("Running"), "good"),
    "off": (N_("Switched off"), ""),
    "suspended": (N_("Stopped and locked"), "warn"),
    "retiring": (N_("Being retired"), "warn"),
    "retired": (N_("Retired"), ""),
    "up": (N_("Up"), "good"),
    "degraded": (N_("Degraded"), "warn"),
    "down": (N_("Down"), "bad"),
    "unknown": (N_("Not known"), ""),
    "waiting": (N_("Waiting"), ""),
    "running": (N_("In progress"), "busy"),
    "done": (N_("Finished"), "good"),
    "pass": (N_("Kept"), "good"),
    "warn": (N_("Take care"), "warn"),
    "fail": (N_("Broken"), "bad"),
    "wanted": (N_("In progress"), "busy"),
    "ready": (N_("Ready to go back to"), "good"),
    "leaving": (N_("Being deleted"), "busy"),
    "coming": (N_("Not begun yet"), ""),
    "in_force": (N_("In force"), "good"),
    "ended": (N_("Ended"), ""),
    "revoked": (N_("Revoked"), ""),
    "void": (N_("Does not count: its giver has the role no more"), "bad"),
    "justified": (N_("Justified"), "good"),
    "unjustified": (N_("Not justified"), "bad"),
    "approve": (N_("Approve"), "good"),
    "reject": (N_("Reject"), "bad"),
    "return": (N_("Return for changes"), "warn"),
}
"""State of anything -> (what it is called, how good that is: good, warn, bad, busy or nothing)."""


def deployment_state(state: str, power: str) -> str:
    """Its name in STATES: what is in use, but was switched off by its people, does not run."""
    return "off" if (state, power) == ("active", "off") else state


ROLES = {
    "member": N_("member"),
    "approver": N_("approver"),
    "operator": N_("operator"),
    "auditor": N_("auditor"),
}
STAGES = {
    "agency": N_("for the agency"),
    "city": N_("for the city"),
}
ACTIONS = {
    "start": N_("Start"),
    "stop": N_("Stop"),
    "reboot": N_("Restart"),
    "renew": N_("Renew"),
    "restore": N_("Restore from the archive"),
    "retire": N_("Give back"),
    "hold": N_("Put on legal hold"),
    "unhold": N_("End the legal hold"),
}
DETAILED_ACTIONS = {
    "open": N_("Open"),
    "close": N_("Close"),
    "snapshot": N_("Take a snapshot"),
    "delete_snapshot": N_("Delete the snapshot"),
    "rebuild": N_("Make the system disk new"),
    "revert": N_("Go back to the snapshot"),
    "transfer": N_("Hand on"),
}
"""Those for which more is entered than a press of a button."""
SCOPES = {
    "read": N_("Read"),
    "request": N_("Make requests"),
    "approve": N_("Decide on requests"),
    "operate": N_("Start, stop and give back"),
}
Say = Callable[[str], str]

"""The request form: what was entered, as it was entered, and the draft that it makes.

A field's name is the path that `FieldProblem` names: `items[0].values.size`. The form holds several items, so
it can be sent to have one more, one less, or only looked at; that needs no script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from infra.domain.words import Words
from infra.portal.interface import Deployment, Draft, FieldProblem, Item, Kind, Line

MAX_ITEMS = 20
PLAIN = ("purpose", "end", "legal_basis", "emergency")
_VALUE = re.compile(r"items\[(\d{1,2})\]\.(item|count|deployment|version|values\.([a-z0-9_-]{1,63}))")


@dataclass(frozen=True)
class Entered:
    """`fields` are texts by name; `items` the names of the items, in order."""

    items: tuple[str, ...]
    fields: Mapping[str, str]

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> Entered:
        """What a browser sent; fields that are no field of the form are left out."""
        places = sorted(
            (int(found[1]), value) for name, value in form.items()
            if (found := _VALUE.fullmatch(name)) and found[2] == "item"
        )  # fmt: skip
        made = cls((), {name: form[name] for name in PLAIN if name in form})
        for place, item in places[:MAX_ITEMS]:
            prefix = f"items[{place}]."
            given = {name[len(prefix) :]: value for name, value in form.items() if name.startswith(prefix)}
            made = made._with(item, given)
        return made

    @classmethod
    def of_draft(cls, draft: Draft) -> Entered:
        """What somebody entered before, to be changed."""
        made = cls((), {
            "purpose": draft.purpose, "legal_basis": draft.legal_basis,
            "end": draft.end.isoformat() if draft.end else "",
            **({"emergency": "true"} if draft.emergency else {}),
        })  # fmt: skip
        for line in draft.items:
            values = {f"values.{name}": value for name, value in line.values.items()}
            made = made._with(line.item, {"count": str(line.count), **values})
        return made

    @classmethod
    def of_deployment(cls, found: Deployment) -> Entered:
        """What can be changed of a deployment, as it is."""
        values = {f"values.{one.name}": found.values.get(one.name, "") for one in found.changes}
        about = {"deployment": found.summary.id, "version": str(found.version)}
        return cls((), {})._with(found.item, {**about, **values})

    def over(self, draft: Draft, values: Mapping[str, str]) -> Entered:
        """A form of one line with these values and what else was entered before."""
        texts = Entered.of_draft(replace(draft, items=())).fields
        return Entered(
            self.items,
            {**self.fields, **texts, **{f"items[0].values.{name}": told for name, told in values.items()}},
        )

    def plus(self, item: Item) -> Entered:
        """One more item, with its usual values."""
        usual = {f"values.{one.name}": one.default for one in item.parameters if one.default}
        return self._with(item.name, {"count": "1", **usual})

    def filled(self, name: str, value: str) -> Entered:
        """With another value in one field."""
        return Entered(self.items, {**self.fields, name: value})

    def asks_for_key(self, name: str, items: Sequence[Item]) -> bool:
        """Whether this is the name of a field for an SSH key in this form."""
        return name in dict(self.key_fields(items))

    def key_fields(self, items: Sequence[Item]) -> list[tuple[str, str]]:
        """(name, value) of each field for an SSH key."""
        known = {item.name: item for item in items}
        names = [
            f"items[{at}].values.{one.name}"
            for at, item in enumerate(self.items) if item in known
            for one in known[item].parameters if one.kind is Kind.SSH_KEY
        ]  # fmt: skip
        return [(name, self.value(name)) for name in names]

    def with_key(self, key: str, items: Sequence[Item]) -> Entered:
        """With this key in each field for one that is still empty."""
        empty = {name: key for name, value in self.key_fields(items) if not value}
        return Entered(self.items, {**self.fields, **empty}) if key else self

    def less(self, place: int) -> Entered:
        """Without the item at this place."""
        kept = [at for at in range(len(self.items)) if at != place]
        made = Entered((), {name: self.fields[name] for name in PLAIN if name in self.fields})
        for at in kept:
            made = made._with(self.items[at], self._of(at))
        return made

    def value(self, name: str) -> str:
        return self.fields.get(name, "")

    def draft(self, items: Sequence[Item]) -> tuple[Draft, list[FieldProblem]]:
        """The draft, and what cannot even be put into one. Items that the catalog lacks are left to the
        services to refuse."""
        problems: list[FieldProblem] = []
        known = {item.name: item for item in items}
        lines = []
        for at, name in enumerate(self.items):
            count = self.value(f"items[{at}].count") or "1"
            if not re.fullmatch(r"\d{1,4}", count):
                problems.append(
                    FieldProblem(f"items[{at}].count", Words("Hãy nhập một số", "Enter a number"))
                )
                count = "1"
            deployment = self.value(f"items[{at}].deployment")
            version = whole(self.value(f"items[{at}].version"))
            values = self._values(at, known.get(name), deployment)
            lines.append(Line(name, values, int(count), deployment, version))
        end, wrong = read_day(self.value("end"), "end")
        problems += wrong
        draft = Draft(
            tuple(lines), self.value("purpose").strip(), end, self.value("legal_basis").strip(),
            self.value("emergency") == "true",
        )  # fmt: skip
        return draft, problems

    def _values(self, at: int, item: Item | None, deployment: str) -> dict[str, str]:
        given = {
            name.removeprefix("values."): value.strip()
            for name, value in self._of(at).items()
            if name.startswith("values.")
        }
        if deployment:  # what is left empty is asked to be taken away
            return given
        # A box that is not ticked is not sent at all: it says false.
        switches = [one.name for one in item.parameters if one.kind is Kind.SWITCH] if item else []
        return {**dict.fromkeys(switches, "false"), **{name: value for name, value in given.items() if value}}

    def _of(self, at: int) -> dict[str, str]:
        prefix = f"items[{at}]."
        return {name[len(prefix) :]: value for name, value in self.fields.items() if name.startswith(prefix)}

    def _with(self, item: str, given: Mapping[str, str]) -> Entered:
        at = len(self.items)
        own = {f"items[{at}].{name}": value for name, value in given.items() if name != "item"}
        return Entered((*self.items, item), {**self.fields, **own})


def whole(text: str) -> int:
    """A version as a form carries it; 0, which nothing has, where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def read_day(text: str, field: str) -> tuple[date | None, list[FieldProblem]]:
    """A day as a browser sends it, or as a person writes it where the browser has no field for days."""
    if not text.strip():
        return None, []
    for pattern in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text.strip(), pattern).date(), []
        except ValueError:
            continue
    return None, [FieldProblem(field, Words("Hãy viết ngày như 31/12/2026", "Write the day like 31/12/2026"))]

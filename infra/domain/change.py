"""Change: what a request makes different of a deployment that stands, and what can never be taken back.

The catalog says which parameters change and by what policy. Whatever it says, nothing shrinks: a volume or a
system disk that got smaller would lose what people wrote to it, so integers only grow and a server never
moves to a size with a smaller disk or to another kind of hypervisor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from infra.domain.flavor import Flavor
from infra.domain.parameter import (
    LARGEST_INTEGER,
    ChangePolicy,
    Choice,
    Parameter,
    ParameterKind,
    check_values,
)
from infra.domain.quota import Quota
from infra.domain.words import Words
from infra.errors import InfraError

CHANGEABLE = frozenset({ParameterKind.CHOICE, ParameterKind.INTEGER, ParameterKind.SWITCH})
"""Texts and keys are written into a guest when it is made, and belong to its owner from then on."""
Flavors = Mapping[str, Flavor]


class ChangeState(StrEnum):
    """ASKED: it is not begun, but no other may be asked for. MAKING: the deployment has its new values.
    UNDOING: it has its old ones again, and the cloud does not yet.
    """

    ASKED = "asked"
    MAKING = "making"
    UNDOING = "undoing"
    ENDED = "ended"


class ChangeRefused(InfraError):
    """What stands does not allow this change; the message says why and the way out."""

    code = "change_refused"

    def __init__(self, told: Words) -> None:
        self.told = told
        super().__init__(told.en)


@dataclass(frozen=True)
class Change:
    """Of the `deployment` (an id) called `name`: all values `before`, what it `took` of the quota then and
    `takes` afterwards. `stays` are parameters whose new value cannot be taken back once the cloud has it,
    with what that value takes more. `allowed`: by the catalog's policy, without a signature.
    """

    deployment: str
    name: str
    before: Mapping[str, str]
    took: Quota
    takes: Quota
    stays: Mapping[str, Quota] = field(default_factory=dict)
    allowed: bool = False

    @property
    def difference(self) -> Quota:
        return self.takes - self.took

    def undone(self, after: Mapping[str, str], there: Mapping[str, str]) -> tuple[dict[str, str], Quota]:
        """Values and quota of a deployment whose change to `after` was taken back. `there` is what the cloud
        has of parameters (by name): what cannot be taken back stays as it is there.
        """
        values, takes = dict(self.before), self.took
        for name, more in self.stays.items():
            if there.get(name) == after[name]:
                values[name] = after[name]
                takes += more
        return values, takes


@dataclass(frozen=True)
class CheckedChange:
    """`values` are all of the deployment's afterwards, `changed` the names of those that differ."""

    values: Mapping[str, str]
    changed: tuple[str, ...]
    problems: tuple[tuple[str, Words], ...]
    takes: Quota
    stays: Mapping[str, Quota]
    allowed: bool


def check_change(
    parameters: Sequence[Parameter], before: Mapping[str, str], given: Mapping[str, str], flavors: Flavors
) -> CheckedChange:
    """Check the values that are `given` of a deployment with those `before`; what is not given stays."""
    known = {one.name: one for one in parameters}
    asked = {name: value.strip() for name, value in given.items()}
    merged = {name: value for name, value in {**before, **asked}.items() if name in known}
    checked = check_values([replace(one, default="") for one in parameters], merged)
    changed = tuple(
        name for name in asked if name in known and checked.values[name] != _stood(known[name], before)
    )
    problems = [(name, _UNKNOWN) for name in asked if name not in known]
    for name in changed:
        wrong = _barred(known[name], before.get(name, ""), checked.values[name], flavors)
        problems += [(name, wrong)] if wrong else []
    told = {name for name, _ in problems}
    problems += [
        (name, wrong) for name, wrong in checked.problems
        if name not in told and (name in changed or _counts(known[name], before))
    ]  # fmt: skip
    stays = {} if problems else _stays((known[name] for name in changed), before, checked.values, flavors)
    values = {**before, **{name: checked.values[name] for name in changed}}
    allowed = bool(changed) and all(known[name].change == ChangePolicy.ALLOWED for name in changed)
    return CheckedChange(values, changed, tuple(problems), checked.takes, stays, allowed)


def offered(
    parameters: Sequence[Parameter], before: Mapping[str, str], flavors: Flavors
) -> tuple[Parameter, ...]:
    """Parameters that can be changed of a deployment with these values, narrowed to what they can become."""
    narrowed = {one.name: found for one in parameters if (found := _narrowed(one, before, flavors))}
    return tuple(one for one in narrowed.values() if not _never(one, narrowed, before))


def _narrowed(one: Parameter, before: Mapping[str, str], flavors: Flavors) -> Parameter | None:
    stood = _stood(one, before)
    if one.change is None:
        return None
    if one.kind == ParameterKind.CHOICE:
        left = tuple(choice for choice in one.choices if _reached(choice, stood, flavors))
        others = any(choice.value != stood for choice in left)
        return replace(one, choices=left, default="") if others else None
    if one.kind == ParameterKind.INTEGER and stood:
        most = one.maximum if one.maximum is not None else int(stood)
        least = max(one.minimum or 0, int(stood))
        return replace(one, minimum=least, required=True, default="") if least < most else None
    return replace(one, default="")


def _reached(choice: Choice, stood: str, flavors: Flavors) -> bool:
    both = stood in flavors and choice.value in flavors
    return not both or flavors[stood].becoming(flavors[choice.value]) is None


def _never(one: Parameter, offered: Mapping[str, Parameter], before: Mapping[str, str]) -> bool:
    """Whether what excludes it stands, and cannot be changed to anything else."""
    for name, values in one.unless.items():
        possible = {before.get(name, "")}
        if name in offered:
            possible |= {choice.value for choice in offered[name].choices} or {"true", "false"}
        if possible <= set(values):
            return True
    return False


def _stood(one: Parameter, before: Mapping[str, str]) -> str:
    value = before.get(one.name, "")
    return value or "false" if one.kind == ParameterKind.SWITCH else value


def _counts(one: Parameter, before: Mapping[str, str]) -> bool:
    """Whether a standing value that the catalog no longer accepts is in the way: where quota hangs on it."""
    return one.kind in CHANGEABLE and bool(before.get(one.name))


def _barred(one: Parameter, before: str, after: str, flavors: Flavors) -> Words | None:
    if one.change is None:
        return _FIXED
    if one.kind == ParameterKind.INTEGER and before and (not after or _number(after) < int(before)):
        return Words(
            f"Chỉ tăng được: hiện nay là {one.told(before).vi}.",
            f"It only grows: it is {one.told(before).en} now.",
        )
    if before in flavors and after in flavors:
        return flavors[before].becoming(flavors[after])
    return None


def _number(text: str) -> int:
    """What is no number is told by the parameter's own check."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else LARGEST_INTEGER


def _stays(
    changed: Iterable[Parameter], before: Mapping[str, str], after: Mapping[str, str], flavors: Flavors
) -> dict[str, Quota]:
    found = {}
    for one in changed:
        old, new = before.get(one.name, ""), after[one.name]
        larger_disk = (
            old in flavors and new in flavors and flavors[new].disk_gib > flavors[old].disk_gib
        )  # fmt: skip
        if old and (one.kind == ParameterKind.INTEGER or larger_disk):
            found[one.name] = one.taken(new) - one.taken(old)
    return found


NOTHING_CHANGED = Words("Chưa có gì khác so với hiện nay.", "Nothing differs from what stands.")
_UNKNOWN = Words("Mục này không có trong danh mục.", "The catalog has no such field.")
_FIXED = Words("Không đổi được sau khi đã tạo.", "It stays as it was made.")

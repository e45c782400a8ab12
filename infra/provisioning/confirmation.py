"""Plans that wait for a second person: asked for by one operator, confirmed by another, used once.

<site>/plans/<digest>.json                 waiting, confirmed or expired
<site>/plans/used/<when>-<digest>.json     what was let through, and by whom

Both operators sign site, digest, their part in it, their name and the time with their SSH key. The deploy
host's root could forge the rest of a file, but not a signature.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from infra.domain.operator import Approval, Operator, same_person
from infra.errors import InfraError
from infra.hosts.keys import write_whole
from infra.provisioning.signature import SignatureWrong, Signer, verify

VALID_HOURS = 24
_AHEAD = dt.timedelta(minutes=5)  # by which two machines' clocks may differ
State = Literal["unsigned", "waiting", "confirmed", "expired", "used"]


class OperatorUnknown(InfraError):
    """No operator of this name is in operators.yaml; add name, full_name and ssh_public_key there."""

    code = "operator_unknown"


class PlanUnknown(InfraError):
    """No plan of this digest waits; `citycloud zone plans` lists those that do."""

    code = "plan_unknown"


class ConfirmationRefused(InfraError):
    """This person may not confirm this plan; a second operator has to."""

    code = "confirmation_refused"


class PlanRefused(InfraError):
    """The plan would lose data, cut access or break a policy; nothing was changed."""

    code = "plan_refused"

    def __init__(self, message: str, digest: str = "", findings: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.digest = digest
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Signed:
    """One person's part: who, when (UTC, ISO), and the signature over it."""

    operator: str
    at: str
    signature: str


@dataclass(frozen=True)
class WaitingPlan:
    """A plan as it is kept. `lines` say it to the confirmer, `detail` to programs; neither has secrets."""

    site: str
    digest: str
    operation: str
    lines: tuple[str, ...]
    made_at: str
    request: Signed | None = None
    confirmation: Signed | None = None
    used_at: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def text(self, part: str, operator: str, at: str) -> str:
        """What is signed."""
        who = f"part {part}\noperator {operator}\nat {at}\n"
        return f"citycloud plan\nsite {self.site}\ndigest {self.digest}\n{who}"

    def state(self, now: dt.datetime) -> State:
        if self.used_at:
            return "used"
        if self.request is None:
            return "unsigned"
        if self.confirmation is None:
            return "waiting"
        age = now - dt.datetime.fromisoformat(self.confirmation.at)
        return "confirmed" if -_AHEAD <= age < dt.timedelta(hours=VALID_HOURS) else "expired"


class Confirmations:
    """The plans of a site. `operators` are those of its inventory; `requester` is who runs the command."""

    def __init__(
        self, folder: Path, site: str, operators: Sequence[Operator], requester: Signer | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:  # fmt: skip
        self._folder = folder
        self._site = site
        self._operators = {operator.name: operator for operator in operators}
        self._requester = requester
        self._clock = clock

    def operator(self, name: str) -> Operator:
        """Raises OperatorUnknown."""
        if name not in self._operators:
            known = ", ".join(sorted(self._operators)) or "nobody yet"
            raise OperatorUnknown(
                f"{name or 'nobody'} is no operator of this site ({known}); add `- {{name, full_name,"
                f" ssh_public_key}}`"
                " to `operators` in the inventory's operators.yaml"
            )
        return self._operators[name]

    def plans(self) -> list[tuple[WaitingPlan, State]]:
        """Those that are not used yet, oldest first."""
        found = [self._read(file) for file in self._folder.glob("*.json")]
        return [(one, one.state(self._clock())) for one in sorted(found, key=lambda one: one.made_at)]

    def demand(
        self, digest: str, operation: str, lines: Sequence[str], detail: Mapping[str, Any] | None = None
    ) -> Approval:
        """Use up the confirmation of this very plan. Raises PlanRefused, which says the way to one, after the
        plan was kept for a second person.
        """
        fresh = WaitingPlan(self._site, digest, operation, tuple(lines), self._now(), detail=detail or {})
        file = self._file(digest)
        kept = self._read(file) if file.exists() else fresh
        state: State = "used" if self._was_used(kept) else kept.state(self._clock())
        if state == "confirmed":
            approval = self._verified(kept)
            self._use(kept)
            return approval
        if state in ("expired", "used") or not self._is_asked_for(kept):
            kept = fresh
        if kept.request is None and self._requester is not None:
            kept = replace(kept, request=self._signed(kept, "request", self._requester))
        self._write(kept)
        raise PlanRefused(self._refusal(kept), digest)

    def confirm(self, digest: str, signer: Signer) -> WaitingPlan:
        """Confirm as a second person. `digest` may be its first 12 digits or more. Raises PlanUnknown,
        ConfirmationRefused, NotSigned, SignatureWrong.
        """
        kept = self._found(digest)
        if kept.request is None:
            raise ConfirmationRefused(
                "nobody has signed for wanting this plan; run the operation again with --operator NAME and"
                " --key FILE"
            )
        asked, second = self.operator(kept.request.operator), self.operator(signer.operator.name)
        if same_person(asked, second) or same_person(asked, signer.operator):
            raise ConfirmationRefused(
                f"{asked.name} asked for this plan, and {second.name} is the same person or has"
                f" the same key;"
                " a second operator has to confirm it"
            )
        verify(asked, kept.text("request", asked.name, kept.request.at), kept.request.signature)
        confirmed = replace(kept, confirmation=self._signed(kept, "confirm", signer))
        self._write(confirmed)
        return confirmed

    def _verified(self, kept: WaitingPlan) -> Approval:
        """Both signatures, checked again against the inventory of now."""
        assert kept.request is not None  # a confirmation is only written to what was asked for
        assert kept.confirmation is not None
        asked, second = self.operator(kept.request.operator), self.operator(kept.confirmation.operator)
        if same_person(asked, second):
            raise ConfirmationRefused(f"{asked.name} and {second.name} are the same person or share a key")
        verify(asked, kept.text("request", asked.name, kept.request.at), kept.request.signature)
        confirmation = kept.confirmation
        verify(second, kept.text("confirm", second.name, confirmation.at), confirmation.signature)
        return Approval(kept.digest, asked.name, second.name, confirmation.at, confirmation.signature)

    def _refusal(self, kept: WaitingPlan) -> str:
        short = kept.digest[:12]
        if not self._operators:
            return (
                "this needs two operators, and the inventory has none: add operators.yaml with name,"
                " full_name and"
                f" ssh_public_key of at least two (plan {short})"
            )
        if kept.request is None:
            return f"say who asks for it: run this again with --operator NAME and --key FILE (plan {short})"
        return (
            f"a second operator confirms it within {VALID_HOURS} h with `citycloud zone confirm {short}"
            f" --operator NAME"
            f" --key FILE`, then run this again; {kept.request.operator} asked for it"
        )

    def _signed(self, plan: WaitingPlan, part: str, signer: Signer) -> Signed:
        """With the key that the inventory has for this name, whatever the signer says of themselves. Raises
        OperatorUnknown, NotSigned, SignatureWrong.
        """
        operator, at = self.operator(signer.operator.name), self._clock().isoformat()
        signature = signer.sign(text := plan.text(part, operator.name, at))
        verify(operator, text, signature)
        return Signed(operator.name, at, signature)

    def _is_asked_for(self, kept: WaitingPlan) -> bool:
        """Not by who is an operator no more or has another key now: nobody could confirm that."""
        if kept.request is None:
            return False
        try:
            asked = self.operator(kept.request.operator)
            verify(asked, kept.text("request", asked.name, kept.request.at), kept.request.signature)
        except (OperatorUnknown, SignatureWrong):
            return False
        return True

    def _was_used(self, kept: WaitingPlan) -> bool:
        """By its signature: a file that was copied back from a backup has it too."""
        given = kept.confirmation.signature if kept.confirmation else None
        used = (self._folder / "used").glob(f"*-{kept.digest}.json")
        return bool(kept.used_at) or any(given == self._signature(file) for file in used if given)

    def _signature(self, file: Path) -> str:
        told = self._told(file)
        return told.confirmation.signature if told.confirmation else ""

    def _use(self, plan: WaitingPlan) -> None:
        """Moved away before the run, in one step: no other run finds it, however this one ends."""
        used = replace(plan, used_at=self._now())
        name = f"{re.sub('[^0-9]', '', used.used_at)[:14]}-{plan.digest}.json"
        (self._folder / "used").mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._file(plan.digest).rename(self._folder / "used" / name)
        except FileNotFoundError:
            used_up = f"another run has used up the confirmation of plan {plan.digest[:12]} just now"
            raise PlanRefused(f"{used_up}; wait for it, then run this again", plan.digest) from None
        write_whole(self._folder / "used" / name, _bytes(used), 0o600)

    def _found(self, digest: str) -> WaitingPlan:
        wanted = digest if re.fullmatch("[0-9a-f]{12,64}", digest) else "no digest"
        found = [file for file in self._folder.glob("*.json") if file.stem.startswith(wanted)]
        if len(found) != 1:
            raise PlanUnknown(f"no plan {digest} waits here; `citycloud zone plans` lists those that do")
        return self._read(found[0])

    def _file(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"

    def _read(self, file: Path) -> WaitingPlan:
        plan = self._told(file)
        if plan.digest != file.stem or plan.site != self._site:
            raise PlanUnknown(f"{file} is not a plan of this site; remove it")
        return plan

    def _told(self, file: Path) -> WaitingPlan:
        """Raises PlanUnknown for what nobody here wrote."""
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            for part in ("request", "confirmation"):
                told[part] = Signed(**told[part]) if told[part] else None
            told["lines"] = tuple(told["lines"])
            plan = WaitingPlan(**told)
            moments = [plan.made_at, *(one.at for one in (plan.request, plan.confirmation) if one)]
            zones = [dt.datetime.fromisoformat(one).tzinfo for one in moments]
        except (ValueError, TypeError, LookupError) as error:
            raise PlanUnknown(f"{file} is not a plan of this site ({error}); remove it") from None
        if None in zones:
            raise PlanUnknown(f"{file} is not a plan of this site (a time without its zone); remove it")
        return plan

    def _write(self, plan: WaitingPlan) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._file(plan.digest), _bytes(plan), 0o600)

    def _now(self) -> str:
        return self._clock().isoformat(timespec="seconds")


def _bytes(plan: WaitingPlan) -> bytes:
    return json.dumps(asdict(plan), indent=1, ensure_ascii=False).encode() + b"\n"

"""Who may confirm which plan, for how long and how often."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.domain.operator import Operator
from infra.provisioning.confirmation import (
    ConfirmationRefused,
    OperatorUnknown,
    PlanRefused,
    PlanUnknown,
)
from infra.provisioning.signature import SignatureWrong, Signer
from tests.unit.provisioning.team import DIGEST, OTHER, START, Clock, Desk, make_signer


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    folder = tmp_path_factory.mktemp("keys")
    made = {name: make_signer(folder, name) for name in ("an", "binh", "chi", "stranger")}
    # Another name with the key of `an`, and the name of `binh` with a key that the inventory does not know.
    public = made["an"].operator.ssh_public_key.split()
    made["alias"] = Signer(Operator("alias", "Alias", f"{public[0]} {public[1]} other@host"), made["an"].key)
    made["false-binh"] = Signer(replace(made["stranger"].operator, name="binh"), made["stranger"].key)
    return made


@pytest.fixture
def desk(tmp_path: Path, people: dict[str, Signer]) -> Desk:
    operators = tuple(people[name].operator for name in ("an", "binh", "chi"))
    return Desk(tmp_path / "plans", operators, Clock())


@pytest.fixture
def asked(desk: Desk, people: dict[str, Signer]) -> Desk:
    desk.refused(people["an"])
    return desk


@pytest.fixture
def confirmed(asked: Desk, people: dict[str, Signer]) -> Desk:
    asked.confirmations().confirm(DIGEST, people["binh"])
    return asked


def spoil(desk: Desk, change: Callable[[dict[str, Any]], Any]) -> None:
    told = json.loads(desk.file.read_text(encoding="utf-8"))
    change(told)
    desk.file.write_text(json.dumps(told), encoding="utf-8")


def test_a_plan_is_let_through_after_a_second_person_and_says_who(
    confirmed: Desk, people: dict[str, Signer]
) -> None:
    approval = confirmed.confirmations(people["an"]).demand(DIGEST, "zone up", ())
    assert (approval.digest, approval.requested_by, approval.confirmed_by) == (DIGEST, "an", "binh")
    assert dt.datetime.fromisoformat(approval.at) == START
    assert "SSH SIGNATURE" in approval.proof


def test_a_plan_that_nobody_confirmed_is_refused_with_the_way_to_a_confirmation(
    desk: Desk, people: dict[str, Signer]
) -> None:
    said = desk.refused(people["an"])
    assert f"`citycloud zone confirm {DIGEST[:12]} --operator NAME --key FILE`" in said
    assert "an asked for it" in said


def test_a_plan_that_nobody_signed_for_is_kept_and_cannot_be_confirmed(
    desk: Desk, people: dict[str, Signer]
) -> None:
    assert "say who asks for it: run this again with --operator NAME" in desk.refused()
    ((plan, state),) = desk.confirmations().plans()
    assert (plan.lines, state) == (("delete web",), "unsigned")
    with pytest.raises(ConfirmationRefused, match="nobody has signed for wanting this plan"):
        desk.confirmations().confirm(DIGEST, people["binh"])
    assert "an asked for it" in desk.refused(people["an"])


def test_a_site_without_operators_says_how_to_have_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "plans", (), Clock())
    assert "add operators.yaml with name, full_name and ssh_public_key of at least two" in desk.refused()
    with pytest.raises(OperatorUnknown, match="nobody is no operator of this site"):
        desk.confirmations().operator("")


# The same person


def test_who_asked_can_not_confirm(asked: Desk, people: dict[str, Signer]) -> None:
    with pytest.raises(ConfirmationRefused, match="an is the same person"):
        asked.confirmations().confirm(DIGEST, people["an"])


def test_who_asked_can_not_confirm_with_the_same_key_under_another_name(
    asked: Desk, people: dict[str, Signer]
) -> None:
    asked.operators += (people["alias"].operator,)
    with pytest.raises(ConfirmationRefused, match="alias is the same person or has the same key"):
        asked.confirmations().confirm(DIGEST, people["alias"])
    assert "an asked for it" in asked.refused(people["an"])


def test_two_who_have_become_one_since_the_confirmation_are_one(
    confirmed: Desk, people: dict[str, Signer]
) -> None:
    same_key = replace(people["an"].operator, name="binh")
    confirmed.operators = (people["an"].operator, same_key)
    with pytest.raises(ConfirmationRefused, match="an and binh are the same person or share a key"):
        confirmed.confirmations(people["an"]).demand(DIGEST, "zone up", ())


def test_who_runs_it_does_not_matter_but_who_asked_and_who_confirmed(
    confirmed: Desk, people: dict[str, Signer]
) -> None:
    approval = confirmed.confirmations(people["chi"]).demand(DIGEST, "zone up", ())
    assert (approval.requested_by, approval.confirmed_by) == ("an", "binh")


# Strangers


def test_who_is_no_operator_can_neither_ask_nor_confirm(asked: Desk, people: dict[str, Signer]) -> None:
    with pytest.raises(OperatorUnknown, match=r"stranger is no operator of this site \(an, binh, chi\)"):
        asked.confirmations().confirm(DIGEST, people["stranger"])
    with pytest.raises(OperatorUnknown, match=r"operators\.yaml"):
        asked.confirmations(people["stranger"]).demand(OTHER, "zone up", ())
    assert [plan.digest for plan, _ in asked.confirmations().plans()] == [DIGEST]


def test_an_operator_s_name_with_another_key_can_neither_ask_nor_confirm(
    asked: Desk, people: dict[str, Signer]
) -> None:
    with pytest.raises(SignatureWrong, match="not the signature of binh"):
        asked.confirmations().confirm(DIGEST, people["false-binh"])
    with pytest.raises(SignatureWrong, match="not the signature of binh"):
        asked.confirmations(people["false-binh"]).demand(OTHER, "zone up", ())
    assert [state for _, state in asked.confirmations().plans()] == ["waiting"]


def test_who_left_since_the_confirmation_confirms_nothing(confirmed: Desk, people: dict[str, Signer]) -> None:
    confirmed.operators = tuple(one for one in confirmed.operators if one.name != "binh")
    with pytest.raises(OperatorUnknown, match="binh is no operator"):
        confirmed.confirmations(people["an"]).demand(DIGEST, "zone up", ())


def test_a_plan_that_somebody_asked_for_who_left_is_asked_for_anew(
    asked: Desk, people: dict[str, Signer]
) -> None:
    asked.operators = tuple(people[name].operator for name in ("binh", "chi"))
    with pytest.raises(OperatorUnknown, match="an is no operator"):
        asked.confirmations().confirm(DIGEST, people["binh"])
    assert "binh asked for it" in asked.refused(people["binh"])
    asked.confirmations().confirm(DIGEST, people["chi"])
    assert asked.confirmations().demand(DIGEST, "zone up", ()).requested_by == "binh"


def test_a_plan_is_asked_for_anew_by_who_has_a_new_key(
    asked: Desk, people: dict[str, Signer], tmp_path: Path
) -> None:
    renewed = make_signer(tmp_path / "new", "an")
    asked.operators = (renewed.operator, *asked.operators[1:])
    with pytest.raises(SignatureWrong, match="not the signature of an"):
        asked.confirmations().confirm(DIGEST, people["binh"])
    asked.refused(renewed)
    asked.confirmations().confirm(DIGEST, people["binh"])


# Another plan


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["confirmation"].update(at="2026-11-26T08:00:01+00:00"),
        lambda told: told["confirmation"].update(operator="chi"),
        lambda told: told["confirmation"].update(signature=told["request"]["signature"]),
        lambda told: told["confirmation"].update(signature="no signature"),
        lambda told: told["request"].update(operator="chi"),
        lambda told: told["request"].update(at="2026-11-26T07:00:00+00:00"),
        lambda told: told["request"].update(signature=told["confirmation"]["signature"]),
    ],
)
def test_a_signature_is_for_its_person_part_and_time(confirmed: Desk, change: Any) -> None:
    spoil(confirmed, change)
    with pytest.raises(SignatureWrong):
        confirmed.confirmations().demand(DIGEST, "zone up", ())
    assert confirmed.file.exists()


def test_a_confirmation_is_for_its_digest(confirmed: Desk, people: dict[str, Signer]) -> None:
    spoil(confirmed, lambda told: told.update(digest=OTHER))
    confirmed.file.rename(confirmed.folder / f"{OTHER}.json")
    with pytest.raises(SignatureWrong):
        confirmed.confirmations().demand(OTHER, "zone up", ())
    assert "an asked for it" in confirmed.refused(people["an"])


def test_a_confirmation_is_for_its_site(confirmed: Desk) -> None:
    spoil(confirmed, lambda told: told.update(site="production"))
    with pytest.raises(SignatureWrong):
        confirmed.confirmations(site="production").demand(DIGEST, "zone up", ())


def test_a_plan_of_another_site_or_under_another_name_is_not_read(confirmed: Desk) -> None:
    with pytest.raises(PlanUnknown, match="is not a plan of this site; remove it"):
        confirmed.confirmations(site="production").demand(DIGEST, "zone up", ())
    confirmed.file.rename(confirmed.folder / f"{OTHER}.json")
    with pytest.raises(PlanUnknown, match="is not a plan of this site; remove it"):
        confirmed.confirmations().plans()


def test_a_request_signs_no_confirmation(asked: Desk, people: dict[str, Signer]) -> None:
    """`binh` asked for the same plan on another day: that is no confirmation of it."""
    other = Desk(asked.folder.parent / "other", asked.operators, asked.clock)
    other.refused(people["binh"])
    request = json.loads(other.file.read_text(encoding="utf-8"))["request"]
    spoil(asked, lambda told: told.update(confirmation=request))
    with pytest.raises(SignatureWrong):
        asked.confirmations().demand(DIGEST, "zone up", ())


def test_a_confirmation_without_a_request_lets_nothing_through(
    confirmed: Desk, people: dict[str, Signer]
) -> None:
    spoil(confirmed, lambda told: told.update(request=None))
    assert "say who asks for it" in confirmed.refused()
    assert "a second operator confirms it" in confirmed.refused(people["binh"])


# Once, and for a day


def test_a_confirmation_is_used_once(confirmed: Desk, people: dict[str, Signer]) -> None:
    confirmed.confirmations().demand(DIGEST, "zone up", ())
    assert confirmed.confirmations().plans() == []
    assert "say who asks for it" in confirmed.refused()
    assert "an asked for it" in confirmed.refused(people["an"])
    (used,) = (confirmed.folder / "used").iterdir()
    assert used.name == f"20261126080000-{DIGEST}.json"
    assert json.loads(used.read_text(encoding="utf-8"))["used_at"]


@pytest.mark.parametrize("change", [lambda told: None, lambda told: told.update(used_at="")])
def test_a_used_confirmation_that_is_copied_back_lets_nothing_through(
    confirmed: Desk, people: dict[str, Signer], change: Any
) -> None:
    confirmed.confirmations().demand(DIGEST, "zone up", ())
    (used,) = (confirmed.folder / "used").iterdir()
    confirmed.file.write_bytes(used.read_bytes())
    spoil(confirmed, change)
    assert "an asked for it" in confirmed.refused(people["an"])
    confirmed.clock.forward(seconds=1)
    confirmed.confirmations().confirm(DIGEST, people["chi"])
    assert confirmed.confirmations().demand(DIGEST, "zone up", ()).confirmed_by == "chi"


def test_of_two_runs_at_once_one_has_the_confirmation(
    confirmed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other has read the plan before it was used up."""
    late, first = confirmed.confirmations(), confirmed.confirmations()
    verified = late._verified

    def overtaken(kept: Any) -> Any:
        first.demand(DIGEST, "zone up", ())
        return verified(kept)

    monkeypatch.setattr(late, "_verified", overtaken)
    with pytest.raises(PlanRefused, match="another run has used up the confirmation"):
        late.demand(DIGEST, "zone up", ())
    assert len([*(confirmed.folder / "used").iterdir()]) == 1


def test_a_run_that_is_killed_while_it_uses_a_confirmation_leaves_none(
    confirmed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("infra.provisioning.confirmation.write_whole", killed)
        with pytest.raises(KeyboardInterrupt):
            confirmed.confirmations().demand(DIGEST, "zone up", ())
    assert "say who asks for it" in confirmed.refused()


@pytest.mark.parametrize(
    ("hours", "state"),
    [(0, "confirmed"), (23.99, "confirmed"), (24, "expired"), (48, "expired"), (-0.08, "confirmed")],
)
def test_a_confirmation_holds_for_a_day(confirmed: Desk, hours: float, state: str) -> None:
    confirmed.clock.forward(hours=hours)
    assert [one for _, one in confirmed.confirmations().plans()] == [state]


def test_a_plan_whose_confirmation_expired_waits_anew(confirmed: Desk, people: dict[str, Signer]) -> None:
    confirmed.clock.forward(hours=24)
    assert "an asked for it" in confirmed.refused(people["an"])
    assert [state for _, state in confirmed.confirmations().plans()] == ["waiting"]
    confirmed.confirmations().confirm(DIGEST, people["binh"])
    assert confirmed.confirmations().demand(DIGEST, "zone up", ()).confirmed_by == "binh"


def test_a_confirmation_by_a_clock_that_is_ahead_is_refused(confirmed: Desk) -> None:
    confirmed.clock.forward(minutes=-6)
    assert [state for _, state in confirmed.confirmations().plans()] == ["expired"]
    confirmed.refused()


# What waits


@pytest.mark.parametrize("digits", [12, 20, 64])
def test_a_plan_is_named_by_its_first_digits(asked: Desk, people: dict[str, Signer], digits: int) -> None:
    assert asked.confirmations().confirm(DIGEST[:digits], people["binh"]).confirmation


@pytest.mark.parametrize("digest", ["", "a", "a" * 11, "a" * 65, "*", "../" + "a" * 12, "A" * 12, OTHER])
def test_what_names_no_plan_is_unknown(asked: Desk, people: dict[str, Signer], digest: str) -> None:
    with pytest.raises(PlanUnknown, match="`citycloud zone plans` lists those that do"):
        asked.confirmations().confirm(digest, people["binh"])


def test_digits_that_two_plans_have_name_neither(asked: Desk, people: dict[str, Signer]) -> None:
    asked.refused(people["an"], "a" * 63 + "b")
    with pytest.raises(PlanUnknown):
        asked.confirmations().confirm("a" * 12, people["binh"])


def test_plans_are_listed_oldest_first_and_none_where_none_ever_waited(
    desk: Desk, people: dict[str, Signer]
) -> None:
    assert desk.confirmations().plans() == []
    desk.refused(people["an"], OTHER)
    desk.clock.forward(hours=1)
    desk.refused(people["an"], DIGEST)
    assert [plan.digest for plan, _ in desk.confirmations().plans()] == [OTHER, DIGEST]


def test_only_their_owner_reads_plans(confirmed: Desk) -> None:
    assert oct(confirmed.file.stat().st_mode & 0o777) == "0o600"
    assert oct(confirmed.folder.stat().st_mode & 0o777) == "0o700"
    confirmed.confirmations().demand(DIGEST, "zone up", ())
    (used,) = (confirmed.folder / "used").iterdir()
    assert oct(used.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "{}", '{"request": null, "confirmation": null, "lines": []}',
        '{"request": {"who": "an"}, "confirmation": null, "lines": []}', "\u00ff",
    ],
)  # fmt: skip
def test_a_file_that_nobody_here_wrote_is_named_with_what_to_do(asked: Desk, text: str) -> None:
    asked.file.write_text(text, encoding="latin-1")
    with pytest.raises(PlanUnknown, match=r"a{64}\.json is not a plan of this site .*; remove it"):
        asked.confirmations().demand(DIGEST, "zone up", ())


@pytest.mark.parametrize("at", ["yesterday", "2026-11-26T08:00:00", "2026-11-26T08:00:00+00:00\nat now", 5])
def test_a_time_that_is_none_is_no_plan(confirmed: Desk, at: Any) -> None:
    spoil(confirmed, lambda told: told["confirmation"].update(at=at))
    with pytest.raises(PlanUnknown, match="remove it"):
        confirmed.confirmations().demand(DIGEST, "zone up", ())

"""What people are told: in both languages, with what to do, and as few words as that takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from infra.domain import notice_text
from infra.domain.approval import Verdict
from infra.domain.deployment import Deployment, DeploymentState, Ladder, LadderStep, StepKind
from infra.domain.notice import LOUD, SUBJECTS, Notice, NoticeKind
from infra.domain.quota import NO_QUOTA
from infra.domain.request import Request, RequestItem, RequestState
from infra.domain.words import Words

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
TODAY = date(2026, 11, 27)
REQUEST = Request(
    "r-1", 7, "sotc", "an", "Nguyễn Văn An", RequestState.SUBMITTED,
    (RequestItem("plain-server", "plain-server/1", 1, {}, NO_QUOTA),), "Trang tin", None, "", False, 1, 1, 1,
    NOW, NOW, "hết chỗ", "no room",
)  # fmt: skip
SERVER = Deployment(
    "d-1", "web-01", "sotc", "an", "r-1", "plain-server", "plain-server/1", {}, DeploymentState.ACTIVE, 1,
    NOW, expires=date(2026, 12, 27),
)  # fmt: skip
OF_REQUESTS: list[Callable[[Request], Words]] = [
    notice_text.waits, notice_text.waits_unowned, notice_text.emergency, notice_text.fulfilled,
    notice_text.failed, notice_text.reminder, notice_text.escalation, notice_text.review,
    notice_text.review_overdue, *(
        lambda request, one=one: notice_text.decided(request, one, "chưa rõ")  # type: ignore[misc]
        for one in Verdict
    ),
]  # fmt: skip


def ladder(kind: StepKind, left: int = 0, **changes: object) -> Words:
    one = replace(SERVER, **changes)  # type: ignore[arg-type]
    return notice_text.ladder_step(one, LadderStep(kind, left, left), Ladder(), TODAY)


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_kind_has_a_heading_in_both_languages_and_a_page(kind: NoticeKind) -> None:
    one = Notice("an", "sotc", kind, "x-1", "YC-2026-000007", "1", Words("a", "a"), NOW)
    assert one.subject.vi != one.subject.en
    assert one.subject.vi.endswith(": YC-2026-000007")
    assert one.place in {f"/{page}/x-1" for page in ("approvals", "requests", "deployments")}
    assert set(SUBJECTS) == set(NoticeKind)
    assert kind.loud == (kind in LOUD)


@pytest.mark.parametrize("text", OF_REQUESTS)
def test_every_sentence_names_the_request_in_both_languages(text: Callable[[Request], Words]) -> None:
    told = text(REQUEST)
    assert "YC-2026-000007" in told.vi
    assert "YC-2026-000007" in told.en
    assert told.vi != told.en


@pytest.mark.parametrize("kind", list(StepKind))
@pytest.mark.parametrize("left", [30, 14, 7, 1, 0, -1])
def test_every_step_of_the_ladder_names_the_deployment(kind: StepKind, left: int) -> None:
    told = ladder(kind, left)
    assert told.vi.startswith("web-01 ")
    assert told.en.startswith("web-01 ")


def test_days_are_told_as_their_readers_write_them() -> None:
    assert ladder(StepKind.NOTICE, 30) == Words(
        "web-01 còn 30 ngày là hết hạn (27/12/2026); hãy gia hạn nếu còn cần.",
        "web-01 ends in 30 days (27 Dec 2026); renew it if you still need it.",
    )
    assert "in 1 day (" in ladder(StepKind.NOTICE, 1).en
    assert "hôm nay (27/12/2026)" in ladder(StepKind.NOTICE, 0).vi
    assert "ngày mai" in ladder(StepKind.NOTICE, -3).vi
    assert "11/12/2026" in ladder(StepKind.SUSPEND, -1).vi
    assert "25/02/2027" in ladder(StepKind.ARCHIVE).vi


def test_what_is_under_a_legal_hold_is_not_told_to_be_archived() -> None:
    held = ladder(StepKind.SUSPEND, -1, legal_hold=True)
    assert "pháp lý" in held.vi
    assert "archive" not in held.en


def test_reasons_are_told_and_a_long_purpose_is_cut() -> None:
    assert notice_text.failed(REQUEST).vi.endswith("Lý do: hết chỗ")
    assert notice_text.failed(REQUEST).en.endswith("Reason: no room")
    long = notice_text.waits(replace(REQUEST, purpose="dài\n" * 500)).vi
    assert len(long) < 400
    assert "\n" not in long
    assert long.endswith("…")

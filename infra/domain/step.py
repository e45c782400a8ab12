"""Step: a phase in which a worker makes what a request asks for, as its journal tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from infra.domain.words import NOTHING, Words


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class JournalStep:
    """`attempt` counts how often the request was begun, `place` the steps of an attempt from 0. `ended` is
    None while it runs, and for ever if its worker died; the next attempt then says what came of it.
    """

    attempt: int
    place: int
    name: str
    state: StepState
    started: datetime
    ended: datetime | None = None
    note: Words = NOTHING


LABELS: dict[str, Words] = {
    "prepare": Words("Kiểm tra hạn mức, giữ chỗ", "Quota checked and taken"),
    "create": Words("Tạo máy chủ và mạng", "Servers and networks are made"),
    "rebuild": Words("Làm mới ổ hệ thống", "The system disk is made new"),
    "configure": Words("Cài đặt phần mềm trong máy chủ", "Software is set up in the server"),
    "probe": Words("Kiểm tra hoạt động", "It is asked whether it works"),
    "change": Words("Thay đổi máy chủ và mạng", "Servers and networks are changed"),
    "change_back": Words("Trở lại như trước khi thay đổi", "What stood before is made to stand again"),
    "roll_back": Words("Hoàn tác những gì đã tạo", "What was made is taken back"),
}
"""What people read for the name of a step."""

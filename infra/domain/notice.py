"""Notice: what a person is told because something happened to a request or a deployment of theirs, or waits
for them.

It is written in the transaction of what it tells of, is read in the portal, and goes out by mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

from infra.domain.words import Words


class NoticeKind(StrEnum):
    """DECIDE, EMERGENCY and REMINDER ask for a signature; ESCALATION tells the city that one is missing for
    days; REVIEW and REVIEW_OVERDUE ask to look afterwards at what was approved in an emergency. RETURNED to
    FAILED tell who asked. TRANSFERRED tells who had a deployment and who has it now. The rest is the ladder
    at the end of its life.
    """

    DECIDE = "decide"
    EMERGENCY = "emergency"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    REVIEW = "review"
    REVIEW_OVERDUE = "review_overdue"
    RETURNED = "returned"
    REJECTED = "rejected"
    APPROVED = "approved"
    FULFILLED = "fulfilled"
    FAILED = "failed"
    ENDING = "ending"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"
    RETIRED = "retired"
    TRANSFERRED = "transferred"

    @property
    def loud(self) -> bool:
        return self in LOUD


_K = NoticeKind
LOUD = frozenset({_K.EMERGENCY})
"""Kinds that go out before others and are marked as important."""
SUBJECTS: dict[NoticeKind, Words] = {
    _K.DECIDE: Words("Chờ anh/chị duyệt", "Waits for your decision"),
    _K.EMERGENCY: Words("KHẨN CẤP, cần duyệt ngay", "EMERGENCY, decide now"),
    _K.REMINDER: Words("Nhắc: vẫn chờ anh/chị duyệt", "Reminder: still waits for your decision"),
    _K.ESCALATION: Words("Quá hạn duyệt", "Not decided in time"),
    _K.REVIEW: Words("Cần rà soát sau khi duyệt khẩn cấp", "Review what was approved in an emergency"),
    _K.REVIEW_OVERDUE: Words("Quá hạn rà soát khẩn cấp", "Emergency not reviewed in time"),
    _K.RETURNED: Words("Được trả lại để sửa", "Returned for changes"),
    _K.REJECTED: Words("Bị từ chối", "Rejected"),
    _K.APPROVED: Words("Đã được duyệt", "Approved"),
    _K.FULFILLED: Words("Đã hoàn thành", "Done"),
    _K.FAILED: Words("Không thực hiện được", "Failed"),
    _K.ENDING: Words("Sắp hết hạn", "Ends soon"),
    _K.SUSPENDED: Words("Đã tắt và khóa do hết hạn", "Stopped and locked at its end"),
    _K.ARCHIVED: Words("Đã chuyển sang lưu trữ", "Kept as an archive"),
    _K.RETIRED: Words("Đang được xóa", "Being deleted"),
    _K.TRANSFERRED: Words("Đã chuyển người phụ trách", "Handed on"),
}
"""What a notice is headed by, in mails before the number or name of what it is about."""
_PAGES: dict[NoticeKind, str] = {
    **dict.fromkeys((_K.DECIDE, _K.EMERGENCY, _K.REMINDER, _K.ESCALATION, _K.REVIEW, _K.REVIEW_OVERDUE),
                    "approvals"),
    **dict.fromkeys((_K.RETURNED, _K.REJECTED, _K.APPROVED, _K.FULFILLED, _K.FAILED), "requests"),
    **dict.fromkeys((_K.ENDING, _K.SUSPENDED, _K.ARCHIVED, _K.RETIRED, _K.TRANSFERRED), "deployments"),
}  # fmt: skip


@dataclass(frozen=True)
class Notice:
    """`about` is the id of a request or deployment and `label` its number or name. `occasion` tells one such
    event from the next: for one person, kind, thing and occasion there is one notice. `mailed` is when a mail
    server took it; `attempts` and `error` say how often none did, and why the last time.
    """

    person: str
    agency: str
    kind: NoticeKind
    about: str
    label: str
    occasion: str
    told: Words
    created: datetime
    read: datetime | None = None
    mailed: datetime | None = None
    attempts: int = 0
    error: str = ""

    @property
    def id(self) -> str:
        """The same however often the event is told, so that nobody is told twice."""
        said = f"citycloud:notice:{self.person}\n{self.kind}\n{self.about}\n{self.occasion}"
        return str(uuid5(NAMESPACE_URL, said))

    @property
    def subject(self) -> Words:
        words = SUBJECTS[self.kind]
        return Words(f"{words.vi}: {self.label}", f"{words.en}: {self.label}")

    @property
    def place(self) -> str:
        """The path of the portal's page where something can be done about it."""
        return f"/{_PAGES[self.kind]}/{self.about}"

    @property
    def cursor(self) -> str:
        """What a list goes on after."""
        return f"{self.created.isoformat(timespec='microseconds')}_{self.id}"

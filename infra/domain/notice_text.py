"""The sentences of notices, in both languages: what happened, why, and what to do."""

from __future__ import annotations

from datetime import date, timedelta

from infra.domain.approval import Verdict
from infra.domain.calendar import ESCALATE_AFTER
from infra.domain.deployment import Deployment, Ladder, LadderStep, StepKind
from infra.domain.notice import NoticeKind
from infra.domain.request import Request
from infra.domain.words import Words

_LONGEST_PURPOSE = 300
LADDER_KINDS = {
    StepKind.NOTICE: NoticeKind.ENDING,
    StepKind.SUSPEND: NoticeKind.SUSPENDED,
    StepKind.ARCHIVE: NoticeKind.ARCHIVED,
    StepKind.RETIRE: NoticeKind.RETIRED,
}
VERDICT_KINDS = {
    Verdict.APPROVE: NoticeKind.APPROVED,
    Verdict.REJECT: NoticeKind.REJECTED,
    Verdict.RETURN: NoticeKind.RETURNED,
}


def waits(request: Request) -> Words:
    number, who, purpose = request.written, request.requester_name, _purpose(request)
    return Words(
        f"Yêu cầu {number} của {who} đang chờ anh/chị duyệt. Mục đích: {purpose}",
        f"Request {number} of {who} waits for your decision. Purpose: {purpose}",
    )


def waits_unowned(request: Request) -> Words:
    """For the city's cloud team, where the agency has nobody who could sign."""
    number, who = request.written, request.requester_name
    return Words(
        f"Yêu cầu {number} của {who} đang chờ duyệt nhưng cơ quan {request.agency} chưa có người duyệt nào"
        " khác từng đăng nhập cổng. Hãy liên hệ cơ quan để cử người duyệt.",
        f"Request {number} of {who} waits, but no other approver of agency {request.agency} has ever signed"
        " in. Ask the agency to name one.",
    )


def emergency(request: Request) -> Words:
    number, who, purpose = request.written, request.requester_name, _purpose(request)
    return Words(
        f"KHẨN CẤP: yêu cầu {number} của {who} (cơ quan {request.agency}) cần quyết định ngay. Một chữ ký là"
        f" đủ; bên còn lại rà soát sau. Mục đích: {purpose}",
        f"EMERGENCY: request {number} of {who} (agency {request.agency}) has to be decided now. One signature"
        f" is enough; the other side reviews it afterwards. Purpose: {purpose}",
    )


def decided(request: Request, verdict: Verdict, reason: str) -> Words:
    number = request.written
    if verdict == Verdict.APPROVE:
        return Words(
            f"Yêu cầu {number} đã được duyệt; hệ thống đang tạo những gì anh/chị cần.",
            f"Request {number} is approved; what you asked for is being made.",
        )
    if verdict == Verdict.RETURN:
        return Words(
            f"Yêu cầu {number} được trả lại để sửa; hãy sửa rồi gửi lại. Lý do: {reason}",
            f"Request {number} is returned; change it and hand it in again. Reason: {reason}",
        )
    return Words(
        f"Yêu cầu {number} bị từ chối. Lý do: {reason}", f"Request {number} is rejected. Reason: {reason}"
    )


def fulfilled(request: Request) -> Words:
    return Words(
        f"Yêu cầu {request.written} đã hoàn thành và sẵn sàng sử dụng; địa chỉ và cách kết nối có trên cổng.",
        f"Request {request.written} is done and ready for use; the portal has addresses and ways to connect.",
    )


def failed(request: Request) -> Words:
    return Words(
        f"Yêu cầu {request.written} không thực hiện được; những gì đã tạo dở đã được gỡ bỏ. Lý do:"
        f" {request.failure_vi}",
        f"Request {request.written} failed; what was half made has been taken back. Reason:"
        f" {request.failure_en}",
    )


def reminder(request: Request) -> Words:
    number, who = request.written, request.requester_name
    return Words(
        f"Yêu cầu {number} của {who} đã chờ hơn một ngày làm việc; hãy duyệt, từ chối hoặc trả lại.",
        f"Request {number} of {who} has waited for more than a working day; approve, reject or return it.",
    )


def escalation(request: Request) -> Words:
    number, who, agency = request.written, request.requester_name, request.agency
    return Words(
        f"Yêu cầu {number} của {who} (cơ quan {agency}) chưa được quyết định sau {ESCALATE_AFTER} ngày làm"
        " việc; hãy liên hệ người duyệt.",
        f"Request {number} of {who} (agency {agency}) is not decided after {ESCALATE_AFTER} working days;"
        " talk to its approvers.",
    )


def review(request: Request) -> Words:
    number, who = request.written, request.requester_name
    return Words(
        f"Yêu cầu {number} của {who} đã được duyệt khẩn cấp; hãy rà soát và ghi kết luận.",
        f"Request {number} of {who} was approved in an emergency; review it and write what you find.",
    )


def review_overdue(request: Request) -> Words:
    return Words(
        f"Yêu cầu khẩn cấp {request.written} (cơ quan {request.agency}) chưa được rà soát sau"
        f" {ESCALATE_AFTER} ngày làm việc.",
        f"Emergency request {request.written} (agency {request.agency}) is not reviewed after"
        f" {ESCALATE_AFTER} working days.",
    )


def ladder_step(one: Deployment, step: LadderStep, ladder: Ladder, today: date) -> Words:
    """Days are written as their readers write them."""
    if step.kind == StepKind.NOTICE:
        return _ending(one, step.days_left)
    if step.kind == StepKind.SUSPEND and one.legal_hold:
        return Words(
            f"{one.name} đã hết hạn nên bị tắt và khóa; dữ liệu được giữ nguyên theo yêu cầu pháp lý."
            " Gia hạn để dùng lại.",
            f"{one.name} has ended and is stopped and locked; its data stays, as it is under a legal hold."
            " Renew it to use it again.",
        )
    if step.kind == StepKind.SUSPEND:
        until = today + timedelta(days=ladder.archive_after)
        return Words(
            f"{one.name} đã hết hạn nên bị tắt và khóa; dữ liệu còn nguyên. Gia hạn trước {_vi(until)} để"
            " dùng lại ngay; sau ngày đó sẽ chuyển sang lưu trữ.",
            f"{one.name} has ended and is stopped and locked; its data is untouched. Renew it before"
            f" {_en(until)} to use it again at once; after that it becomes an archive.",
        )
    if step.kind == StepKind.ARCHIVE:
        until = today + timedelta(days=ladder.delete_after)
        return Words(
            f"{one.name} đã được chuyển sang lưu trữ và sẽ bị xóa vào {_vi(until)} nếu không được khôi phục.",
            f"{one.name} is an archive now and will be deleted on {_en(until)} unless it is restored.",
        )
    return Words(
        f"{one.name} đã hết thời gian lưu trữ và đang được xóa.",
        f"{one.name} has been an archive for its whole time and is being deleted.",
    )


def handed_on(one: Deployment, giver: str, taker: str) -> Words:
    """For both of them."""
    return Words(
        f"{one.name} được chuyển từ {giver} cho {taker}: từ nay {taker} nhận thông báo và được thao tác. Khóa"
        " SSH trong máy không tự đổi.",
        f"{one.name} was handed from {giver} to {taker}, who gets its notices and works with it from now on."
        " The SSH keys in the server stay as they are.",
    )


def _ending(one: Deployment, left: int) -> Words:
    if left < 0 or one.expires is None:
        return Words(
            f"{one.name} đã quá ngày hết hạn và sẽ bị tắt từ ngày mai; hãy gia hạn hôm nay nếu còn cần.",
            f"{one.name} is past its end and will be stopped from tomorrow; renew it today if you need it.",
        )
    day_vi, day_en = _vi(one.expires), _en(one.expires)
    if left == 0:
        return Words(
            f"{one.name} hết hạn hôm nay ({day_vi}); hãy gia hạn nếu còn cần.",
            f"{one.name} ends today ({day_en}); renew it if you still need it.",
        )
    days = "1 day" if left == 1 else f"{left} days"
    return Words(
        f"{one.name} còn {left} ngày là hết hạn ({day_vi}); hãy gia hạn nếu còn cần.",
        f"{one.name} ends in {days} ({day_en}); renew it if you still need it.",
    )


def _purpose(request: Request) -> str:
    text = " ".join(request.purpose.split())
    return text if len(text) <= _LONGEST_PURPOSE else text[: _LONGEST_PURPOSE - 1].rstrip() + "…"


def _vi(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _en(day: date) -> str:
    return f"{day.day} {day:%b %Y}"

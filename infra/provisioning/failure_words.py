"""Why something could not be made, in words for people who have never heard of OpenStack."""

from __future__ import annotations

import re
from datetime import timedelta

from infra.domain.change import ChangeRefused
from infra.domain.reservation import QuotaExceeded
from infra.domain.words import Words
from infra.errors import InfraError

LONGEST = 300
"""Characters of the technical reason that are shown beside the plain one."""
PATIENCE = timedelta(minutes=10)
"""How long what may pass is tried again."""
_NONE, _A_WHILE = timedelta(0), timedelta(minutes=3)
_KNOWN = (
    # Room is missing, too, while a hypervisor's word does not come through: its minute, and one that follows.
    (r"No valid host|not enough hosts|NoValidHost", _A_WHILE, Words(
        "Hiện không còn đủ chỗ cho cỡ máy này; hãy chọn cỡ nhỏ hơn hoặc liên hệ tổ vận hành",
        "There is no room for this size now; choose a smaller one or ask the cloud team",
    )),
    (r"[Qq]uota (has been )?exceeded|exceed(s|ed) .*quota|OverQuota", _NONE, Words(
        "Cơ quan đã dùng hết hạn mức trên đám mây; hãy trả lại tài nguyên hoặc xin thêm hạn mức",
        "The agency's quota in the cloud is used up; release something or ask for more",
    )),
    (r"disk is too small|(flavor|image) .* not (be )?found|No image .* found", _NONE, Words(
        "Cỡ máy hoặc hệ điều hành này không còn dùng được; hãy báo tổ vận hành",
        "This size or operating system can be had no more; tell the cloud team",
    )),
    (r"not support|ConfigurationInvalid|policy does not allow", _NONE, Words(
        "Tổ hợp đã chọn không dùng được trên loại máy chủ này; hãy hỏi tổ vận hành",
        "What was chosen cannot be had together on this kind of server; ask the cloud team",
    )),
)  # fmt: skip
_BY_CODE = {
    "guest_not_reached": Words(
        "Máy chủ đã tạo nhưng không trả lời khi kết nối", "The server was made but does not answer"
    ),
    "guest_not_set_up": Words(
        "Không cài đặt được phần mềm trong máy chủ", "The software in the server could not be set up"
    ),
    "not_green": Words(
        "Máy chủ đã cài đặt nhưng chưa qua được kiểm tra hoạt động",
        "The server is set up but did not pass the checks of whether it works",
    ),
}
_OTHER = Words(
    "Đám mây không thực hiện được yêu cầu; tổ vận hành có chi tiết",
    "The cloud could not do it; the cloud team has the details",
)


def patience(error: InfraError) -> timedelta:
    """For how long it may help to try again."""
    if isinstance(error, QuotaExceeded | ChangeRefused):
        return _NONE
    return next((long for rule, long, _ in _KNOWN if re.search(rule, str(error))), PATIENCE)


def plain_words(error: InfraError) -> Words:
    """The plain reason first, then the technical one in brackets."""
    if isinstance(error, QuotaExceeded | ChangeRefused):
        return error.told
    found = next((words for rule, _, words in _KNOWN if re.search(rule, str(error))), None)
    words = found or _BY_CODE.get(error.code, _OTHER)
    detail = " ".join(str(error).split())[:LONGEST]
    return Words(f"{words.vi} ({detail})", f"{words.en} ({detail})")

"""Words of the cloud for readers: resource classes, states, resources of quotas, reasons."""

from __future__ import annotations

from monitoring.overview import NOTICE, PAGE, Use
from monitoring.pages.language import Language
from monitoring.pages.page import BAD, GOOD, WARN

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
_CLASSES = {
    "VCPU": ("Cores", "Lõi xử lý"),
    "PCPU": ("Dedicated cores", "Lõi dành riêng"),
    "MEMORY_MB": ("Memory", "Bộ nhớ"),
    "DISK_GB": ("Local disk", "Ổ đĩa cục bộ"),
}
_STATES = {
    "up": (GOOD, "up", "hoạt động"),
    "down": (BAD, "down", "ngừng"),
    "unreachable": (BAD, "unreachable", "không kết nối được"),
    "disabled": (WARN, "disabled", "đã tắt cấp phát"),
    "unknown": (WARN, "unknown", "không rõ"),
    "idle": ("", "not expected", "không theo dõi"),
}
_SEVERITIES = {PAGE: (BAD, "urgent", "khẩn cấp"), NOTICE: (WARN, "notice", "cần xử lý")}
_RESOURCES = {
    "cores": ("cores", "lõi xử lý"),
    "instances": ("servers", "máy chủ"),
    "memory": ("memory", "bộ nhớ"),
    "volumes": ("volumes", "ổ đĩa"),
    "volume_storage": ("volume storage", "dung lượng ổ đĩa"),
    "gigabytes": ("volume storage", "dung lượng ổ đĩa"),
    "snapshots": ("snapshots", "bản chụp"),
    "floating_ips": ("public addresses", "địa chỉ công khai"),
    "networks": ("networks", "mạng"),
    "routers": ("routers", "bộ định tuyến"),
    "ports": ("ports", "cổng mạng"),
    "security_groups": ("security groups", "nhóm bảo mật"),
}
_REASONS = {
    "timeout": ("no answer in time", "không trả lời kịp"),
    "refused": ("connection refused", "từ chối kết nối"),
    "unreachable": ("network unreachable", "không tới được mạng"),
    "stopped": ("it is stopped", "máy đang dừng"),
    "closed": ("connection closed", "kết nối bị đóng"),
    "no_banner": ("no SSH banner", "không có SSH"),
    "no_reply": ("no reply", "không hồi đáp"),
    "tls_failed": ("TLS failed", "lỗi TLS"),
    "certificate_expired": ("certificate expired", "chứng thư hết hạn"),
    "certificate_untrusted": ("certificate not trusted", "chứng thư không tin cậy"),
    "certificate_wrong_name": ("certificate of another name", "chứng thư sai tên"),
    "certificate_expires_soon": ("certificate expires soon", "chứng thư sắp hết hạn"),
    "wrong_status": ("wrong HTTP status", "sai mã HTTP"),
    "wrong_body": ("wrong content", "sai nội dung"),
    "bad_answer": ("answer not understood", "trả lời không hợp lệ"),
    "no_such_name": ("name not in DNS", "tên không có trong DNS"),
    "wrong_answer": ("wrong DNS answer", "DNS trả lời sai"),
    "failed": ("failed", "thất bại"),
}

SLOS = {  # by the names of monitoring/slos
    "workload-availability": ("servers of agencies answer", "máy chủ của cơ quan trả lời"),
    "api-availability": ("APIs answer", "API trả lời"),
    "server-creation": ("a new server comes up", "tạo được máy chủ mới"),
    "server-creation-time": ("a new server is up in two minutes", "máy chủ mới chạy trong hai phút"),
    "portal-availability": ("the portal answers", "cổng dịch vụ trả lời"),
    "portal-answer-time": ("the portal answers in half a second", "cổng dịch vụ trả lời trong nửa giây"),
}


def objective(name: str, say: Language) -> str:
    """What an SLO promises."""
    return say(*SLOS.get(name, (name.replace("-", " "), name)))


def resource_class(name: str, say: Language) -> str:
    return say(*_CLASSES.get(name, (name, name)))


def amount(value: float, name: str, say: Language) -> str:
    """Of a resource class: a count of cores, or bytes."""
    return say.number(value) if name in ("VCPU", "PCPU") else say.bytes(value)


def used_of(use: Use, name: str, say: Language) -> str:
    """`182 of 256`; with one unit where both have the same."""
    used, whole = amount(use.used, name, say), amount(use.allocatable, name, say)
    if use.used == 0:
        return f"0 / {whole}"
    if used.rpartition(" ")[2] == whole.rpartition(" ")[2] and " " in whole:
        used = used.rpartition(" ")[0]
    return f"{used} / {whole}"


def state(name: str, say: Language) -> tuple[str, str]:
    """(grade, word) of a hypervisor or a workload."""
    grade, english, vietnamese = _STATES.get(name, ("", name, name))
    return grade, say(english, vietnamese)


def severity(name: str, say: Language) -> tuple[str, str]:
    grade, english, vietnamese = _SEVERITIES.get(name, (WARN, name, name))
    return grade, say(english, vietnamese)


def resource(name: str, say: Language) -> str:
    """What a quota limits."""
    return say(*_RESOURCES.get(name, (name.replace("_", " "), name.replace("_", " "))))


def reason(name: str, say: Language) -> str:
    """Why a probe failed."""
    return say(*_REASONS.get(name, (name.replace("_", " "), name.replace("_", " "))))

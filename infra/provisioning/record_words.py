"""The words of a record in Vietnamese, beside the English ones that the code itself uses."""

from __future__ import annotations

STEPS = {
    "inventory": ("Inventory", "Kiểm kê tài nguyên"),
    "confirmation": ("Second person's confirmation", "Người thứ hai xác nhận"),
    "close": ("Portal closed to the agency", "Đóng cổng dịch vụ đối với cơ quan"),
    "export": ("Export of metadata", "Xuất dữ liệu mô tả"),
    "freeze": ("Freeze: access ended, servers stopped", "Đóng băng: khóa truy cập, dừng máy chủ"),
    "snapshot": ("Snapshots of volumes and servers", "Chụp nhanh ổ đĩa và máy chủ"),
    "transfer": ("Export of volumes, disks and images", "Xuất ổ đĩa, đĩa máy chủ và ảnh đĩa"),
    "check": ("Export read back and verified", "Đọc lại và kiểm tra dữ liệu đã xuất"),
    "delete": ("Deletion", "Xóa tài nguyên"),
    "end": ("Requests, access and quota in the portal ended", "Chấm dứt yêu cầu, quyền và hạn mức trên cổng"),
    "proof": ("Zero-residue proof", "Chứng minh không còn tồn dư"),
    "record": ("Record", "Lập biên bản"),
}
NOTES = {
    "order": (
        "The data was exported after the freeze, so it is consistent; nothing was deleted before the export"
        " was verified.",
        "Dữ liệu được xuất sau khi đóng băng, nên nhất quán; không có gì bị xóa trước khi bản xuất được kiểm"
        " tra.",
    ),
    "together": (
        "What was not removed singly went with the agency's stack, or with what held it.",
        "Những gì không xóa riêng đã được xóa cùng với vùng của cơ quan (stack) hoặc cùng với thứ chứa nó.",
    ),
    "proof": (
        "At {at} every API of the cloud was read again with the administrator's rights: {kinds} kinds,"
        " {things} things. Things that are still the agency's: <b>{left}</b>.",
        "Lúc {at}, mọi giao diện (API) của hệ thống đã được đọc lại với quyền quản trị: {kinds} loại,"
        " {things} mục. Số mục còn thuộc về cơ quan: <b>{left}</b>.",
    ),
    "portal": (
        "Ended in the self-service portal. At the proof the portal was closed to the agency, and had"
        " <b>{left}</b> of these.",
        "Đã chấm dứt trên cổng dịch vụ. Khi chứng minh, cổng đã đóng đối với cơ quan và còn <b>{left}</b> mục"
        " trong số này.",
    ),
    "signed": (
        "This record is signed with a certificate of the site's internal authority; its JSON is embedded in"
        " this PDF. To check it:"
        " <font name='RecordMono' size='7.5'>citycloud zone verify-record FOLDER</font>.",
        "Biên bản này được ký số bằng chứng thư do hệ thống chứng thực nội bộ cấp; bản JSON được đính kèm"
        " trong tệp PDF này.",
    ),
}
"""Sentences of the record: English, Vietnamese."""
KINDS = {
    "RBAC policy": "Chính sách chia sẻ mạng",
    "QoS policy": "Chính sách chất lượng mạng",
    "address group": "Nhóm địa chỉ",
    "address scope": "Phạm vi địa chỉ",
    "allocation": "Tài nguyên đã cấp phát",
    "application credential": "Thông tin xác thực ứng dụng",
    "backup": "Bản sao lưu",
    "credential": "Thông tin xác thực khác",
    "domain": "Miền định danh",
    "domain role": "Vai trò của miền",
    "flavor access": "Quyền dùng cấu hình máy",
    "floating IP": "Địa chỉ IP công khai",
    "group": "Nhóm người dùng",
    "group snapshot": "Bản chụp nhóm ổ đĩa",
    "hidden image": "Ảnh đĩa ẩn",
    "identity provider": "Nhà cung cấp định danh",
    "image": "Ảnh đĩa",
    "image access": "Quyền dùng ảnh đĩa",
    "keypair": "Cặp khóa SSH",
    "limit": "Giới hạn tài nguyên",
    "metadata definition": "Định nghĩa siêu dữ liệu",
    "metering label": "Nhãn đo lưu lượng",
    "network": "Mạng",
    "off-boarding copy": "Bản sao tạm khi xuất",
    "port": "Cổng mạng",
    "project": "Dự án",
    "quota": "Hạn mức",
    "role assignment": "Phân quyền",
    "router": "Bộ định tuyến",
    "security group": "Nhóm bảo mật",
    "security group rule": "Quy tắc bảo mật",
    "server": "Máy chủ ảo",
    "server group": "Nhóm máy chủ",
    "snapshot": "Bản chụp nhanh",
    "subnet": "Mạng con",
    "subnet pool": "Vùng mạng con",
    "trunk": "Cổng trung kế",
    "trust": "Ủy quyền",
    "user": "Người dùng",
    "volume": "Ổ đĩa",
    "volume group": "Nhóm ổ đĩa",
    "volume transfer": "Chuyển giao ổ đĩa",
    "volume type access": "Quyền dùng loại ổ đĩa",
}


IN_PORTAL = {
    "requests": ("Open requests", "Yêu cầu đang mở"),
    "deployments": ("Deployments", "Tài nguyên đã cấp"),
    "delegations": ("Delegations of approval", "Ủy quyền phê duyệt"),
    "tokens": ("Access tokens", "Mã truy cập"),
    "sessions": ("Sessions", "Phiên làm việc"),
    "people": ("People who got notices", "Người nhận thông báo"),
    "accounts": ("Accounts of quota", "Tài khoản hạn mức"),
}
"""What an agency has in the portal: English, Vietnamese."""


def kind_in_vietnamese(kind: str) -> str:
    """The kind's own word where there is no Vietnamese one."""
    return KINDS.get(kind, kind)


def note(name: str, **values: object) -> str:
    """A sentence in both languages, Vietnamese first."""
    english, vietnamese = NOTES[name]
    return f"{vietnamese}<br/>{english}".format(**values)

"""Draws a record as one PDF in Vietnamese and English, to be filed: A4, with embedded fonts.

The letters are DejaVu's (Debian's fonts-dejavu-core), which has all that Vietnamese needs.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from infra.domain.offboarding import STEPS as ORDER
from infra.errors import InfraError
from infra.provisioning.export import amount
from infra.provisioning.record_words import IN_PORTAL, KINDS, STEPS, kind_in_vietnamese, note

FONTS = Path("/usr/share/fonts/truetype/dejavu")
_FACES = {
    "Record": "DejaVuSerif.ttf",
    "RecordBold": "DejaVuSerif-Bold.ttf",
    "RecordMono": "DejaVuSansMono.ttf",
}
_LINE = "#9a9a9a"
_SHADE = "#eeeeee"
_OUTSIDE = 1000  # rows of a table in the PDF; the JSON has them all


class FontMissing(InfraError):
    """The letters of the record are not installed; install them: apt install fonts-dejavu-core."""

    code = "font_missing"


def draw(told: Mapping[str, Any], json_sha256: str) -> bytes:
    """The record `told` (see `infra.provisioning.record.tell`) as a PDF without a signature; the same record
    gives the same bytes. Raises FontMissing."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    _register()
    page = _Page(told)
    stream = io.BytesIO()
    code = told["agency"]["code"]
    document = SimpleDocTemplate(
        stream, pagesize=A4, leftMargin=22 * mm, rightMargin=16 * mm, topMargin=18 * mm, bottomMargin=20 * mm,
        title=f"Biên bản chấm dứt sử dụng / Off-boarding record: {code}", author=f"City Cloud {told['site']}",
        subject=f"SHA-256 of record.json: {json_sha256}", lang="vi-VN", invariant=1,
    )  # fmt: skip
    parts = [
        *page.head(), *page.parties(), *page.steps(), *page.things(), *page.export(), *page.proof(),
        *page.signatures(json_sha256),
    ]  # fmt: skip
    foot = _foot(told["id"], code)
    document.build(parts, onFirstPage=foot, onLaterPages=foot)
    return stream.getvalue()


class _Page:
    """The parts of the document, each a list of reportlab's flowables."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        from reportlab.lib.enums import TA_CENTER
        from reportlab.lib.styles import ParagraphStyle

        self._told = told
        plain = ParagraphStyle("plain", fontName="Record", fontSize=9, leading=12.5)
        bold = ParagraphStyle("bold", parent=plain, fontName="RecordBold")
        self._styles = {
            "plain": plain,
            "bold": bold,
            "centre": ParagraphStyle("centre", parent=plain, alignment=TA_CENTER),
            "motto": ParagraphStyle("motto", parent=bold, alignment=TA_CENTER),
            "title": ParagraphStyle("title", parent=bold, alignment=TA_CENTER, fontSize=14, leading=19),
            "under": ParagraphStyle("under", parent=plain, alignment=TA_CENTER, fontSize=10.5, leading=15),
            "heading": ParagraphStyle(
                "heading", parent=bold, fontSize=10.5, spaceBefore=10, spaceAfter=4, keepWithNext=1
            ),
            "cell": ParagraphStyle("cell", parent=plain, fontSize=8, leading=10.5),
            "mono": ParagraphStyle("mono", parent=plain, fontName="RecordMono", fontSize=6.8, leading=9),
        }

    def head(self) -> list[Any]:
        """Who issues it, the country's name and motto as on every official paper, and the title."""
        told, city = self._told, self._told["city"]
        english = "Socialist Republic of Viet Nam<br/>Independence - Freedom - Happiness"
        left = [
            self._text(city["vi"].upper(), "motto"),
            self._text("TRUNG TÂM DỮ LIỆU THÀNH PHỐ", "centre"),
            self._text(f"City Cloud · {told['site']}", "centre"),
        ]
        right = [
            self._text("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "motto"),
            self._text("Độc lập - Tự do - Hạnh phúc", "motto"),
            self._text(english, "centre"),
        ]
        made = f"Số / No.: {told['id']} · Lập lúc / Made at: {_time(told['recorded_at'])}"
        return [
            self._table([[left, right]], (72, 100), plain=True),
            self._space(8),
            self._text("BIÊN BẢN CHẤM DỨT SỬ DỤNG<br/>HẠ TẦNG ĐIỆN TOÁN ĐÁM MÂY CỦA THÀNH PHỐ", "title"),
            self._text("RECORD OF AN AGENCY'S OFF-BOARDING FROM THE CITY CLOUD", "under"),
            self._text(made, "under"),
        ]

    def parties(self) -> list[Any]:
        told, agency, given = self._told, self._told["agency"], self._told["confirmation"]
        names = [agency.get("name_vi", ""), agency.get("name_en", "")]
        rows = [
            ("Cơ quan", "Agency", "<br/>".join(escape(one) for one in names if one)),
            ("Mã cơ quan", "Agency's code", escape(agency["code"])),
            ("Người đề nghị", "Requested by", escape(told["requested_by"])),
            ("Người xác nhận", "Confirmed by", escape(given.get("confirmed_by", ""))),
            ("Xác nhận lúc", "Confirmed at", _time(given.get("at", ""))),
            ("Bằng chứng xác nhận", "Proof of confirmation", escape(given.get("proof", ""))),
            (
                "Mã băm bản kiểm kê được xác nhận",
                "Digest of the confirmed inventory",
                _mono(given.get("digest", "")),
            ),
        ]
        return [self._heading("1", "Các bên", "Parties"), self._pairs(rows)]

    def steps(self) -> list[Any]:
        done = sorted(self._told["steps"], key=lambda one: (one["started_at"], ORDER.index(one["step"])))
        rows = [
            [f"{STEPS[step][1]}<br/>{STEPS[step][0]}", _time(one["started_at"]), _time(one["ended_at"])]
            for one in done
            for step in [one["step"]]
        ]
        head = ["Bước<br/>Step", "Bắt đầu<br/>Began", "Kết thúc<br/>Ended"]
        return [
            self._heading("2", "Trình tự thực hiện", "Steps"),
            self._rows(head, rows, (80, 46, 46)),
            self._text(note("order"), "cell"),
        ]

    def things(self) -> list[Any]:
        held, removed = self._told["held"]["counts"], self._told["removed"]
        seen = self._told["proof"]["looked_through"]
        words = list(KINDS)
        kinds = sorted({*held, *removed, *seen}, key=lambda kind: words.index(kind) if kind in words else 99)
        left = [kind for kind, *_ in self._told["proof"]["left"]]
        rows = [
            [
                f"{escape(kind_in_vietnamese(kind))} / {escape(kind)}",
                str(held.get(kind, 0)),
                str(removed.get(kind, 0)),
                str(left.count(kind)),
                str(seen.get(kind, "-")),
            ]
            for kind in kinds
        ]
        head = [
            "Loại / Kind",
            "Đã kiểm kê<br/>Held",
            "Đã xóa riêng<br/>Removed singly",
            "Còn lại<br/>Left",
            "Đã xem toàn hệ thống<br/>Looked at, whole cloud",
        ]
        return [
            self._heading("3", "Tài nguyên", "Things"),
            self._rows(head, rows, (72, 22, 26, 18, 34)),
            self._text(note("together"), "cell"),
            *self._portal(),
        ]

    def _portal(self) -> list[Any]:
        """What ended in the portal; nothing where the site has none."""
        proof = self._told["proof"].get("portal")
        if proof is None:
            return []
        ended = self._told["portal"]
        pairs = [(vi, en, str(ended.get(kind, 0))) for kind, (en, vi) in IN_PORTAL.items()]
        said = note("portal", left=sum(proof["left"].values()))
        return [self._space(4), self._pairs(pairs), self._text(said, "cell")]

    def export(self) -> list[Any]:
        exported, files = self._told["exported"], self._told["exported"]["files"]
        rows = [
            [f"{_mono(one['path'])}<br/>{_mono(one['sha256'])}", f"{amount(one['size'])}<br/>{one['size']} B"]
            for one in files[:_OUTSIDE]
        ]
        pairs = [
            ("Thư mục", "Folder", escape(exported["folder"])),
            (
                "Tổng",
                "In all",
                f"{len(files)} tệp / files, {amount(exported['bytes'])} ({exported['bytes']} B)",
            ),
            ("SHA-256 của tệp SHA256SUMS", "SHA-256 of SHA256SUMS", _mono(exported["sha256sums"])),
        ]
        pairs += [
            ("Không có dữ liệu đĩa", "No bytes exported", f"{escape(what)}: {escape(why)}")
            for what, why in self._told["without_bytes"].items()
        ]
        pairs += [
            ("Chỉ xuất mô tả", "Metadata only", f"{count} x {kind_in_vietnamese(kind)} / {kind}")
            for kind, count in self._told["not_exported"].items()
        ]
        head = ["Tệp và SHA-256<br/>File and SHA-256", "Kích thước<br/>Size"]
        return [
            self._heading("4", "Dữ liệu đã xuất", "Exported data"),
            self._pairs(pairs),
            self._space(4),
            self._rows(head, rows, (140, 32)),
        ]

    def proof(self) -> list[Any]:
        proof = self._told["proof"]
        seen, left = proof["looked_through"], len(proof["left"]) + len(proof["stack"])
        said = note(
            "proof", at=_time(proof["at"]), kinds=len(seen), things=sum(seen.values()), left=left
        )  # fmt: skip
        return [
            self._heading("5", "Chứng minh không còn tồn dư", "Zero-residue proof"),
            self._text(said, "plain"),
        ]

    def signatures(self, digest: str) -> list[Any]:
        from reportlab.platypus import KeepTogether

        said = f"{note('signed')}<br/>SHA-256 record.json: {_mono(digest)}"
        who = (
            ("Người đề nghị", "Requested by"),
            ("Người xác nhận", "Confirmed by"),
            ("Đại diện cơ quan", "For the agency"),
        )
        room = "<br/>" * 5
        boxes = [[self._text(f"<b>{vi}</b><br/>{en}{room}", "centre") for vi, en in who]]
        parts = [
            self._heading("6", "Chữ ký", "Signatures"),
            self._text(said, "plain"),
            self._space(6),
            self._table(boxes, (57, 57, 58)),
        ]
        return [KeepTogether(parts)]

    def _heading(self, number: str, vietnamese: str, english: str) -> Any:
        return self._text(f"{number}. {vietnamese} / {english}", "heading")

    def _pairs(self, rows: Iterable[tuple[str, str, str]]) -> Any:
        cells = [
            [self._text(f"{vi}<br/>{en}", "cell"), self._text(value or "-", "cell")] for vi, en, value in rows
        ]
        return self._table(cells, (52, 120))

    def _rows(self, head: list[str], rows: list[list[str]], widths: tuple[int, ...]) -> Any:
        top = [self._text(f"<font name='RecordBold'>{one}</font>", "cell") for one in head]
        return self._table(
            [top, *([self._text(one, "cell") for one in row] for row in rows)], widths, head=True
        )

    def _table(
        self, cells: list[list[Any]], widths: tuple[int, ...], *, head: bool = False, plain: bool = False
    ) -> Any:
        from reportlab.lib.units import mm
        from reportlab.platypus import Table, TableStyle

        rules: list[Any] = [("VALIGN", (0, 0), (-1, -1), "TOP")]
        if not plain:
            rules += [("GRID", (0, 0), (-1, -1), 0.4, _LINE), ("TOPPADDING", (0, 0), (-1, -1), 2),
                      ("BOTTOMPADDING", (0, 0), (-1, -1), 3)]  # fmt: skip
        if head:
            rules.append(("BACKGROUND", (0, 0), (-1, 0), _SHADE))
        table = Table(
            cells, colWidths=[width * mm for width in widths], repeatRows=1 if head else 0, hAlign="LEFT"
        )
        table.setStyle(TableStyle(rules))
        return table

    def _text(self, text: str, style: str) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(text, self._styles[style])

    def _space(self, points: int) -> Any:
        from reportlab.platypus import Spacer

        return Spacer(1, points)


def _register() -> None:
    from reportlab.lib.fonts import addMapping
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    for name, file in _FACES.items():
        try:
            pdfmetrics.registerFont(TTFont(name, str(FONTS / file)))
        except TTFError as missing:
            raise FontMissing(f"{FONTS / file} is not there: apt install fonts-dejavu-core") from missing
    for italic in (0, 1):
        addMapping("Record", 0, italic, "Record")
        addMapping("Record", 1, italic, "RecordBold")


def _foot(number: str, code: str) -> Any:
    def draw_foot(canvas: Any, document: Any) -> None:
        from reportlab.lib.units import mm

        canvas.saveState()
        canvas.setFont("Record", 7.5)
        canvas.drawString(22 * mm, 11 * mm, f"City Cloud · {code} · {number}")
        canvas.drawRightString(194 * mm, 11 * mm, f"Trang / Page {document.page}")
        canvas.restoreState()

    return draw_foot


def _time(text: str) -> str:
    """`2026-11-24 00:23:51 UTC` of an ISO time."""
    return escape(text.replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC"))


def _mono(text: str) -> str:
    return f"<font name='RecordMono' size='6.8'>{escape(text)}</font>"

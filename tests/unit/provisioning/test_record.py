from __future__ import annotations

import datetime as dt
import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from infra.domain.offboarding import STEPS
from infra.errors import InfraError
from infra.provisioning import certificates, record
from infra.provisioning.export import ExportFolder
from infra.provisioning.offboarding_case import Case
from infra.provisioning.record_pdf import FontMissing
from infra.provisioning.record_signature import RecordSignatureWrong
from infra.provisioning.record_words import KINDS
from infra.provisioning.record_words import STEPS as STEP_WORDS

NOW = dt.datetime.now(dt.UTC)
AUTHORITY = certificates.make_authority("test", NOW)
CITY = {"vi": "Thành phố Hải Phòng", "en": "Hai Phong City"}


def make_case(folder: ExportFolder) -> Case:
    case = Case("a1b2c3d4e5f6", "h-bachlongvi", str(folder.root), "an", NOW.timestamp())
    case.names = {"name_vi": "Ủy ban nhân dân huyện Bạch Long Vĩ", "name_en": "Bach Long Vi District"}
    case.times = [
        {
            "step": step,
            "started_at": NOW.timestamp(),
            "ended_at": NOW.timestamp() + 1,
            "event": "done",
            "runs": 1,
        }
        for step in STEPS[:-1]
    ]
    case.things = [["server", "s", "web", 1], ["snapshot", "n", "old", 1]]
    case.confirmation = {
        "digest": "ab" * 32,
        "confirmed_by": "bình",
        "at": NOW.isoformat(),
        "proof": "signature",
    }
    case.files = {"volume/v": asdict(folder.write_json("volumes/v.qcow2", ["bytes"]))}
    case.given_up = {"server/s": "<không cần> & xong"}
    case.proof = {
        "at": NOW.isoformat(),
        "looked_through": {"server": 4},
        "left": [],
        "stack": [],
        "not_read": [],
        "portal": {"closed": True, "left": {}},
    }
    case.portal = {"requests": 7}
    case.sums_digest = folder.write_sums(case.files)
    return case


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = ExportFolder(tmp_path / "export", lambda sentence: None)
    folder.prepare()
    record.SiteNotary("test", CITY, AUTHORITY, lambda: NOW).write(make_case(folder), folder)
    return folder.root


def test_a_record_is_found_right_with_the_export_beside_it(written: Path) -> None:
    checked = record.check(written, AUTHORITY.certificate)
    assert (checked.agency, checked.outcome, checked.files, checked.absent) == (
        "h-bachlongvi",
        "removed",
        1,
        (),
    )
    assert (checked.requested_by, checked.confirmed_by) == ("an", "bình")
    assert record.check(written / "record", AUTHORITY.certificate) == checked


def test_a_record_is_right_without_the_export_and_says_what_is_not_there(written: Path) -> None:
    (written / "volumes/v.qcow2").unlink()
    assert record.check(written, AUTHORITY.certificate).absent == ("volumes/v.qcow2",)


def _replace(name: str, old: bytes, new: bytes) -> Any:
    def spoil(written: Path) -> None:
        file = written / "record" / name
        data = file.read_bytes()
        assert old in data
        file.write_bytes(data.replace(old, new, 1))

    return spoil


SPOILT = {
    "another agency in the JSON": _replace("record.json", b"h-bachlongvi", b"h-bachlongvx"),
    "a digest in the checksums": _replace("SHA256SUMS", b"  record.json", b"  record.jsom"),
    "a byte of the PDF": _replace("record.pdf", b"/Type", b"/Typo"),
    "something behind the PDF's end": lambda written: _append(written / "record/record.pdf", b"\n% more"),
    "no signature": lambda written: (written / "record/record.json.p7s").write_bytes(b"nothing"),
    "a byte of the export": lambda written: _append(written / "volumes/v.qcow2", b"!"),
    "the export's checksums": lambda written: _append(written / "SHA256SUMS", b"\n"),
}


def _append(file: Path, data: bytes) -> None:
    file.write_bytes(file.read_bytes() + data)


@pytest.mark.parametrize("what", SPOILT)
def test_whatever_is_changed_afterwards_is_found(written: Path, what: str) -> None:
    SPOILT[what](written)
    with pytest.raises(InfraError) as found:
        record.check(written, AUTHORITY.certificate)
    assert found.value.code in {"record_signature_wrong", "export_damaged"}


def test_a_record_of_another_authority_proves_nothing(written: Path) -> None:
    with pytest.raises(RecordSignatureWrong, match="not by this site's authority"):
        record.check(written, certificates.make_authority("test", NOW).certificate)


def test_the_pdf_of_another_record_is_found(written: Path, tmp_path: Path) -> None:
    other = ExportFolder(tmp_path / "other", lambda sentence: None)
    other.prepare()
    case = make_case(other)
    case.requested_by = "somebody else"
    record.SiteNotary("test", CITY, AUTHORITY, lambda: NOW).write(case, other)
    (written / "record/record.pdf").write_bytes((other.root / "record/record.pdf").read_bytes())
    with pytest.raises(RecordSignatureWrong):
        record.check(written, AUTHORITY.certificate)


def test_openssl_and_sha256sum_check_it_too(written: Path, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(AUTHORITY.certificate)
    place = written / "record"
    how = ["-verify", "-binary", "-inform", "DER", "-CAfile", str(ca), "-purpose", "any", "-out", "/dev/null"]
    for name in ("record.json", "SHA256SUMS"):
        files = ["-in", f"{name}.p7s", "-content", name]
        subprocess.run(["openssl", "cms", *how, *files], cwd=place, check=True, capture_output=True)
    for folder in (place, written):
        subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)


def test_the_pdf_says_it_in_vietnamese_and_english(written: Path) -> None:
    document = pypdfium2.PdfDocument(written / "record/record.pdf")
    text = " ".join(page.get_textpage().get_text_range() for page in document)
    text = " ".join(text.split())
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Ủy ban nhân dân huyện Bạch Long Vĩ", "Bach Long Vi District",
        "Chứng minh không còn tồn dư", "Zero-residue proof", "<không cần> & xong", "volumes/v.qcow2",
        "Chấm dứt yêu cầu, quyền và hạn mức trên cổng", "Yêu cầu đang mở Open requests 7",
        "Chỉ xuất mô tả", "1 x Bản chụp nhanh / snapshot",
    ):  # fmt: skip
        assert words in text, words
    document.close()


def test_the_json_has_everything_that_was_held(written: Path) -> None:
    told = json.loads((written / "record/record.json").read_bytes())
    assert told["held"]["counts"] == {"server": 1, "snapshot": 1}
    assert told["not_exported"] == {"snapshot": 1}
    assert told["portal"] == {"requests": 7}
    assert [one["step"] for one in told["steps"]] == list(STEPS[:-1])


def test_every_step_and_kind_has_a_vietnamese_word() -> None:
    from infra.cloud.holding import COPY
    from infra.cloud.holding import KINDS as READ
    from infra.cloud.removal import ORDER

    assert set(STEP_WORDS) == set(STEPS)
    assert {*ORDER, COPY, *(kind.name for kind in READ), "allocation"} <= set(KINDS)


def test_a_missing_font_is_said_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.provisioning import record_pdf

    monkeypatch.setattr(record_pdf, "FONTS", tmp_path)
    folder = ExportFolder(tmp_path / "export", lambda sentence: None)
    folder.prepare()
    with pytest.raises(FontMissing, match="apt install fonts-dejavu-core"):
        record.SiteNotary("test", CITY, AUTHORITY, lambda: NOW).write(make_case(folder), folder)


def test_no_key_is_written_with_a_record(written: Path) -> None:
    for file in written.rglob("*"):
        assert not file.is_file() or b"PRIVATE KEY" not in file.read_bytes()

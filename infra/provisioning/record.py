"""The record of an off-boarding: what it says, where it is kept, and how it is checked.

record/record.json       canonical JSON: everything, for programs
record/record.json.p7s   detached CMS signature of it
record/record.pdf        Vietnamese and English, for people and files; signed inside, record.json embedded
record/ca.pem            the authority whose signatures these are
record/SHA256SUMS        checksums of these four, and record/SHA256SUMS.p7s its signature

The JSON holds the checksum of the export's SHA256SUMS, the PDF prints and embeds the JSON, and the signed
record/SHA256SUMS holds both: none of them can be exchanged alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.domain.holding import canonical
from infra.domain.offboarding import OF_PORTAL
from infra.errors import InfraError
from infra.provisioning import record_signature
from infra.provisioning.certificates import Pair
from infra.provisioning.export import SUMS, ExportFolder
from infra.provisioning.offboarding_case import Case, replace_file
from infra.provisioning.record_pdf import draw
from infra.provisioning.record_signature import RecordSignatureWrong

FORM = "citycloud-offboarding-record/1"
FOLDER = "record"
_FILES = ("record.json", "record.json.p7s", "record.pdf", "ca.pem")


class RecordUnreadable(InfraError):
    """There is no whole record at this place; name the export folder, or its `record` folder."""

    code = "record_unreadable"


@dataclass(frozen=True)
class Checked:
    """What a record was found to be. `files` counts those of the export that were read and are right;
    `absent` those that are not beside the record any more."""

    agency: str
    outcome: str
    requested_by: str
    confirmed_by: str
    signer: str
    files: int
    bytes: int
    absent: tuple[str, ...] = field(default=())


class SiteNotary:
    """Writes records in the name of a site. `authority` is the site's CA with its key."""

    def __init__(
        self, site: str, city: Mapping[str, str], authority: Pair, clock: Callable[[], dt.datetime]
    ) -> None:
        self._site = site
        self._city = city
        self._authority = authority
        self._clock = clock

    def __repr__(self) -> str:
        return f"SiteNotary({self._site!r})"

    def write(self, case: Case, folder: ExportFolder) -> dict[str, Any]:
        """All files of the record; written again, they replace what is there."""
        now = self._clock()
        told = tell(case, self._site, self._city, now)
        document = canonical(told)
        authority = self._authority.certificate
        signer = record_signature.make_signer(self._authority, f"City Cloud {self._site} off-boarding", now)
        reason = f"Off-boarding of {case.agency} / Chấm dứt sử dụng dịch vụ của {case.agency}"
        drawn = draw(told, hashlib.sha256(document).hexdigest())
        pdf = record_signature.sign_pdf(signer, authority, drawn, reason, ("record.json", document))
        files = {
            "record.json": document,
            "record.json.p7s": record_signature.sign_bytes(signer, authority, document),
            "record.pdf": pdf,
            "ca.pem": authority.encode(),
        }
        sums = "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files)).encode()
        files[SUMS] = sums
        files[f"{SUMS}.p7s"] = record_signature.sign_bytes(signer, authority, sums)
        place = folder.root / FOLDER
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, data in files.items():
            replace_file(place / name, [data])
        return {"folder": str(place), "files": {name: _sha256(data) for name, data in files.items()}}


def tell(case: Case, site: str, city: Mapping[str, str], now: dt.datetime) -> dict[str, Any]:
    """Everything that the record says, as plain values."""
    counts: dict[str, int] = {}
    for kind, *_ in case.things:
        counts[kind] = counts.get(kind, 0) + 1
    return {
        "form": FORM,
        "id": case.id,
        "site": site,
        "city": dict(city),
        "agency": {"code": case.agency, **case.names},
        "outcome": "removed",
        "requested_by": case.requested_by,
        "confirmation": case.confirmation,
        "started_at": _iso(case.started),
        "recorded_at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "steps": [
            {**one, "started_at": _iso(one["started_at"]), "ended_at": _iso(one["ended_at"])}
            for one in case.times
            if one["ended_at"] is not None and ("portal" in case.proof or one["step"] not in OF_PORTAL)
        ],
        "held": {
            "counts": dict(sorted(counts.items())), "things": case.things, "plan_digest": case.plan_digest,
        },
        "exported": {
            "folder": case.folder,
            "files": [case.files[key] for key in sorted(case.files)],
            "bytes": sum(int(one["size"]) for one in case.files.values()),
            "sha256sums": case.sums_digest,
        },
        "without_bytes": dict(sorted(case.given_up.items())),
        "waivers": dict(sorted(case.waivers.items())),
        "not_exported": {
            kind: counts[kind] for kind in ("snapshot", "backup", "group snapshot") if kind in counts
        },
        "removed": dict(sorted(case.removed.items())),
        "portal": dict(case.portal),
        "proof": case.proof,
    }  # fmt: skip


def check(place: Path, authority: str) -> Checked:
    """Check every signature and checksum of a record, and every file of the export that is still beside it.

    `place` is the export folder or its `record` folder; `authority` the certificate (PEM) of the site's own
    CA: the one in the folder proves nothing. Raises RecordSignatureWrong, RecordUnreadable.
    """
    folder = place if (place / "record.json").exists() else place / FOLDER
    files = _read_record(folder)
    signed = record_signature.check_bytes(files["record.json"], files["record.json.p7s"], authority)
    record_signature.check_bytes(files[SUMS], files[f"{SUMS}.p7s"], authority)
    record_signature.check_pdf(files["record.pdf"], authority)
    wrong = [name for name, digest in _sums(files[SUMS]).items() if _sha256(files.get(name, b"")) != digest]
    if wrong:
        raise RecordSignatureWrong(f"not what the signed checksums say: {', '.join(wrong)}")
    if record_signature.attached(files["record.pdf"], "record.json") != files["record.json"]:
        raise RecordSignatureWrong("the PDF is of another record than the JSON beside it")
    told = json.loads(files["record.json"])
    count, size, absent = _check_export(folder.parent, told)
    confirmation = told["confirmation"]
    return Checked(
        told["agency"]["code"], told["outcome"], told["requested_by"], confirmation.get("confirmed_by", ""),
        signed.signer, count, size, tuple(absent),
    )  # fmt: skip


def _check_export(root: Path, told: dict[str, Any]) -> tuple[int, int, list[str]]:
    sums = root / SUMS
    if sums.exists() and _sha256(sums.read_bytes()) != told["exported"]["sha256sums"]:
        raise RecordSignatureWrong(f"{sums} is not the one that the record was made with")
    there = {one["path"]: one for one in told["exported"]["files"] if (root / one["path"]).exists()}
    absent = [one["path"] for one in told["exported"]["files"] if one["path"] not in there]
    size = ExportFolder(root, lambda sentence: None).read_back(there)
    return len(there), size, absent


def _read_record(folder: Path) -> dict[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in (*_FILES, SUMS, f"{SUMS}.p7s")}
    except OSError as absent:
        raise RecordUnreadable(
            f"no whole record in {folder}: {absent.strerror} ({absent.filename})"
        ) from absent


def _sums(text: bytes) -> dict[str, str]:
    rows = (line.split("  ", 1) for line in text.decode().splitlines())
    return {name: digest for digest, name in rows}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _iso(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")

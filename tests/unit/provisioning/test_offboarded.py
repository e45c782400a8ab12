from __future__ import annotations

from pathlib import Path

import pytest

from infra.provisioning.offboarded import AgencyOffboarded, ReadmissionRefused, leave_out, offboarded, readmit
from infra.provisioning.offboarding_case import Case, CaseDamaged, CaseFiles


def save(folder: Path, step: str | None) -> None:
    case = Case("a1", "so-yt", "/exports/so-yt", "an", 1.0)
    case.step = step  # type: ignore[assignment]
    CaseFiles(folder).save(case)


def test_an_off_boarded_agency_is_left_out_of_all_and_the_reason_is_said(tmp_path: Path) -> None:
    save(tmp_path, None)
    codes, whys = leave_out(tmp_path, ["so-nv", "so-yt"], named=False)
    assert codes == ["so-nv"]
    assert "remove its entry from agencies.yaml" in whys["so-yt"]


@pytest.mark.parametrize("step", [None, "inventory", "delete"])
def test_one_that_is_named_is_refused(tmp_path: Path, step: str | None) -> None:
    save(tmp_path, step)
    with pytest.raises(AgencyOffboarded, match="readmit" if step is None else "being off-boarded"):
        leave_out(tmp_path, ["so-yt"], named=True)


def test_a_readmitted_agency_is_kept_out_no_longer_and_its_case_stays(tmp_path: Path) -> None:
    save(tmp_path, None)
    kept = readmit(tmp_path, "so-yt")
    assert kept.exists()
    assert offboarded(tmp_path) == {}
    assert leave_out(tmp_path, ["so-yt"], named=True) == (["so-yt"], {})


def test_an_agency_is_not_readmitted_before_its_off_boarding_is_over(tmp_path: Path) -> None:
    save(tmp_path, "delete")
    with pytest.raises(ReadmissionRefused, match="is at `delete`"):
        readmit(tmp_path, "so-yt")
    with pytest.raises(ReadmissionRefused, match="was not off-boarded"):
        readmit(tmp_path, "nobody")


def test_a_case_that_cannot_be_read_is_never_taken_for_none(tmp_path: Path) -> None:
    save(tmp_path, None)
    (tmp_path / "offboarding/so-yt.json").write_text("{")
    with pytest.raises(CaseDamaged, match="restore it"):
        leave_out(tmp_path, ["so-nv"], named=False)

"""Keeps an agency that was off-boarded, or is being, from coming back by itself.

Its entry may still stand in agencies.yaml. An operation on all agencies leaves it out and says so; one that
names it is refused, until `citycloud zone readmit` has put the case away.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra.errors import InfraError
from infra.provisioning.offboarding_case import Case, CaseFiles


class AgencyOffboarded(InfraError):
    """The agency was off-boarded, or is being; it does not come back by itself. Remove its entry from
    agencies.yaml, or take it in again with `citycloud zone readmit`."""

    code = "agency_offboarded"


class ReadmissionRefused(InfraError):
    """The off-boarding is not over: finish it, or call it off."""

    code = "readmission_refused"


def offboarded(site_dir: Path) -> dict[str, Case]:
    """Code -> case of each agency that was off-boarded or is being."""
    return {case.agency: case for case in CaseFiles(site_dir).every()}


def leave_out(site_dir: Path, codes: Sequence[str], *, named: bool) -> tuple[list[str], dict[str, str]]:
    """The agencies of `codes` that may be worked on, and why each of the others is left out. Raises
    AgencyOffboarded where a person `named` one of the others."""
    cases = offboarded(site_dir)
    whys = {code: _why(cases[code]) for code in codes if code in cases}
    if named and whys:
        raise AgencyOffboarded("; ".join(whys.values()))
    return [code for code in codes if code not in whys], whys


def readmit(site_dir: Path, agency: str) -> Path:
    """Let the agency be on-boarded again; returns where its case is kept. Raises ReadmissionRefused."""
    return CaseFiles(site_dir).close(must_be_over(site_dir, agency))


def must_be_over(site_dir: Path, agency: str) -> Case:
    """The case of an off-boarding that is over. Raises ReadmissionRefused."""
    case = CaseFiles(site_dir).find(agency)
    if case is None:
        raise ReadmissionRefused(f"{agency} was not off-boarded from this machine: nothing keeps it out")
    if case.step is not None:
        raise ReadmissionRefused(
            f"the off-boarding of {agency} is at `{case.step}`: finish it with `citycloud zone offboard"
            f" {agency}`, or call it off with --cancel"
        )
    return case


def _why(case: Case) -> str:
    if case.step is None:
        return (
            f"{case.agency} was off-boarded (record in {case.folder}); remove its entry from agencies.yaml,"
            f" or take it in again with `citycloud zone readmit {case.agency}`"
        )
    return (
        f"{case.agency} is being off-boarded (at `{case.step}`); finish it with `citycloud zone offboard"
        f" {case.agency}`, or call it off with --cancel"
    )

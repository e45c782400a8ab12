"""Failures with a name, a stable code and a sentence that says what to do.

Only `infra.cli` turns a code into an exit status; everything else raises and lets the error pass.
"""

from __future__ import annotations

from dataclasses import dataclass


class InfraError(Exception):
    """Something City Cloud cannot do; the message says what and the way out.

    `code` is stable across releases: programs that read `--output json` may depend on it.
    """

    code = "error"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with the input: where it stands, what it holds, what would be right.

    `file` is the path as the user named it, `key` a dotted path inside it (`agencies[3].code`),
    `value` the offending value as text ("" where there is none), `why` the rule that it breaks,
    `way_out` what to write instead.
    """

    file: str
    key: str
    value: str
    why: str
    way_out: str

    def __str__(self) -> str:
        value = f" = {self.value}" if self.value else ""
        return f"{self.file}: {self.key}{value}: {self.why}; {self.way_out}"


class Problems(InfraError):
    """The input has problems; every one is listed and nothing was changed."""

    code = "invalid_input"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InventoryInvalid(Problems):
    """The inventory says something that cannot be built."""

    code = "inventory_invalid"


class PreflightFailed(Problems):
    """A server or the deploy host is not ready; nothing was changed."""

    code = "preflight_failed"

"""Who signs in: the port to the place that knows people and their roles."""

from __future__ import annotations

from typing import Protocol

from infra.domain.person import Person
from infra.errors import InfraError


class SignInRefused(InfraError):
    """Agency, name or password is not right, or the account is locked; nobody is told which."""

    code = "sign_in_refused"


class DirectoryUnreachable(InfraError):
    """The directory of people does not answer; try again in a few minutes."""

    code = "directory_unreachable"


class Directory(Protocol):
    """People with passwords. Both calls raise DirectoryUnreachable."""

    def sign_in(self, agency: str, name: str, password: str) -> Person:
        """Raises SignInRefused."""

    def look_up(self, person: str) -> Person | None:
        """The person of this id as of now; None who is gone, disabled or has no role any more."""

"""Who signs in: the port to the place that knows people and their roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from infra.domain.person import Person
from infra.errors import InfraError


class SignInRefused(InfraError):
    """Agency, name or password is not right, or the account is locked; nobody is told which."""

    code = "sign_in_refused"


class DirectoryUnreachable(InfraError):
    """The directory of people does not answer; try again in a few minutes."""

    code = "directory_unreachable"


class NoRoleHere(SignInRefused):
    """The sign-in service knows this account, but names no agency or no role of the portal for it."""

    code = "no_role_here"

    def __init__(self, message: str, id_token: str) -> None:
        super().__init__(message)
        self.id_token = id_token


@dataclass(frozen=True)
class Vouched:
    """What a sign-in service said of a person, and what it gave: `refresh` to ask again with ("" where it
    gives none), `id_token` to end the session there with.
    """

    person: Person
    refresh: str = field(repr=False)
    id_token: str = field(repr=False)


class Vouching(Protocol):
    """A sign-in service that people have their session at."""

    def again(self, refresh: str, person: str) -> Vouched:
        """What it says now of this person. Raises SignInRefused when their session there is over, NoRoleHere,
        DirectoryUnreachable.
        """


class Directory(Protocol):
    """People with passwords. Both calls raise DirectoryUnreachable."""

    def sign_in(self, agency: str, name: str, password: str) -> Person:
        """Raises SignInRefused."""

    def look_up(self, person: str) -> Person | None:
        """The person of this id as of now; None who is gone, disabled or has no role any more."""

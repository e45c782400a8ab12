"""Operator: a person of the city's cloud team who may ask for, or confirm, what would lose data or cut
access."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """`ssh_public_key` is one line as OpenSSH writes it; the key behind it proves that it is this person."""

    name: str
    full_name: str
    ssh_public_key: str

    @property
    def key(self) -> tuple[str, ...]:
        """The key itself, without the comment: the same key under two names is the same person."""
        return tuple(self.ssh_public_key.split()[:2])


def same_person(one: Operator, other: Operator) -> bool:
    return one.name == other.name or one.key == other.key


@dataclass(frozen=True)
class Approval:
    """A second operator's confirmation of a plan, taken and used up. `at` is UTC in ISO form; `proof` is what
    shows it: the signature.
    """

    digest: str
    requested_by: str
    confirmed_by: str
    at: str
    proof: str = ""

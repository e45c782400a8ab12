"""What a search for foreign things is made with: an agency's zone, what stacks hold, one thing found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Zone:
    """An agency in the cloud, by ids."""

    agency: str
    domains: frozenset[str]
    projects: frozenset[str]
    users: frozenset[str]
    groups: frozenset[str]


@dataclass(frozen=True)
class Known:
    """What stacks hold, as (type, id), and every text that their resources mention. `waiting` are those that
    are adopted and in no state yet: what hangs on them is known with the next up.
    """

    resources: frozenset[tuple[str, str]]
    mentioned: frozenset[str]
    waiting: frozenset[tuple[str, str]] = frozenset()

    def has(self, token: str, identity: str) -> bool:
        return (token, identity) in self.resources


@dataclass(frozen=True)
class Foreign:
    """One thing found. `type` is the provider's token, "" where the provider has none for it; `identity` the
    id to import it by; `about` and `why_not` are halves of a sentence.
    """

    type: str
    identity: str
    noun: str
    name: str
    created_at: str = ""
    about: str = ""
    adoptable: bool = True
    why_not: str = ""

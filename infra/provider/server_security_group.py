"""The security groups of a server, which Nova tells by name; a program may give ids."""

from __future__ import annotations

from collections.abc import Iterable

from infra.cloud.connection import Cloud
from infra.cloud.security_group import security_groups


def name_of(cloud: Cloud, given: str, shown: Iterable[str]) -> str:
    """The name that Nova tells for what a program gave: itself, or the name of the group of this id."""
    if given in set(shown) or len(given) not in (32, 36):
        return given
    return str((security_groups(cloud).look(given) or {}).get("name") or given)


def as_known(cloud: Cloud, shown: Iterable[str], known: Iterable[str]) -> list[str]:
    """The groups that Nova shows, each spelled as the program spelled it."""
    names = sorted(set(shown))
    spelling = {name_of(cloud, given, names): given for given in known}
    return sorted(spelling.get(name, name) for name in names)

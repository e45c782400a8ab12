"""Hosts: controllers that can vote, one place where people sign in."""

from __future__ import annotations

from collections.abc import Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft


def controllers_are_odd_in_number(draft: Draft) -> Iterator[Problem]:
    """Database and message queue elect by majority: the second of two controllers adds a way to fail and no
    safety.
    """
    controllers = [host for host in draft.hosts.entries if host.value.is_controller]
    if draft.hosts.complete and controllers and len(controllers) % 2 == 0:
        names = ", ".join(host.value.name for host in controllers)
        why = f"has {len(controllers)} hosts, and an even number cut in halves has no majority"
        yield Problem(controllers[0].file, "controllers", names, why, "have 1, 3 or 5 controllers")


def keycloak_is_one_server(draft: Draft) -> Iterator[Problem]:
    """Two that know nothing of each other would have a half of the sessions each."""
    found = [host for host in draft.hosts.entries if host.value.is_keycloak]
    if len(found) > 1:
        names = ", ".join(host.value.name for host in found)
        yield Problem(found[0].file, "keycloak", names, "has several hosts", "keep one of them")


def people_sign_in_at_one_place(draft: Draft) -> Iterator[Problem]:
    """A portal has one sign-in service beside Keystone's own users."""
    found = [host for host in draft.hosts.entries if host.value.is_keycloak]
    if found and draft.site is not None and draft.site.value.sign_in is not None:
        why = f"names a service of the city's, and {found[0].value.name} runs a Keycloak"
        way_out = f"remove it, or the group keycloak from {found[0].file}"
        issuer = draft.site.value.sign_in.issuer
        yield Problem(draft.site.file, "sign_in", issuer, why, way_out)


RULES = (controllers_are_odd_in_number, keycloak_is_one_server, people_sign_in_at_one_place)

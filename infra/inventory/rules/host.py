"""Hosts: controllers that can vote."""

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


RULES = (controllers_are_odd_in_number,)

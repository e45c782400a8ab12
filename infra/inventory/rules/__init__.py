"""Rules across the inventory's files, a module per noun; each rule yields a problem for every place that
breaks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from infra.errors import Problem
from infra.inventory.draft import Draft
from infra.inventory.rules import (
    address,
    adopted,
    agency,
    catalog,
    host,
    lab,
    maintenance,
    network,
    operator,
    platform,
    policy,
    portal_data,
    quota,
    server,
    sla,
)

Rule = Callable[[Draft], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    *address.RULES,
    *adopted.RULES,
    *agency.RULES,
    *catalog.RULES,
    *host.RULES,
    *lab.RULES,
    *maintenance.RULES,
    *network.RULES,
    *operator.RULES,
    *platform.RULES,
    *policy.RULES,
    *portal_data.RULES,
    *quota.RULES,
    *server.RULES,
    *sla.RULES,
)

"""Who can reach a deployment: what its item gives, and what its people open and close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from infra.domain import opening as domain
from infra.domain.deployment import Deployment
from infra.domain.opening import GIVEN, OpeningRefused
from infra.domain.quota import Quota
from infra.domain.words import Words
from infra.portal.interface import FieldProblem, InputRefused
from infra.portal.service.ground import Ground
from infra.portal.upkeep import Opening
from infra.store import deployment as deployments
from infra.store import reservation as reservations
from infra.store.portal_database import Transaction

OWN_GROUP = Quota(security_groups=1)
"""What the first opening of a server takes whose item opens nothing by itself."""


def shown(one: Deployment) -> tuple[Opening, ...]:
    """What is given comes first; none where there is no server."""
    if not one.has_server:
        return ()
    given = tuple(Opening(found.key, found.told, given=True) for found in GIVEN.get(one.kind, ()))
    return (
        *given, Opening("", _ADMINISTRATION, given=True),
        *(Opening(found.key, found.told) for found in one.openings),
    )  # fmt: skip


def add(
    ground: Ground, tx: Transaction, before: Deployment, values: Mapping[str, str], version: int
) -> tuple[Words, Mapping[str, str]]:
    """What the audit says of it, and its facts. Raises InputRefused, and QuotaExceeded where it has no
    security group of its own yet and the agency has none left."""
    try:
        wanted = domain.opening(*(values.get(name, "") for name in ("service", "source", "port")))
        ground.site.policies.openings.check(wanted, before.openings, GIVEN.get(before.kind, ()))
    except OpeningRefused as refused:
        raise InputRefused([FieldProblem(f"values.{refused.field}", refused.told)]) from refused
    if before.kind not in GIVEN:
        reservations.take_more(tx, before.agency, before.request, before.id, OWN_GROUP)
    deployments.save(tx, replace(before, openings=(*before.openings, wanted)), version)
    told = Words(
        f"Mở {before.name}: {wanted.told.vi}", f"Opened {before.name}: {wanted.told.en}"
    )  # fmt: skip
    return told, {"opening": wanted.key}


def remove(
    tx: Transaction, before: Deployment, values: Mapping[str, str], version: int
) -> tuple[Words, Mapping[str, str]]:
    """As `add`. What the item gives cannot be closed."""
    key = values.get("opening", "")
    found = next((one for one in before.openings if one.key == key), None)
    if found is None:
        raise InputRefused([FieldProblem("values.opening", _NOT_OPEN)])
    left = tuple(one for one in before.openings if one != found)
    deployments.save(tx, replace(before, openings=left), version)
    told = Words(f"Đóng {before.name}: {found.told.vi}", f"Closed {before.name}: {found.told.en}")
    return told, {"opening": key}


_ADMINISTRATION = Words(
    "SSH và ping – từ mạng quản trị của thành phố", "SSH and ping from the city's administration"
)
"""The landing zone's own group, which every server has."""
_NOT_OPEN = Words(
    "Mục này không mở, hoặc đi kèm loại máy nên không gỡ được.",
    "This is not open, or comes with the kind of server and cannot be removed.",
)

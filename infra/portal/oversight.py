"""What pages and API show to who looks after all of it: agencies and what they hold, and the cloud's work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from infra.domain.words import NOTHING, Words
from infra.portal.nouns import Component, DeploymentSummary, QuotaLine, RequestSummary


@dataclass(frozen=True)
class AgencyPerson:
    """Somebody who has signed in, with the roles that the directory last told of."""

    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class AgencySummary:
    """`deployments` and `requests` count by state those that are there or open. `quota` is empty where the
    agency has no account yet."""

    code: str
    name: Words
    quota: tuple[QuotaLine, ...]
    deployments: Mapping[str, int]
    requests: Mapping[str, int]
    security_level: int = 1


@dataclass(frozen=True)
class Agency:
    summary: AgencySummary
    people: tuple[AgencyPerson, ...]


@dataclass(frozen=True)
class QueuedRequest:
    """An approved request, or one that failed. `step` is what is done for it now (or where it failed) and
    `since` when that began; NOTHING and the time of its approval while it waits for a worker.
    """

    request: RequestSummary
    running: bool
    step: Words
    since: datetime
    why: Words = NOTHING


@dataclass(frozen=True)
class Room:
    """How many more of an item, as it is asked for by default, fit: now, and with the largest hypervisor
    gone; None where nobody knows."""

    item: Words
    fits: int | None
    fits_n_1: int | None


@dataclass(frozen=True)
class Operations:
    """`queue` is what is approved and not done, in the order in which it is done; `failed` the latest failed
    requests. `changing` are deployments that are being made or retired, `broken` those that failed.
    """

    queue: tuple[QueuedRequest, ...]
    failed: tuple[QueuedRequest, ...]
    changing: tuple[DeploymentSummary, ...]
    broken: tuple[DeploymentSummary, ...]
    components: tuple[Component, ...]
    room: tuple[Room, ...]
    taken: datetime

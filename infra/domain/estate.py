"""Estate: what an agency has in the portal, counted when it leaves the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from infra.domain.words import Words
from infra.errors import InfraError


class AgencyClosed(InfraError):
    """The agency is leaving the cloud, or has left it: nothing of it is asked for, signed or changed any
    more. `citycloud portal reopen` takes it in again.
    """

    code = "agency_closed"
    told = Words(
        "Cơ quan này đang rời khỏi hoặc đã rời khỏi đám mây của thành phố; không thể yêu cầu, ký duyệt hay"
        " thay đổi gì nữa.",
        "This agency is leaving the city's cloud or has left it; nothing can be asked for, signed or changed"
        " any more.",
    )

    def __init__(self, agency: str) -> None:
        super().__init__(f"{agency}: {self.told.en}")


class HeldByLaw(InfraError):
    """Deployments of the agency are on legal hold, so they may not be removed; an auditor lifts the hold
    first.
    """

    code = "held_by_law"


@dataclass(frozen=True)
class Estate:
    """`requests` are those that are open or could be tried again, `deployments` those that are not retired,
    `delegations` those that may still be in force, `people` those who are told of things, `accounts` is 1
    while there is quota to ask for. `closed` says that nobody of it can come in; `on_hold` names deployments
    on legal hold.
    """

    requests: int = 0
    deployments: int = 0
    delegations: int = 0
    tokens: int = 0
    sessions: int = 0
    people: int = 0
    accounts: int = 0
    closed: bool = False
    on_hold: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """What there is, by kind, without what there is none of."""
        return {kind: getattr(self, kind) for kind in KINDS if getattr(self, kind)}

    def must_be_removable(self, agency: str) -> None:
        """Raises HeldByLaw."""
        if self.on_hold:
            raise HeldByLaw(
                f"{', '.join(self.on_hold)} of {agency} may not be removed: legal hold. Have an auditor"
                " lift it in the portal, and ask again"
            )

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """As `dataclasses.asdict` and JSON have it. Raises KeyError, ValueError or TypeError."""
        counts = {kind: int(data[kind]) for kind in KINDS}
        return cls(**counts, closed=bool(data["closed"]), on_hold=tuple(data["on_hold"]))


KINDS = ("requests", "deployments", "delegations", "tokens", "sessions", "people", "accounts")
"""What is counted, in the order in which it is told."""

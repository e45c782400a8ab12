"""Reservation: quota that a request holds before anything exists, and what deployments hold afterwards.

An agency's account is `limit`, what stands there beside the portal (`base`: the landing zone and servers of
the inventory), and reservations. A reservation is held from handing in until something is made of it or it
ends, then taken by the deployment until that is retired: the sum is the same before and after, so nothing
can slip between.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from infra.domain.quota import NO_QUOTA, Excess, Quota, exceeding
from infra.domain.words import Words
from infra.errors import InfraError


class ReservationState(StrEnum):
    HELD = "held"
    TAKEN = "taken"
    RELEASED = "released"


@dataclass(frozen=True)
class Account:
    """What an agency may hold and holds: `used` is `base` and what deployments took, `held` what open
    requests reserve.
    """

    agency: str
    limit: Quota
    used: Quota
    held: Quota

    @property
    def total(self) -> Quota:
        return self.used + self.held


class QuotaExceeded(InfraError):
    """The agency would pass its quota; give something back, or ask for more."""

    code = "quota_exceeded"

    def __init__(self, agency: str, excess: tuple[Excess, ...]) -> None:
        self.agency = agency
        self.excess = excess
        super().__init__(self.told.en)

    @property
    def told(self) -> Words:
        named = [(NAMES[one.resource], one) for one in self.excess]
        vi = "; ".join(f"{name.vi}: cần {one.wanted}, được phép {one.limit}" for name, one in named)
        en = "; ".join(f"{name.en}: {one.wanted} of {one.limit}" for name, one in named)
        return Words(
            f"Vượt hạn mức của cơ quan ({vi}); hãy trả bớt tài nguyên hoặc xin tăng hạn mức.",
            f"The agency's quota would be passed ({en}); give something back or ask for more.",
        )


NAMES: dict[str, Words] = {
    "instances": Words("máy chủ", "servers"),
    "cores": Words("lõi CPU", "CPU cores"),
    "ram_mib": Words("bộ nhớ (MiB)", "memory (MiB)"),
    "volumes": Words("ổ đĩa", "volumes"),
    "gigabytes": Words("dung lượng ổ đĩa (GiB)", "volume space (GiB)"),
    "floating_ips": Words("địa chỉ công khai", "public addresses"),
    "networks": Words("mạng", "networks"),
    "routers": Words("bộ định tuyến", "routers"),
    "security_groups": Words("nhóm bảo mật", "security groups"),
    "ports": Words("cổng mạng", "ports"),
}


def passed(account: Account, own: Quota, *, more: Quota = NO_QUOTA) -> tuple[Excess, ...]:
    """The limits of what `own` takes that the account passes, with `more` beside what is in it: a limit that
    was passed before, of something else, is no reason against a request.
    """
    over = exceeding(account.total + more, account.limit)
    return tuple(one for one in over if getattr(own, one.resource) > 0)


def check(account: Account, more: Quota) -> None:
    """Whether `more` fits beside what the account has; raises QuotaExceeded. The question at handing in."""
    if over := passed(account, more, more=more):
        raise QuotaExceeded(account.agency, over)


def check_held(account: Account, own: Quota) -> None:
    """Whether what is in the account, `own` with it, is within the limits; raises QuotaExceeded. The question
    at approval and at execution: limits may have been lowered, or something made beside the portal.
    """
    if over := passed(account, own):
        raise QuotaExceeded(account.agency, over)

"""Auto-approval: rules that could approve small, well-founded requests, each with its reason.

It runs in shadow mode: what it would have done stands beside the request for the approver and in the audit
record of the decision, and nothing is approved by it. The thresholds follow what the government of British
Columbia's platform registry does with measured use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.domain.quota import RESOURCES, Quota
from infra.domain.words import Words

SMALL = Quota(instances=1, cores=1, ram_mib=2048, volumes=1, gigabytes=32, ports=2)


@dataclass(frozen=True)
class AutoApproval:
    """Thresholds: the highest security level; by how much of what is used it may grow; the least part of
    cores and memory that is busy; what is so small (`small`) that growth and use do not matter; the most
    days.
    """

    highest_level: int = 2
    growth: float = 0.5
    busy: float = 0.35
    small: Quota = SMALL
    days: int = 365


@dataclass(frozen=True)
class Asked:
    """What the rules look at. `used` is the agency's use before; `busy` is the measured part, 0 to 1, of its
    cores and memory that is busy, None where nobody measured; `days` until the end, None without one.
    """

    security_level: int
    emergency: bool
    takes: Quota
    used: Quota
    busy: float | None
    days: int | None
    within_quota: bool


@dataclass(frozen=True)
class Rule:
    """A rule's name, whether the request keeps it, and why."""

    name: Words
    kept: bool
    reason: Words


def judge(asked: Asked, limits: AutoApproval) -> tuple[Rule, ...]:
    """Every rule; all of them have to be kept."""
    small = _fits(asked.takes, limits.small)
    return (
        _within_quota(asked), _level(asked, limits), _planned(asked),
        _size(asked, limits, small), _use(asked, limits, small), _end(asked, limits),
    )  # fmt: skip


def conclusion(rules: Sequence[Rule]) -> Words:
    """What auto-approval would have done, and why."""
    against = [one for one in rules if not one.kept]
    if not against:
        return Words(
            "Quy tắc tự động (chạy thử) sẽ duyệt: mọi điều kiện đều đạt.",
            "Auto-approval (in shadow) would have approved: every rule is kept.",
        )
    return Words(
        "Quy tắc tự động (chạy thử) sẽ chuyển cho người duyệt: "
        + "; ".join(one.reason.vi for one in against),
        "Auto-approval (in shadow) would have left it to people: "
        + "; ".join(one.reason.en for one in against),
    )


def _fits(takes: Quota, into: Quota) -> bool:
    return all(getattr(takes, name) <= getattr(into, name) for name in RESOURCES)


def _within_quota(asked: Asked) -> Rule:
    if asked.within_quota:
        return Rule(_QUOTA, True, Words("trong hạn mức", "it is within the quota"))
    return Rule(_QUOTA, False, Words("vượt hạn mức", "it passes the quota"))


def _level(asked: Asked, limits: AutoApproval) -> Rule:
    level, most = asked.security_level, limits.highest_level
    return Rule(
        Words("Cấp độ an toàn", "Security level"), level <= most,
        Words(f"cấp độ {level}, tự động đến cấp {most}", f"level is {level}, rules go up to {most}"),
    )  # fmt: skip


def _planned(asked: Asked) -> Rule:
    reason = Words("yêu cầu khẩn cấp", "it is an emergency")
    if not asked.emergency:
        reason = Words("không khẩn cấp", "it is no emergency")
    return Rule(Words("Theo kế hoạch", "Planned"), not asked.emergency, reason)


def _size(asked: Asked, limits: AutoApproval, small: bool) -> Rule:
    name = Words("Mức tăng", "Growth")
    if small:
        return Rule(name, True, Words("yêu cầu nhỏ", "it is small"))
    grown = Quota(**{one: int(getattr(asked.used, one) * limits.growth) for one in RESOURCES})
    kept, percent = _fits(asked.takes, grown), round(limits.growth * 100)
    word = "không quá" if kept else "quá"
    return Rule(
        name, kept,
        Words(f"tăng {word} {percent}% mức đang dùng",
              f"it adds {'at most' if kept else 'more than'} {percent} % to what is used"),
    )  # fmt: skip


def _use(asked: Asked, limits: AutoApproval, small: bool) -> Rule:
    name, least = Words("Mức sử dụng", "Use"), round(limits.busy * 100)
    if small:
        return Rule(name, True, Words("yêu cầu nhỏ", "it is small"))
    if asked.busy is None:
        return Rule(name, False, Words("chưa có số đo mức sử dụng", "nobody has measured the use"))
    busy = round(asked.busy * 100)
    return Rule(
        name, asked.busy >= limits.busy,
        Words(f"đang dùng {busy}% tài nguyên đã cấp, cần từ {least}%",
              f"{busy} % of what it has is busy, {least} % are needed"),
    )  # fmt: skip


def _end(asked: Asked, limits: AutoApproval) -> Rule:
    name = Words("Ngày kết thúc", "End")
    if asked.days is None:
        return Rule(name, False, Words("không có ngày kết thúc", "it has no end"))
    return Rule(
        name, asked.days <= limits.days,
        Words(f"kết thúc sau {asked.days} ngày, tự động đến {limits.days} ngày",
              f"it ends in {asked.days} days, rules go up to {limits.days}"),
    )  # fmt: skip


_QUOTA = Words("Hạn mức", "Quota")

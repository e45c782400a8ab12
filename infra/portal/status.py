"""How the cloud is, in words for everybody, and what it could still hold: what Prometheus says now.

A page never waits for it longer than `PATIENCE_SECONDS`; what nobody knows is unknown, never good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from infra.domain.request import Request
from infra.domain.words import NOTHING, Words
from infra.portal.capacity import QUESTIONS as OF_CAPACITY
from infra.portal.capacity import read_room, still_fits
from infra.portal.interface import Capacity, Component
from infra.portal.joined import Kept
from infra.portal.service.ground import UNKNOWN_CAPACITY
from monitoring.prometheus import Prometheus, Sample

PORT = 9090
PATIENCE_SECONDS, FRESH_SECONDS, STALE_SECONDS = 0.9, 15.0, 120.0
FACTS_SECONDS = 120
"""How old an exporter's facts may be: older ones are not what is now."""
_FRESH = f'and on () (max(city_exporter_collector_age_seconds{{collector="apis"}}) < {FACTS_SECONDS})'
_BURNING = 'ALERTS{alertname=~"ErrorBudgetBurns(Fast)?", alertstate="firing", slo='
OF_PARTS: Mapping[str, str] = {
    "api": f"max by (service) (city_api_up) {_FRESH}",
    "burning": f'count by (service) ({_BURNING}"api-availability"}})',
    "agent": 'count by (service) (ALERTS{alertname="AgentDown", alertstate="firing", service!=""})',
    "canary_good": "count(max by (hypervisor) (city_canary_up) == 1)",
    "canary_bad": "count(max by (hypervisor) (city_canary_up) == 0)",
    "creation_burning": f'count({_BURNING}"server-creation"}})',
}
"""What is asked for the public states, by name."""
_PARTS: Sequence[tuple[Words, tuple[str, ...]]] = (
    (Words("Đăng nhập", "Signing in"), ("identity",)),
    (Words("Tạo và điều khiển máy chủ", "Creating and steering servers"), ("compute", "placement", "image")),
    (Words("Mạng", "Networks"), ("network",)),
    (Words("Ổ đĩa", "Volumes"), ("volume",)),
)
"""Parts as people know them, and the APIs (city_api_up's `service`) that each cannot do without."""
CREATING = 1
_ALIASES = {"block-storage": "volume", "volumev3": "volume"}
_DOWN = Words("Hiện không dùng được.", "It cannot be used now.")
_SHAKY = Words("Có lúc chậm hoặc báo lỗi; hãy thử lại sau.", "It is slow or fails at times; try again later.")
_IN_PART = Words(
    "Một phần thiết bị đang được sửa; việc của anh/chị có thể chậm hơn.",
    "Some of the equipment is being mended; what you do may take longer.",
)
_NOT_EVERYWHERE = Words(
    "Máy chủ mới không tạo được ở một số nơi; yêu cầu có thể mất nhiều thời gian hơn.",
    "New servers cannot be made everywhere; a request may take longer.",
)
_NOWHERE = Words("Hiện không tạo được máy chủ mới.", "No new server can be made now.")

Figures = Mapping[tuple[str, str], float]
"""By the question's name and the service ("" where there is none)."""


class CloudView:
    """`address` is that of the site's Prometheus, "" where there is none."""

    def __init__(self, address: str, transport: httpx.BaseTransport | None = None) -> None:
        self._prometheus = (
            Prometheus(f"http://{address}:{PORT}", PATIENCE_SECONDS, transport) if address else None
        )
        self._figures = self._kept(OF_PARTS, "status")
        self._room = self._kept(OF_CAPACITY, "capacity")

    def status(self) -> tuple[Component, ...]:
        """Public states of the parts, in the order in which people meet them."""
        samples = self._figures.value() if self._figures else None
        if samples is None:
            return tuple(Component(label, "unknown") for label, _ in _PARTS)
        return parts(samples)

    def capacity(self, request: Request) -> Capacity:
        """How many more of what is asked for would fit."""
        samples = self._room.value() if self._room else None
        return UNKNOWN_CAPACITY if samples is None else still_fits(request, read_room(samples))

    def _kept(self, questions: Mapping[str, str], name: str) -> Kept[tuple[Sample, ...]] | None:
        asked = self._prometheus
        if asked is None:
            return None
        expression = together(questions)
        return Kept(
            lambda: asked.query(expression), f"{name} from Prometheus", fresh=FRESH_SECONDS,
            stale=STALE_SECONDS, patience=PATIENCE_SECONDS,
        )  # fmt: skip


def together(questions: Mapping[str, str]) -> str:
    """All of them in one query: one way there and back, and all answers of one moment."""
    return " or ".join(
        f'label_replace({expression}, "asked", "{name}", "", "")' for name, expression in questions.items()
    )


def parts(samples: Sequence[Sample]) -> tuple[Component, ...]:
    """The public states, by answers to OF_PARTS."""
    figures = {(one.label("asked"), _service(one)): one.value for one in samples}
    found = [_part(label, services, figures) for label, services in _PARTS]
    if found[CREATING].state == "up":
        found[CREATING] = _creating(found[CREATING], figures)
    return tuple(found)


def _part(label: Words, services: Sequence[str], figures: Figures) -> Component:
    """An API of it that is down takes it down; one of which nothing is known leaves it unknown."""
    up = [figures.get(("api", one)) for one in services]
    if 0.0 in up:
        return Component(label, "down", _DOWN)
    if None in up:
        return Component(label, "unknown")
    if any(figures.get(("burning", one)) for one in services):
        return Component(label, "degraded", _SHAKY)
    if any(figures.get(("agent", one)) for one in services):
        return Component(label, "degraded", _IN_PART)
    return Component(label, "up", NOTHING)


def _creating(found: Component, figures: Figures) -> Component:
    """Canaries do what people do: where none works, no API that answers makes up for it."""
    good, bad = figures.get(("canary_good", ""), 0), figures.get(("canary_bad", ""), 0)
    if bad and not good:
        return Component(found.label, "down", _NOWHERE)
    if bad:
        return Component(found.label, "degraded", _NOT_EVERYWHERE)
    return Component(found.label, "degraded", _SHAKY) if figures.get(("creation_burning", "")) else found


def _service(sample: Sample) -> str:
    name = sample.label("service")
    return _ALIASES.get(name, name)

"""The list of alerts, as every page shows it."""

from __future__ import annotations

from collections.abc import Iterable

from monitoring.pages.language import Language
from monitoring.pages.markup import Content, Markup, el
from monitoring.pages.page import GOOD, Column, section, status, table
from monitoring.pages.words import severity
from monitoring.prometheus import Alert

_ABOUT = (
    "agency",
    "server",
    "hypervisor",
    "service",
    "instance",
    "resource",
    "flavor",
    "resource_class",
    "slo",
)


def alerts(found: Iterable[Alert], now: float, say: Language, *, runbooks: bool = True) -> Markup:
    """Alerts by urgency with their age. `runbooks` are for staff; agencies, who cannot open them, read what
    is theirs to do."""
    listed = list(found)
    title = say("Alerts", "Cảnh báo")
    if not listed:
        return section(title, el("p", status(GOOD, say("No alert fires.", "Không có cảnh báo."))))
    columns = [
        Column(say("What", "Nội dung"), "head"),
        Column(say("Severity", "Mức")),
        Column(say("For", "Từ"), "num"),
    ]
    if runbooks:
        columns.append(Column(say("Runbook", "Hướng dẫn"), "num"))
    return section(title, table(columns, [_row(alert, now, say, runbooks) for alert in listed], title))


def _row(alert: Alert, now: float, say: Language, runbooks: bool) -> list[Content]:
    about = ", ".join(alert.labels[name] for name in _ABOUT if alert.labels.get(name))
    summary = say(alert.summary, alert.summary_vi or alert.summary) or alert.name
    action = None if runbooks or not alert.action_vi else say("", alert.action_vi)
    row: list[Content] = [
        [
            summary,
            el("small", action) if action else None,
            el("small", f"{alert.name} · {about}" if about else alert.name),
        ],
        status(*severity(alert.severity, say)),
        say.age(now - alert.started),
    ]
    if runbooks:
        link = el("a", say("what to do", "cách xử lý"), href=alert.runbook_url) if alert.runbook_url else None
        row.append(link)
    return row

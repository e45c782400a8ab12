"""How an exporter's files do: whether what is in force is what is on the disk, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import Metric

from monitoring.exporters.snapshot import gauge
from monitoring.exporters.web_config import WebGuard

EXPORTER, CATALOG, WEB = "exporter", "catalog", "web"
"""Which file: how the exporter works, what it probes for, or who may read it."""


@dataclass(frozen=True)
class Reload:
    """How the last reading of a file went; `at` is when one last succeeded, of the epoch."""

    at: float
    success: bool = True


def reload_families(reload: Reload | None, web: WebGuard | None, config: str = EXPORTER) -> Iterator[Metric]:
    """Families about the exporter's file, which `config` names, and about the web config file; of those that
    there are.
    """
    success = gauge(
        "city_exporter_config_reload_success", "Whether the file's last reading could be used.", "config"
    )
    at = gauge(
        "city_exporter_config_reload_last_success_timestamp_seconds",
        "When the file was last read and could be used.",
        "config",
    )
    if reload is not None:
        success.add_metric([config], reload.success)
        at.add_metric([config], reload.at)
    if web is not None:
        success.add_metric([WEB], web.success)
        at.add_metric([WEB], web.read_at)
    yield from (success, at)

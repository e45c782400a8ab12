"""Metrics that a process leaves for its own server's node exporter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from infra.portal.metrics import worker_families
from infra.provisioning.textfile import exposition, keep
from tests.unit.portal.test_metrics import OF_WORKER, SomeWorker


def test_a_worker_of_its_own_leaves_its_metrics_whole_and_readable(tmp_path: Path) -> None:
    file, worker = tmp_path / "city_portal_worker.prom", SomeWorker()
    for minute in (1, 2):
        worker.last_look = datetime(2026, 11, 27, 2, minute, tzinfo=UTC)
        keep(file, exposition(lambda: worker_families(worker)))
        found = {one.name: one.samples[0].value for one in text_string_to_metric_families(file.read_text())}
        assert set(found) == set(OF_WORKER)
        assert found["city_portal_worker_last_look_timestamp_seconds"] == worker.last_look.timestamp()
    assert [one.name for one in tmp_path.iterdir()] == [file.name]
    assert file.stat().st_mode & 0o777 == 0o644

"""Metrics that rules and dashboards use and that are not ours, by who has them."""

from __future__ import annotations

NODE = {
    "node_cpu_seconds_total", "node_filesystem_avail_bytes", "node_filesystem_files",
    "node_filesystem_files_free", "node_filesystem_size_bytes", "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes", "node_scrape_collector_success", "node_time_seconds",
    "node_timex_sync_status",
}  # fmt: skip
HAPROXY = {"haproxy_backend_status", "haproxy_server_status"}
RABBITMQ = {
    "rabbitmq_alarms_file_descriptor_limit", "rabbitmq_alarms_free_disk_space_watermark",
    "rabbitmq_alarms_memory_used_watermark", "rabbitmq_queue_messages_ready",
}  # fmt: skip
PROMETHEUS = {
    "prometheus_config_last_reload_successful", "prometheus_notifications_alertmanagers_discovered",
    "prometheus_notifications_dropped_total", "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_iterations_missed_total", "prometheus_tsdb_compactions_failed_total",
    "prometheus_tsdb_head_series", "prometheus_tsdb_reloads_failures_total",
    "prometheus_tsdb_wal_corruptions_total", "prometheus_tsdb_wal_writes_failed_total",
}  # fmt: skip
"""A test asks a running Prometheus whether it has them."""
ALERTMANAGER = {"alertmanager_config_last_reload_successful", "alertmanager_notifications_failed_total"}
"""A test asks a running Alertmanager whether it has them."""
OF_SCRAPES = {
    "up", "scrape_duration_seconds", "scrape_timeout_seconds", "scrape_samples_post_metric_relabeling",
}  # fmt: skip
"""What Prometheus adds to each target; the timeout needs its feature extra-scrape-metrics."""
FOREIGN = NODE | HAPROXY | RABBITMQ | PROMETHEUS | ALERTMANAGER | OF_SCRAPES

"""Operations overview: what is broken, since when, and what to do. Read from the top at 3 a.m."""

from __future__ import annotations

from monitoring.dashboards.panel import (
    BAD_ABOVE_ZERO,
    BAD_BELOW_ONE,
    FULL,
    GREEN,
    RED,
    STAT,
    STATES,
    TABLE,
    TIME,
    UP_DOWN,
    YELLOW,
    Dashboard,
    Panel,
    Row,
    query,
)

_EXPECTED = "max by (agency, server_id) (city_workload_expected)"
_DAY = 86400

NOW = Row(
    "What is broken now",
    (
        Panel(
            "Pages firing",
            "Alerts that wake somebody; silences are not taken off.",
            "Cảnh báo khẩn cấp đang phát; chưa trừ các cảnh báo bị tắt tiếng.",
            STAT,
            query('count(ALERTS{alertstate="firing", severity="page"}) or vector(0)'),
            steps=BAD_ABOVE_ZERO,
            width=3,
            height=4,
        ),
        Panel(
            "Notices firing",
            "Alerts that can wait for a working day.",
            "Cảnh báo có thể chờ đến giờ làm việc.",
            STAT,
            query('count(ALERTS{alertstate="firing", severity="notice"}) or vector(0)'),
            steps=((None, GREEN), (1, YELLOW)),
            width=3,
            height=4,
        ),
        Panel(
            "APIs down",
            "OpenStack APIs that do not answer at their public address.",
            "Các API OpenStack không trả lời tại địa chỉ công khai.",
            STAT,
            query("count(max by (service) (city_api_up)) - sum(max by (service) (city_api_up))"),
            steps=BAD_ABOVE_ZERO,
            width=3,
            height=4,
            runbooks=("ApiDown",),
        ),
        Panel(
            "Hypervisors down",
            "Hypervisors whose nova-compute nova does not hear.",
            "Máy chủ ảo hóa mà nova không nhận được tín hiệu.",
            STAT,
            query(
                "count(max by (hypervisor) (city_hypervisor_service_up))"
                " - sum(max by (hypervisor) (city_hypervisor_service_up))"
            ),
            steps=BAD_ABOVE_ZERO,
            width=3,
            height=4,
            runbooks=("HypervisorComputeDown", "HypervisorUnreachable"),
        ),
        Panel(
            "Workloads down",
            "Agencies' servers that ought to answer and do not.",
            "Máy chủ của các cơ quan đáng lẽ phải trả lời nhưng không trả lời.",
            STAT,
            query(
                f"sum({_EXPECTED}) - (count({_EXPECTED} == 1 and on (server_id) city_workload_up == 1)"
                " or vector(0))"
            ),
            steps=BAD_ABOVE_ZERO,
            width=3,
            height=4,
            runbooks=("AgencyWorkloadDown",),
        ),
        Panel(
            "Oldest facts",
            "Age of the oldest facts that are served: alerts on them judge the past.",
            "Tuổi của dữ liệu cũ nhất. Dữ liệu cũ nghĩa là cảnh báo đang xét quá khứ.",
            STAT,
            query("max(collector:city_exporter_snapshot_age:seconds)"),
            unit="s",
            steps=((None, GREEN), (300, YELLOW), (900, RED)),
            width=3,
            height=4,
            runbooks=("SnapshotStale",),
        ),
        Panel(
            "Targets down",
            "What Prometheus cannot scrape.",
            "Những nguồn mà Prometheus không đọc được.",
            STAT,
            query("count(up) - sum(up)"),
            steps=BAD_ABOVE_ZERO,
            width=3,
            height=4,
            runbooks=("TargetDown", "ExporterDown"),
        ),
        Panel(
            "Heartbeat",
            "The alert that always fires. Without it nothing else on this page is judged.",
            "Cảnh báo luôn phát. Nếu mất, không có cảnh báo nào được xét.",
            STAT,
            query('count(ALERTS{alertname="Watchdog", alertstate="firing"}) or vector(0)'),
            steps=BAD_BELOW_ONE,
            values={"0": "MISSING", "1": "beats"},
            width=3,
            height=4,
            runbooks=("Watchdog",),
        ),
        Panel(
            "Firing alerts",
            "Each alert's name leads to its runbook.",
            "Bấm tên cảnh báo để mở hướng dẫn xử lý.",
            TABLE,
            query(
                "sort_desc(max by (alertname, severity, agency, hypervisor, service, instance, server)"
                ' (ALERTS{alertstate="firing", severity!="heartbeat"}))'
            ),
            width=24,
            may_be_empty="no alert fires on a site that is well",
        ),
    ),
)
APIS = Row(
    "APIs and the user's path",
    (
        Panel(
            "APIs",
            "Whether each API answered, over time.",
            "Từng API có trả lời hay không theo thời gian.",
            STATES,
            query("max by (service) (city_api_up)", "{{service}}"),
            steps=BAD_BELOW_ONE,
            values=UP_DOWN,
            runbooks=("ApiDown",),
        ),
        Panel(
            "Time until an API answers",
            "One unauthenticated request to each API.",
            "Thời gian chờ mỗi API trả lời một yêu cầu.",
            TIME,
            query("max by (service) (city_api_probe_duration_seconds)", "{{service}}"),
            unit="s",
        ),
        Panel(
            "Canary",
            "Whether a tiny server could be booted on each hypervisor, reached and deleted.",
            "Có thể tạo, kết nối và xóa một máy ảo nhỏ trên từng máy chủ ảo hóa hay không.",
            STATES,
            query("max by (hypervisor) (city_canary_up)", "{{hypervisor}}"),
            steps=BAD_BELOW_ONE,
            values=UP_DOWN,
        ),
        Panel(
            "What a user waits for",
            "Time of each step of the slowest canary.",
            "Thời gian từng bước của máy ảo thử chậm nhất.",
            TIME,
            query("max by (step) (city_canary_last_step_seconds)", "{{step}}"),
            unit="s",
        ),
    ),
)
SERVERS = Row(
    "Servers",
    (
        Panel(
            "Hypervisors",
            "Whether nova hears each nova-compute.",
            "Nova có nhận được tín hiệu của từng máy chủ ảo hóa hay không.",
            STATES,
            query("max by (hypervisor) (city_hypervisor_service_up)", "{{hypervisor}}"),
            steps=BAD_BELOW_ONE,
            values=UP_DOWN,
            runbooks=("HypervisorComputeDown",),
        ),
        Panel(
            "Processor in use",
            "Share of each server's cores that is not idle.",
            "Tỷ lệ bộ xử lý đang dùng của từng máy chủ.",
            TIME,
            query(
                '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",'
                ' job=~"controller|hypervisor"}[$__rate_interval]))',
                "{{instance}}",
            ),
            unit="percentunit",
            steps=FULL,
        ),
        Panel(
            "Memory in use",
            "Share of each server's memory that is not available.",
            "Tỷ lệ bộ nhớ đang dùng của từng máy chủ.",
            TIME,
            query(
                'max by (instance) (1 - node_memory_MemAvailable_bytes{job=~"controller|hypervisor"}'
                " / node_memory_MemTotal_bytes)",
                "{{instance}}",
            ),
            unit="percentunit",
            steps=FULL,
        ),
        Panel(
            "Root file system in use",
            "Share of each server's root file system that is full.",
            "Tỷ lệ đầy của ổ đĩa gốc từng máy chủ.",
            TIME,
            query(
                'max by (instance) (1 - node_filesystem_avail_bytes{mountpoint="/",'
                ' job=~"controller|hypervisor"} / node_filesystem_size_bytes)',
                "{{instance}}",
            ),
            unit="percentunit",
            steps=FULL,
        ),
    ),
)
KEEPING = Row(
    "What keeps it alive",
    (
        Panel(
            "Database members missing",
            "Members of the database cluster that the worst member does not see.",
            "Số thành viên cụm cơ sở dữ liệu bị thiếu.",
            STAT,
            query("max(city_database_members_expected - city_database_members)"),
            steps=BAD_ABOVE_ZERO,
            width=4,
            height=5,
        ),
        Panel(
            "Newest backup",
            "Age of the newest whole backup of the database.",
            "Tuổi của bản sao lưu cơ sở dữ liệu mới nhất.",
            STAT,
            query("time() - max(city_backup_last_success_timestamp_seconds)"),
            unit="s",
            steps=((None, GREEN), (1.5 * _DAY, YELLOW), (2 * _DAY, RED)),
            width=4,
            height=5,
        ),
        Panel(
            "First certificate to expire",
            "Time until the first certificate of the site expires.",
            "Thời gian đến khi chứng thư đầu tiên của hệ thống hết hạn.",
            STAT,
            query("min(city_certificate_expiry_timestamp_seconds) - time()"),
            unit="s",
            steps=((None, RED), (7 * _DAY, YELLOW), (21 * _DAY, GREEN)),
            width=4,
            height=5,
        ),
        Panel(
            "Age of facts",
            "Per collector of the exporters.",
            "Theo từng bộ thu thập.",
            TIME,
            query("max by (collector) (collector:city_exporter_snapshot_age:seconds)", "{{collector}}"),
            unit="s",
            height=5,
            runbooks=("SnapshotStale",),
        ),
    ),
)

OPERATIONS = Dashboard(
    uid="citycloud-operations",
    title="City Cloud: operations",
    english="What is broken, since when, and what to do. Read from the top.",
    vietnamese="Cái gì hỏng, từ khi nào và phải làm gì. Đọc từ trên xuống.",
    rows=(NOW, APIS, SERVERS, KEEPING),
)

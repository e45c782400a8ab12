"""Agency: what one agency's people ask: do our servers answer, how full is our quota, is the promise kept."""

from __future__ import annotations

from monitoring.dashboards.panel import (
    BAD_ABOVE_ZERO,
    BAD_BELOW_ONE,
    BARS,
    FULL,
    GREEN,
    LEFT,
    RED,
    STAT,
    STATES,
    TABLE,
    TIME,
    YELLOW,
    Dashboard,
    Panel,
    Row,
    query,
)

_OF = '{agency="$agency"}'
_EXPECTED = f"max by (server_id) (city_workload_expected{_OF})"
_ANSWERING = f"({_EXPECTED} == 1 and on (server_id) city_workload_up{_OF} == 1)"
_NO_BUDGET = "an agency whose servers are not probed yet has no events to judge"
_UP_DOWN = {"0": "không trả lời", "1": "hoạt động"}

NOW = Row(
    "Hiện trạng",
    (
        Panel(
            "Máy chủ hoạt động",
            "Servers that ought to answer and do.",
            "Máy chủ cần trả lời và đang trả lời.",
            STAT,
            query(f"(count({_ANSWERING}) or vector(0)) and on () city_workload_expected{_OF}"),
            width=4,
            height=4,
        ),
        Panel(
            "Máy chủ không trả lời",
            "Servers that ought to answer and do not.",
            "Máy chủ cần trả lời nhưng không trả lời.",
            STAT,
            query(f"sum({_EXPECTED}) - (count({_ANSWERING}) or vector(0))"),
            steps=BAD_ABOVE_ZERO,
            width=4,
            height=4,
            runbooks=("AgencyWorkloadDown",),
        ),
        Panel(
            "Máy chủ không theo dõi",
            "Servers that nobody expects to answer: stopped by the agency, or no address.",
            "Máy chủ không cần trả lời: do cơ quan tắt, hoặc chưa có địa chỉ.",
            STAT,
            query(f"count({_EXPECTED}) - sum({_EXPECTED})"),
            width=4,
            height=4,
        ),
        Panel(
            "Hạn ngạch đầy nhất",
            "The fullest quota.",
            "Hạn ngạch được dùng nhiều nhất.",
            STAT,
            query(
                'max(city_agency_usage_units{agency="$agency", resource!~"networks|routers|security_groups"}'
                f" / (city_agency_quota_units{_OF} > 0) or city_agency_usage_bytes{_OF}"
                f" / (city_agency_quota_bytes{_OF} > 0))"
            ),
            unit="percentunit",
            steps=FULL,
            width=4,
            height=4,
            runbooks=("AgencyQuotaNearLimit",),
        ),
        Panel(
            "Ngân sách lỗi còn lại",
            "Error budget of 30 days that is left, worst server.",
            "Phần ngân sách lỗi 30 ngày còn lại của máy chủ kém nhất.",
            STAT,
            query(f"min(slo:city_budget_left:ratio{_OF})"),
            unit="percentunit",
            steps=LEFT,
            width=4,
            height=4,
            may_be_empty=_NO_BUDGET,
        ),
        Panel(
            "Chứng thư hết hạn đầu tiên",
            "Time until the first certificate of the agency's servers expires.",
            "Thời gian đến khi chứng thư đầu tiên trên máy chủ của cơ quan hết hạn.",
            STAT,
            query(f"min(city_workload_certificate_expiry_timestamp_seconds{_OF}) - time()"),
            unit="s",
            steps=((None, RED), (7 * 86400, YELLOW), (21 * 86400, GREEN)),
            width=4,
            height=4,
            may_be_empty="an agency without HTTPS servers has no certificate to watch",
        ),
    ),
)
SERVERS = Row(
    "Máy chủ",
    (
        Panel(
            "Trạng thái theo thời gian",
            "Whether each server answered.",
            "Từng máy chủ có trả lời hay không.",
            STATES,
            query(f"max by (server) (city_workload_up{_OF})", "{{server}}"),
            steps=BAD_BELOW_ONE,
            values=_UP_DOWN,
            width=16,
        ),
        Panel(
            "Tỷ lệ hoạt động 24 giờ",
            "Good probes of all probes in 24 hours.",
            "Tỷ lệ lần thăm dò thành công trong 24 giờ.",
            BARS,
            query(
                f"sum by (server) (increase(city_workload_probes_good_total{_OF}[24h]))"
                f" / sum by (server) (increase(city_workload_probes_total{_OF}[24h]))",
                "{{server}}",
            ),
            unit="percentunit",
            decimals=2,
            steps=((None, RED), (0.99, YELLOW), (0.999, GREEN)),
            width=8,
        ),
        Panel(
            "Thời gian trả lời",
            "Time that each probe took.",
            "Thời gian của mỗi lần thăm dò.",
            TIME,
            query(
                f"max by (server, probe) (city_workload_probe_duration_seconds{_OF})", "{{server}} {{probe}}"
            ),
            unit="s",
        ),
        Panel(
            "Cảnh báo của cơ quan",
            "Alerts that concern the agency.",
            "Các cảnh báo liên quan đến cơ quan.",
            TABLE,
            query(
                "max by (alertname, severity, server, resource)"
                ' (ALERTS{alertstate="firing", agency="$agency"})'
            ),
            may_be_empty="no alert fires for an agency that is well",
        ),
    ),
)
QUOTA = Row(
    "Hạn ngạch",
    (
        Panel(
            "Đã dùng theo hạn ngạch",
            "Used of each quota.",
            "Phần đã dùng của từng hạn ngạch.",
            BARS,
            query(
                f"max by (resource) (city_agency_usage_units{_OF} / (city_agency_quota_units{_OF} > 0)"
                f" or city_agency_usage_bytes{_OF} / (city_agency_quota_bytes{_OF} > 0))",
                "{{resource}}",
            ),
            unit="percentunit",
            steps=FULL,
        ),
        Panel(
            "Bộ nhớ theo thời gian",
            "Memory that the agency's servers hold.",
            "Bộ nhớ mà máy chủ của cơ quan đang giữ.",
            TIME,
            query(
                'sum(max by (project) (city_agency_usage_bytes{agency="$agency", resource="memory"}))',
                "đã dùng",
            ),
            unit="bytes",
        ),
    ),
)

AGENCY = Dashboard(
    uid="citycloud-agency",
    title="City Cloud: cơ quan",
    english="One agency: its servers, its quota, what it was promised.",
    vietnamese="Một cơ quan: máy chủ, hạn ngạch và cam kết dịch vụ.",
    rows=(NOW, SERVERS, QUOTA),
    variables=("agency",),
    past="24h",
    refresh="1m",
)

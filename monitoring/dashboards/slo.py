"""SLOs: what was promised, what is left of the error budgets, how fast they burn, is the ledger sound."""

from __future__ import annotations

from monitoring.dashboards.panel import (
    BAD_BELOW_ONE,
    GREEN,
    LEFT,
    RED,
    STAT,
    TABLE,
    TIME,
    YELLOW,
    Dashboard,
    Panel,
    Row,
    query,
)

_OF = '{slo=~"$slo"}'
_FEW = "an SLO needs events before it can be judged"

BUDGET = Row(
    "Error budgets",
    (
        Panel(
            "Budget left",
            "Share of the 30 days' error budget that is left, worst series; below 0: overdrawn.",
            "Phần ngân sách lỗi 30 ngày còn lại, chuỗi kém nhất của mỗi SLO; dưới 0 là vượt.",
            STAT,
            query(f"min by (slo) (slo:city_budget_left:ratio{_OF})", "{{slo}}"),
            unit="percentunit",
            steps=LEFT,
            width=24,
            height=5,
        ),
        Panel(
            "Worst series",
            "The twenty series with least budget.",
            "Hai mươi chuỗi còn ít ngân sách nhất.",
            TABLE,
            query(f"bottomk(20, slo:city_budget_left:ratio{_OF})"),
            unit="percentunit",
            steps=LEFT,
        ),
        Panel(
            "Budget left over time",
            "Worst series of each SLO.",
            "Chuỗi kém nhất của mỗi SLO theo thời gian.",
            TIME,
            query(f"min by (slo) (slo:city_budget_left:ratio{_OF})", "{{slo}}"),
            unit="percentunit",
        ),
    ),
)
BURN = Row(
    "How fast it burns",
    (
        Panel(
            "Burn rate, 1 h",
            "Errors as a multiple of what the objective allows; 14.4 pages.",
            "Tốc độ tiêu ngân sách trong 1 giờ; từ 14,4 là khẩn cấp.",
            TIME,
            query('max by (slo) (slo:city_burn_rate:ratio{slo=~"$slo", window="1h"})', "{{slo}}"),
            steps=((None, GREEN), (1, YELLOW), (14.4, RED)),
            may_be_empty=_FEW,
        ),
        Panel(
            "Burn rate, 6 h",
            "6 pages.",
            "Tốc độ tiêu ngân sách trong 6 giờ; từ 6 là khẩn cấp.",
            TIME,
            query('max by (slo) (slo:city_burn_rate:ratio{slo=~"$slo", window="6h"})', "{{slo}}"),
            steps=((None, GREEN), (1, YELLOW), (6, RED)),
            may_be_empty=_FEW,
        ),
        Panel(
            "Objective",
            "Share of good events that was promised.",
            "Tỷ lệ sự kiện tốt đã cam kết.",
            STAT,
            query(f"min by (slo) (slo:city_objective:ratio{_OF})", "{{slo}}"),
            unit="percentunit",
            decimals=3,
        ),
        Panel(
            "Events, 30 d",
            "How many events each SLO was judged by.",
            "Số sự kiện dùng để xét mỗi SLO.",
            STAT,
            query('sum by (slo) (slo:city_events:increase{slo=~"$slo", window="30d"})', "{{slo}}"),
            decimals=0,
        ),
    ),
)
LEDGER = Row(
    "SLA ledger",
    (
        Panel(
            "Age of the last day",
            "Time since the end of the ledger's last day; a day and a half is late.",
            "Thời gian từ cuối ngày gần nhất trong sổ.",
            STAT,
            query("time() - max(city_ledger_last_day_timestamp_seconds)"),
            unit="s",
            steps=((None, GREEN), (129600, YELLOW), (172800, RED)),
            width=8,
            height=5,
        ),
        Panel(
            "Chain of entries",
            "Whether nothing was changed or cut since it was written.",
            "Chuỗi bản ghi có nguyên vẹn hay không.",
            STAT,
            query("min(city_ledger_intact)"),
            steps=BAD_BELOW_ONE,
            values={"0": "BROKEN", "1": "intact"},
            width=8,
            height=5,
        ),
        Panel(
            "Unknown of the last day",
            "Share of the last day, over all workloads, of which nothing is known.",
            "Tỷ lệ thời gian không rõ của ngày gần nhất.",
            STAT,
            query("max(city_ledger_day_unknown_ratio)"),
            unit="percentunit",
            steps=((None, GREEN), (0.01, YELLOW), (0.05, RED)),
            width=8,
            height=5,
        ),
    ),
)

SLO = Dashboard(
    uid="citycloud-slo",
    title="City Cloud: SLOs",
    english="What was promised, what is left of the error budgets, and the ledger.",
    vietnamese="Cam kết, ngân sách lỗi còn lại và sổ SLA.",
    rows=(BUDGET, BURN, LEDGER),
    variables=("slo",),
    past="7d",
    refresh="5m",
)

"""Capacity: what the city can still hand out, whether it could lose a hypervisor, and when to buy."""

from __future__ import annotations

from monitoring.dashboards.panel import (
    BAD_ABOVE_ZERO,
    BAD_BELOW_ONE,
    BARS,
    FULL,
    GREEN,
    RED,
    STAT,
    TABLE,
    TIME,
    YELLOW,
    Dashboard,
    Panel,
    Query,
    Row,
    query,
)

YES_NO = {"0": "no", "1": "yes"}
_YOUNG = "a site needs weeks of history before days left can be told"


def _over_time(title: str, vietnamese: str, resource_class: str, unit: str) -> Panel:
    suffix = "units" if unit == "short" else "bytes"
    held = f'{{resource_class="{resource_class}"}}'
    # Nova has no quota of local disk: nothing promises it.
    promised = (Query(f"max(city_cloud_committed_{suffix}{held})", "promised by quotas"),)
    return Panel(
        title,
        "Allocatable on hypervisors that are enabled and up, used, and what quotas promise.",
        vietnamese,
        TIME,
        (
            Query(f"max(city_cloud_schedulable_{suffix}{held})", "schedulable"),
            Query(f"max(city_cloud_used_{suffix}{held})", "used"),
            *(promised if resource_class != "DISK_GB" else ()),
        ),
        unit=unit,
        width=8,
    )


NOW = Row(
    "What is left",
    (
        Panel(
            "Used of allocatable",
            "By Placement's own arithmetic: reserved and overcommit are in it.",
            "Theo đúng cách tính của Placement: đã gồm phần giữ lại và mức cấp phát vượt.",
            BARS,
            query("resource_class:city_allocatable_used:ratio", "{{resource_class}}"),
            unit="percentunit",
            steps=FULL,
            width=8,
            runbooks=("CapacityLow",),
        ),
        Panel(
            "Servers that still fit",
            "For each flavor, counted by hypervisor as the scheduler would place them.",
            "Số máy ảo mỗi cấu hình còn tạo được, đếm theo từng máy chủ ảo hóa.",
            BARS,
            query("sort(max by (flavor) (city_flavor_capacity_servers))", "{{flavor}}"),
            steps=((None, RED), (3, YELLOW), (10, GREEN)),
            width=8,
            runbooks=("FlavorCapacityLow",),
        ),
        Panel(
            "Can lose its largest hypervisor",
            "N-1: whether all its servers would find a place on the others.",
            "N-1: nếu mất máy chủ ảo hóa lớn nhất, mọi máy ảo của nó có chỗ trên các máy khác không.",
            STAT,
            query("min(city_largest_hypervisor_loss_absorbable)"),
            steps=BAD_BELOW_ONE,
            values=YES_NO,
            width=4,
        ),
        Panel(
            "Zones that can be lost",
            "Whether all servers of the zone would find a place in the others.",
            "Nếu mất cả vùng, mọi máy ảo của vùng có chỗ ở các vùng khác không.",
            STAT,
            query("min by (availability_zone) (city_zone_loss_absorbable)", "{{availability_zone}}"),
            steps=BAD_BELOW_ONE,
            values=YES_NO,
            width=4,
        ),
    ),
)
FORECAST = Row(
    "When to buy",
    (
        Panel(
            "Days left",
            "Days until used up, with all hypervisors or without the largest (N-1), with bounds.",
            "Số ngày đến khi cạn, tính đủ máy hoặc thiếu máy lớn nhất (N-1), có khoảng tin cậy.",
            TABLE,
            query("min by (resource_class, scope, bound) (city_forecast_days_left)"),
            unit="d",
            decimals=0,
            steps=((None, RED), (60, YELLOW), (120, GREEN)),
            width=16,
            may_be_empty=_YOUNG,
        ),
        Panel(
            "Error of past forecasts",
            "Median error over four weeks, as a share of the capacity.",
            "Sai số trung vị của các dự báo trước trong bốn tuần, so với tổng tài nguyên.",
            TIME,
            query("max by (resource_class) (city_forecast_error_ratio)", "{{resource_class}}"),
            unit="percentunit",
            width=8,
            may_be_empty=_YOUNG,
        ),
    ),
)
TREND = Row(
    "Over time",
    (
        _over_time("Cores", "Số lõi có thể cấp, đã dùng và đã hứa theo hạn ngạch.", "VCPU", "short"),
        _over_time("Memory", "Bộ nhớ có thể cấp, đã dùng và đã hứa theo hạn ngạch.", "MEMORY_MB", "bytes"),
        _over_time("Local disk", "Ổ đĩa cục bộ có thể cấp và đã dùng.", "DISK_GB", "bytes"),
        Panel(
            "Memory by hypervisor",
            "Used of allocatable.",
            "Tỷ lệ bộ nhớ đã dùng theo từng máy chủ ảo hóa.",
            TIME,
            query(
                'max by (hypervisor) (city_hypervisor_used_bytes{resource_class="MEMORY_MB"}'
                ' / (city_hypervisor_allocatable_bytes{resource_class="MEMORY_MB"} > 0))',
                "{{hypervisor}}",
            ),
            unit="percentunit",
            steps=FULL,
        ),
        Panel(
            "Stranded memory",
            "Free, but no flavor fits because another resource of the hypervisor is used up.",
            "Bộ nhớ còn trống nhưng không cấu hình nào dùng được vì tài nguyên khác đã hết.",
            TIME,
            query(
                'max by (hypervisor) (city_hypervisor_stranded_bytes{resource_class="MEMORY_MB"})',
                "{{hypervisor}}",
            ),
            unit="bytes",
        ),
    ),
)
OTHERS = Row(
    "Volumes, addresses, accounting",
    (
        Panel(
            "Volume pools in use",
            "Share of each pool that is allocated.",
            "Tỷ lệ đã cấp của từng kho ổ đĩa.",
            BARS,
            query(
                "max by (pool) (1 - city_volume_pool_free_bytes / (city_volume_pool_capacity_bytes > 0))",
                "{{pool}}",
            ),
            unit="percentunit",
            steps=FULL,
            width=8,
        ),
        Panel(
            "Floating addresses in use",
            "Share of each external network's addresses that is taken.",
            "Tỷ lệ địa chỉ công khai đã dùng của từng mạng ngoài.",
            BARS,
            query(
                "max by (network) (city_floating_ip_pool_used_addresses"
                " / (city_floating_ip_pool_addresses > 0))",
                "{{network}}",
            ),
            unit="percentunit",
            steps=FULL,
            width=8,
        ),
        Panel(
            "Orphaned allocations",
            "Placement holds room for servers that nova does not know.",
            "Placement giữ chỗ cho những máy ảo mà nova không biết.",
            STAT,
            query("sum(max by (hypervisor) (city_placement_orphaned_allocations))"),
            steps=BAD_ABOVE_ZERO,
            width=8,
        ),
    ),
)

CAPACITY = Dashboard(
    uid="citycloud-capacity",
    title="City Cloud: capacity",
    english="What can still be handed out, what a lost hypervisor would mean, and when to buy.",
    vietnamese="Còn cấp được bao nhiêu, mất một máy thì sao, và khi nào phải mua thêm.",
    rows=(NOW, FORECAST, TREND, OTHERS),
    past="30d",
    refresh="5m",
)

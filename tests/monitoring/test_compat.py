"""promtool about the other project's names: what it says is what it says of them, and nothing else."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from prometheus_client.exposition import generate_latest

from monitoring.exporters.listening import Families
from tests.unit.monitoring.exporters.test_compat import shown

CAMEL = "label names should be written in 'snake_case' not 'camelCase'"
SUFFIX = 'non-counter metrics should not have "_total" suffix'
UNIT = "metric names should not contain abbreviated units"
# Kept as they are, for dashboards name them.
KNOWN = {
    ("openstack_nova_agent_state", CAMEL),
    ("openstack_neutron_agent_state", CAMEL),
    ("openstack_cinder_agent_state", CAMEL),
    ("openstack_neutron_network_ip_availabilities_total", SUFFIX),
    ("openstack_placement_resource_total", SUFFIX),
    *((f"openstack_cinder_limits_volume_{which}_gb", UNIT) for which in ("max", "used")),
    *((f"openstack_cinder_pool_capacity_{which}_gb", UNIT) for which in ("free", "total")),
    ("openstack_cinder_volume_status_counter", "metric name should not include type 'counter'"),
}


def test_promtool_complains_of_their_names_only() -> None:
    registry: Any = Families(shown())
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=generate_latest(registry),
        capture_output=True,
        check=False,
        timeout=600,
    )
    said = (done.stdout + done.stderr).decode()
    told = {tuple(line.split(" ", 1)) for line in said.splitlines() if re.match(r"openstack_", line)}
    assert told == KNOWN, said
    assert not [line for line in said.splitlines() if "error" in line]

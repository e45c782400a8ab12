"""What is told to the process that starts another."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from infra.hosts.launch import Launch, Overlay, load

OVERLAY = Overlay("/cache/base/abc", "/lab/upper", "/lab/work", "/lab/root")


@pytest.mark.parametrize("overlay", [None, OVERLAY])
def test_a_launch_survives_its_journey_as_json(overlay: Overlay | None) -> None:
    launch = Launch(
        argv=("/bin/sh", "-c", "true"),
        environment={"PATH": "/bin"},
        record="/lab/process.json",
        log="/lab/log",
        control_groups=("/sys/fs/cgroup/x",),
        network_namespace="/run/netns/x",
        overlay=overlay,
    )
    assert load(json.dumps(asdict(launch))) == launch


def test_a_servers_disk_is_its_own_layer_over_the_shared_one() -> None:
    assert OVERLAY.options == "lowerdir=/cache/base/abc,upperdir=/lab/upper,workdir=/lab/work,volatile"

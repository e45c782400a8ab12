"""What our process shares with the engines that it runs."""

from __future__ import annotations

from pulumi.runtime import settings

from infra.provisioning import pulumi_workspace


def test_an_engine_never_meets_the_connection_of_a_dead_one_whose_port_it_got() -> None:
    assert settings._GRPC_CHANNEL_OPTIONS.count(pulumi_workspace._OWN_CONNECTION) == 1

"""The conformance cases of the quotas of Nova, Neutron and Cinder."""

from __future__ import annotations

from typing import Any

from infra.cloud.quota import COMPUTE, NETWORK, VOLUME, QuotaService, set_quota
from tests.cloud.provider.case import Case, Ground, Inputs, State

PROJECT = "openstack:identity/project:Project"


def project(ground: Ground) -> str:
    inputs = {"name": ground.name("quota"), "domainId": ground.domain_id}
    return str(ground.make(PROJECT, inputs)["id"])


def changed(service: QuotaService, limit: str) -> Any:
    """A limit changed by hand."""

    def change(ground: Ground, identity: str, state: State) -> None:
        set_quota(ground.cloud, service, identity.partition("/")[0], {limit: 77})

    return change


def elsewhere(ground: Ground, inputs: Inputs) -> Inputs:
    return {**inputs, "projectId": project(ground)}


CASES = (
    Case(
        "openstack:compute/quotaSetV2:QuotaSetV2",
        lambda ground: {"projectId": project(ground), "cores": 7, "ram": 1024, "injectedFiles": 3},
        update=lambda ground, inputs: {**inputs, "cores": 8, "serverGroups": 2, "injectedFiles": 4},
        replace=elsewhere,
        by_hand=changed(COMPUTE, "cores"),
        stays=True,
    ),
    Case(
        "openstack:networking/quotaV2:QuotaV2",
        lambda ground: {"projectId": project(ground), "port": 17, "securityGroupRule": 33},
        update=lambda ground, inputs: {**inputs, "port": 18, "rbacPolicy": 2},
        replace=elsewhere,
        by_hand=changed(NETWORK, "port"),
        stays=True,
    ),
    Case(
        "openstack:blockstorage/quoteSetV3:QuoteSetV3",
        lambda ground: {
            "projectId": project(ground), "volumes": 3, "volumeTypeQuota": {"volumes___DEFAULT__": 2},
        },
        update=lambda ground, inputs: {
            **inputs, "gigabytes": 55,
            "volumeTypeQuota": {"volumes___DEFAULT__": 4, "gigabytes___DEFAULT__": 9},
        },
        replace=elsewhere,
        by_hand=changed(VOLUME, "volumes"),
        stays=True,
    ),
)  # fmt: skip

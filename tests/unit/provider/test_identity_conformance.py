"""Every case of identity, images, flavors and their like, and quotas against a cloud in memory."""

from __future__ import annotations

import pytest

from tests.cloud.provider import flavor_cases, identity_cases, images_cases, quota_cases
from tests.cloud.provider.case import Case, fake_ground
from tests.unit.provider import test_networking_conformance as life

_CREDENTIAL = "openstack:identity/applicationCredential:ApplicationCredential"
CASES = [
    case
    for module in (identity_cases, flavor_cases, images_cases, quota_cases)
    for case in module.CASES
    if case.name != _CREDENTIAL  # made twice it is another: see test_identity
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_lives_through_create_read_import_update_and_delete(case: Case) -> None:
    life.test_a_case_lives_through_create_read_import_update_and_delete(case, fake_ground())

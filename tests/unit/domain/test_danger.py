"""What needs a second person, and what is everyday work and does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.domain.danger import (
    LOST,
    QUOTAS,
    CloudFacts,
    Held,
    lowered,
    projects_that_end,
    quotas_that_shrink,
)
from infra.domain.plan import UNKNOWN

from .plan_sample import (
    COMPUTE_QUOTA,
    GROUP,
    INSTANCE,
    NETWORK,
    PROJECT,
    ROUTER,
    VOLUME,
    VOLUME_QUOTA,
    found_in,
    make_plan,
    make_step,
    rules_of,
)

IMAGE = "openstack:images/image:Image"
HARMLESS = (
    GROUP, "openstack:compute/flavor:Flavor", "openstack:compute/serverGroup:ServerGroup",
    "openstack:networking/addressScope:AddressScope",
)  # fmt: skip


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize("kind", sorted(LOST))
def test_a_delete_or_a_replacement_of_what_holds_data_or_carries_access_is_dangerous(
    op: str, kind: str
) -> None:
    (found,) = found_in(make_step(op, kind, "web"))
    assert found.rule == f"{op}_loses"
    assert LOST[kind] in found.reason
    assert "put web back" in found.way_out
    assert "or confirm" in found.way_out
    assert found.confirmable


@pytest.mark.parametrize("kind", [INSTANCE, VOLUME, NETWORK, ROUTER])
def test_what_the_issue_names_is_on_the_list(kind: str) -> None:
    assert kind in LOST


@pytest.mark.parametrize(
    "kind",
    [
        "openstack:identity/user:User",
        "openstack:identity/roleAssignment:RoleAssignment",
        "openstack:identity/inheritRoleAssignment:InheritRoleAssignment",
        "openstack:identity/userMembershipV3:UserMembershipV3",
        "openstack:identity/applicationCredential:ApplicationCredential",
        "openstack:networking/floatingIp:FloatingIp",
        "openstack:networking/floatingIpAssociate:FloatingIpAssociate",
        "openstack:networking/rbacPolicyV2:RbacPolicyV2",
        "openstack:networking/portSecGroupAssociate:PortSecGroupAssociate",
        "openstack:compute/flavorAccess:FlavorAccess",
        "openstack:images/imageAccess:ImageAccess",
        "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3",
    ],
)
def test_what_people_or_programs_get_in_by_is_on_the_list(kind: str) -> None:
    assert kind in LOST


@pytest.mark.parametrize("op", ["create", "import", "update"])
@pytest.mark.parametrize("kind", sorted({*LOST, *QUOTAS, *HARMLESS}))
def test_what_is_made_or_changed_in_place_is_everyday_work(op: str, kind: str) -> None:
    step = make_step(op, kind, before={"name": "a"}, after={"name": "b"}, properties=("name",))
    assert found_in(step) == []


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize("kind", HARMLESS)
def test_what_holds_nothing_goes_without_a_second_person(op: str, kind: str) -> None:
    assert found_in(make_step(op, kind)) == []


def test_a_replacement_says_what_makes_it_necessary() -> None:
    (found,) = found_in(make_step("replace", INSTANCE, properties=("imageId", "keyPair")))
    assert "replaced because of imageId, keyPair" in found.reason


@pytest.mark.parametrize(
    ("inputs", "lost"),
    [({}, True), ({"localFilePath": "debian.raw"}, False), ({"imageSourceUrl": "https://a/b"}, False)],
)
def test_an_image_is_lost_only_where_nothing_says_where_it_came_from(
    inputs: dict[str, Any], lost: bool
) -> None:
    assert bool(found_in(make_step("delete", IMAGE, before=inputs))) is lost


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize("kind", [*HARMLESS, INSTANCE, COMPUTE_QUOTA])
def test_a_delete_right_after_an_import_is_dangerous_whatever_it_is(op: str, kind: str) -> None:
    found = found_in(make_step(op, kind, imported=True))
    assert "after_import" in rules_of(found)
    assert any("make the program say what the resource is" in one.way_out for one in found)


def test_an_update_right_after_an_import_is_what_an_import_is_for() -> None:
    assert found_in(make_step("update", GROUP, imported=True)) == []


# Quotas


@pytest.mark.parametrize("op", ["delete", "replace"])
@pytest.mark.parametrize("kind", sorted(QUOTAS))
def test_a_quota_that_is_removed_or_goes_to_another_project_is_dangerous(op: str, kind: str) -> None:
    (found,) = found_in(make_step(op, kind, before={"projectId": "p"}, after={"projectId": "q"}))
    assert found.rule == "quota_removed"


@given(st.integers(-1, 30), st.integers(-1, 30), st.integers(0, 30), st.sampled_from([int, float]))
def test_a_limit_is_dangerous_exactly_when_it_goes_down_below_what_is_used(
    before: int, after: int, used: int, number: type
) -> None:
    step = make_step(
        "update", COMPUTE_QUOTA, before={"projectId": "p", "cores": number(before)},
        after={"projectId": "p", "cores": number(after)},
    )  # fmt: skip
    facts = CloudFacts(usage={("compute", "p"): {"cores": used}})
    down = after >= 0 and (before < 0 or after < before)
    assert bool(found_in(step, facts=facts)) is (down and used > after)
    assert quotas_that_shrink([make_plan(step)]) == ({("compute", "p")} if down else set())


def test_each_limit_that_is_too_low_is_told_with_what_would_do() -> None:
    before = {"projectId": "p", "keyPairs": 9, "cores": 9, "ram": 9}
    step = make_step("update", COMPUTE_QUOTA, before=before, after={**before, "keyPairs": 1, "cores": 2})
    facts = CloudFacts(usage={("compute", "p"): {"key_pairs": 3, "cores": 4, "ram": 99}})
    found = found_in(step, facts=facts)
    assert {one.things for one in found} == {("key_pairs",), ("cores",)}
    assert "leave at least 3, release some, or confirm" in {one.way_out for one in found}


def test_limits_of_volume_types_count_by_their_own_names() -> None:
    before = {"projectId": "p", "volumeTypeQuota": {"volumes_SSD": "10"}}
    step = make_step("update", VOLUME_QUOTA, before=before, after={"volumeTypeQuota": {"volumes_SSD": "2"}})
    assert lowered(step) == {"volumes_SSD": (10, 2)}
    facts = CloudFacts(usage={("volume", "p"): {"volumes_SSD": 3}})
    assert rules_of(found_in(step, facts=facts)) == ["quota_below_use"]


@pytest.mark.parametrize("after", [{}, {"cores": UNKNOWN}, {"cores": True}, {"cores": None}])
def test_a_limit_that_is_named_no_more_or_not_known_yet_is_not_lowered(after: dict[str, Any]) -> None:
    assert lowered(make_step("update", COMPUTE_QUOTA, before={"cores": 5}, after=after)) == {}


def test_the_project_of_a_quota_is_read_from_its_id_where_its_inputs_do_not_say() -> None:
    step = make_step("update", COMPUTE_QUOTA, id="p/hai-phong", before={"cores": 5}, after={"cores": 4})
    assert quotas_that_shrink([make_plan(step)]) == {("compute", "p")}


# Projects


def test_a_project_that_holds_what_the_stack_did_not_make_is_told_with_these() -> None:
    held = (Held("volume", "v-2", "data"), Held("server", "s-1", "web"), Held("server", "s-0", ""))
    found = found_in(
        make_step("delete", PROJECT, id="p"),
        make_step("delete", INSTANCE, "web", id="s-1"),
        facts=CloudFacts(contents={"p": held}),
    )
    (told,) = [one for one in found if one.rule == "project_not_empty"]
    assert told.things == ("server s-0", "volume v-2")
    assert "server s-0 (s-0), volume data (v-2)" in told.reason


def test_a_project_with_many_things_names_some_and_keeps_all() -> None:
    held = tuple(Held("port", f"id-{number:02}", "") for number in range(20))
    found = found_in(make_step("delete", PROJECT, id="p"), facts=CloudFacts(contents={"p": held}))
    assert "and 12 more" in found[1].reason
    assert len(found[1].things) == 20


def test_an_empty_project_is_only_deleted() -> None:
    assert rules_of(found_in(make_step("delete", PROJECT, id="p"))) == ["delete_loses"]


def test_the_cloud_is_asked_only_about_projects_that_end() -> None:
    steps = [
        make_step("delete", PROJECT, "a", id="p-1"), make_step("replace", PROJECT, "b", id="p-2"),
        make_step("update", PROJECT, "c", id="p-3"), make_step("delete", INSTANCE, "d", id="p-4"),
        make_step("delete", PROJECT, "e", id=""),
    ]  # fmt: skip
    assert projects_that_end([make_plan(*steps)]) == {"p-1", "p-2"}


@given(st.permutations([INSTANCE, VOLUME, NETWORK, ROUTER, GROUP]), st.lists(st.booleans(), min_size=5))
def test_dangers_are_told_of_each_step_and_in_the_order_of_the_plan(
    kinds: list[str], deleted: list[bool]
) -> None:
    pairs = list(zip(kinds, deleted, strict=False))
    steps = [make_step("delete" if gone else "create", kind, kind) for kind, gone in pairs]
    assert [one.type for one in found_in(*steps)] == [kind for kind, gone in pairs if gone and kind != GROUP]

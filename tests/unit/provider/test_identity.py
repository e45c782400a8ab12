"""Who may do what: users with their options, memberships, roles, application credentials, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.cloud.errors import Unavailable
from infra.provider.application_credential import ApplicationCredentialRefused, SecretUnknown
from infra.provider.registry import resource
from infra.provider.resource import Context, ImportRefused, NotOurs, Resource
from tests.cloud.provider.case import Ground, fake_ground
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
MARK = "pulumi:" + "b" * 24


def kind(short: str) -> Resource:
    return resource(f"openstack:identity/{short}")


def make(context: Context, short: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    checked, failures = kind(short).check(inputs)
    assert not failures
    return kind(short).create(context, checked)


@pytest.fixture
def ground(fake: FakeOpenStack) -> Ground:
    return fake_ground(fake)


class TestUser:
    def test_an_attribute_that_left_the_program_leaves_keystone(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = make(context(), "user:User", name="u", extra={"email": "a@b.vn", "phone": "1"})
        assert state["extra"] == {"email": "a@b.vn", "phone": "1"}
        wanted = {"name": "u", "extra": {"email": "c@d.vn"}}
        after = kind("user:User").update(context(), identity, state, wanted, {"extra"})
        assert after["extra"] == {"email": "c@d.vn"}
        assert fake.kind("users")[identity]["phone"] is None

    def test_options_are_said_as_options_and_taken_away_again(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        rules = [{"rules": ["password", "totp"]}]
        inputs = {"name": "u", "multiFactorAuthEnabled": True, "multiFactorAuthRules": rules}
        identity, state = make(context(), "user:User", **inputs)
        held = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
        assert fake.kind("users")[identity]["options"] == held
        assert state["multiFactorAuthRules"] == rules
        user = kind("user:User")
        changed = {item.name for item in user.differences(state, {"name": "u", "enabled": True})}
        assert changed == {"multiFactorAuthEnabled", "multiFactorAuthRules"}
        user.update(context(), identity, state, {"name": "u", "enabled": True}, changed)
        assert fake.kind("users")[identity]["options"] == {}

    def test_keystones_own_attributes_are_refused_as_extra_ones(self) -> None:
        _, failures = kind("user:User").check({"name": "u", "extra": {"options": "x", "email": "y"}})
        assert failures == [("extra", "options cannot be given here: Keystone's own")]

    def test_the_password_is_secret_and_only_sent_when_it_changes(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = make(context(), "user:User", name="u", password="one")
        assert "password" in kind("user:User").secrets
        fake.kind("users")[identity]["password"] = "kept"
        kind("user:User").update(context(), identity, state, {"name": "v", "password": "one"}, {"name"})
        assert fake.kind("users")[identity]["password"] == "kept"


@pytest.mark.parametrize(
    ("short", "identity"),
    [
        ("userMembershipV3:UserMembershipV3", "u"),
        ("inheritRoleAssignment:InheritRoleAssignment", "//g//r"),
        ("roleAssignment:RoleAssignment", "d/p/g//r"),
        ("roleAssignment:RoleAssignment", "/p/g//"),
    ],
)
def test_an_id_of_another_form_is_refused_by_an_import(context: Contexts, short: str, identity: str) -> None:
    with pytest.raises(ImportRefused):
        kind(short).read(context(), identity, {})


def test_an_inherited_role_is_another_than_the_same_role_held_directly(
    context: Contexts, ground: Ground
) -> None:
    where = {"groupId": "g", "projectId": ground.project_id, "roleId": "role-member"}
    inherited, _ = make(context(), "inheritRoleAssignment:InheritRoleAssignment", **where)
    assert inherited == f"/{ground.project_id}/g//role-member"
    assert kind("roleAssignment:RoleAssignment").read(context(), inherited, {}) is None
    kind("inheritRoleAssignment:InheritRoleAssignment").delete(context(), inherited, {})
    assert kind("inheritRoleAssignment:InheritRoleAssignment").read(context(), inherited, {}) is None


def test_many_assignments_are_read_with_one_listing(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    short = "roleAssignment:RoleAssignment"
    made = [
        make(context(), short, groupId=f"g{number}", projectId=ground.project_id, roleId="role-member")[0]
        for number in range(20)
    ]
    fake.calls.clear()
    assert all(kind(short).read(context(), identity, {}) for identity in made)
    assert len(fake.calls) == 3  # two singly, then the listing


def test_domains_and_projects_are_read_with_one_listing_of_each(
    context: Contexts, fake: FakeOpenStack
) -> None:
    short = "project:Project"
    made = [make(context(f"pulumi:{n:024}"), short, name=f"d{n}", isDomain=True)[0] for n in range(10)]
    made += [make(context(f"pulumi:{n:024}"), short, name=f"p{n}", domainId=made[0])[0] for n in range(10)]
    fake.calls.clear()
    assert all(kind(short).read(context(), identity, {}) for identity in made)
    assert len(fake.calls) == 4


class TestApplicationCredential:
    SHORT = "applicationCredential:ApplicationCredential"

    def test_the_secret_is_made_here_and_is_the_one_that_opens(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = make(context(), self.SHORT, name="c", roles=["member"])
        assert fake.kind("application_credentials")[identity]["secret"] == state["secret"]
        assert "secret" in kind(self.SHORT).secrets
        assert state["roles"] == ["member", "reader"]  # the implied one is there too, and no difference
        assert (
            kind(self.SHORT).differences(state, kind(self.SHORT).check({"name": "c", "roles": ["member"]})[0])
            == []
        )

    def test_one_whose_secret_was_lost_is_made_anew_with_nothing_left(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        rules = [{"path": "/v2/images", "method": "GET", "service": "image"}]
        first, _ = make(context(), self.SHORT, name="c", accessRules=rules)
        second, state = make(context(), self.SHORT, name="c", accessRules=rules)
        assert first != second
        assert list(fake.kind("application_credentials")) == [second]
        assert list(fake.kind("access_rules")) == [rule["id"] for rule in state["accessRules"]]
        kind(self.SHORT).delete(context(), second, state)
        assert not fake.kind("access_rules")

    def test_a_lost_answer_loses_no_secret(self, context: Contexts, fake: FakeOpenStack) -> None:
        answer = fake.handle

        def lose(service: str, method: str, path: str, *rest: Any) -> Any:
            told = answer(service, method, path, *rest)
            return (503, {"error": {"message": "lost"}}) if method == "POST" else told

        fake.handle = lose  # type: ignore[method-assign]
        identity, state = make(context(), self.SHORT, name="c")
        assert fake.kind("application_credentials")[identity]["secret"] == state["secret"]

    def test_one_of_anothers_making_is_not_taken_over(self, context: Contexts) -> None:
        make(context(), self.SHORT, name="c")
        with pytest.raises(NotOurs, match="import it"):
            make(context(MARK), self.SHORT, name="c")

    def test_a_secret_given_after_an_import_is_proved_and_replaces_nothing(self, context: Contexts) -> None:
        credential = kind(self.SHORT)
        identity, _ = make(context(), self.SHORT, name="c", secret="the right one")
        imported = credential.read(context(), identity, {})
        assert imported is not None
        for secret, works in (("the right one", True), ("another", False)):
            wanted = credential.check({"name": "c", "secret": secret})[0]
            (found,) = credential.differences(imported, wanted)
            assert (found.name, found.replaces) == ("secret", False)
            if works:
                after = credential.update(context(), identity, imported, wanted, {"secret"})
                assert credential.differences(after, wanted) == []
            else:
                with pytest.raises(SecretUnknown, match="not its secret"):
                    credential.update(context(), identity, imported, wanted, {"secret"})

    @pytest.mark.parametrize(
        "written", ["2035-01-01T00:00:00Z", "2035-01-01T07:00:00+07:00", "2035-01-01t00:00:00z"]
    )
    def test_a_moment_is_the_same_however_it_is_written(self, context: Contexts, written: str) -> None:
        _, state = make(context(), self.SHORT, name="c", expiresAt="2035-01-01T00:00:00Z")
        assert state["expiresAt"] == "2035-01-01T00:00:00Z"
        assert (
            kind(self.SHORT).differences(
                state, kind(self.SHORT).check({"name": "c", "expiresAt": written})[0]
            )
            == []
        )

    @pytest.mark.parametrize("wrong", ["tomorrow", "2035-13-01T00:00:00Z", "2035-01-01"])
    def test_what_is_no_moment_is_refused(self, wrong: str) -> None:
        _, failures = kind(self.SHORT).check({"name": "c", "expiresAt": wrong})
        assert [path for path, _ in failures] == ["expiresAt"]

    @pytest.mark.parametrize(
        ("status", "said", "way_out"),
        [
            (
                404,
                "Could not find role assignment with role: r, user or group: u",
                "default_authorization_ttl",
            ),
            (
                403,
                "Using method 'application_credential' is not allowed for managing",
                "only an unrestricted one",
            ),
            (403, "Cannot manage application credentials with a token issued via delegation.", "as the user"),
            (
                400,
                "Cannot create an application credential with unassigned role",
                "only roles that our user has",
            ),
        ],
    )
    def test_a_refusal_says_the_way_out(
        self, context: Contexts, fake: FakeOpenStack, status: int, said: str, way_out: str
    ) -> None:
        for _ in range(9):  # more often than it is tried again
            fake.fail("POST", "application_credentials$", status, said)
        with pytest.raises(ApplicationCredentialRefused, match=way_out):
            make(context(), self.SHORT, name="c")

    def test_a_role_that_keystone_misses_for_a_moment_is_waited_for(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        for _ in range(2):
            fake.fail("POST", "application_credentials$", 400, "Could not find role assignment with role: r")
        make(context(), self.SHORT, name="c")
        assert fake.called("POST", "application_credentials$") == 3


class TestLimits:
    REGISTERED = "registeredLimitV3:RegisteredLimitV3"
    LIMIT = "limitV3:LimitV3"

    def test_a_limit_of_anothers_making_is_not_taken_over_and_our_own_is(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        given = {"serviceId": "s", "resourceName": "images", "defaultLimit": 5}
        first, state = make(context(), self.REGISTERED, **given)
        assert state["description"] == ""
        assert make(context(), self.REGISTERED, **given)[0] == first
        with pytest.raises(NotOurs, match="a registered limit for images exists already"):
            make(context(MARK), self.REGISTERED, **given)
        limit = {"serviceId": "s", "resourceName": "images", "resourceLimit": 3, "projectId": "p"}
        mine, _ = make(context(), self.LIMIT, **limit)
        assert make(context(), self.LIMIT, **limit)[0] == mine
        other, _ = make(context(MARK), self.LIMIT, **{**limit, "projectId": "q"})
        assert other != mine

    def test_a_lost_answer_does_not_make_a_second_one(self, context: Contexts, fake: FakeOpenStack) -> None:
        fake.fail("POST", "registered_limits$", 503)
        with pytest.raises(Unavailable):
            make(context(), self.REGISTERED, serviceId="s", resourceName="images", defaultLimit=5)
        assert not fake.kind("registered_limits")

    def test_a_limit_is_of_a_project_or_of_a_domain(self) -> None:
        given = {"serviceId": "s", "resourceName": "images", "resourceLimit": 3}
        for more in ({}, {"projectId": "p", "domainId": "d"}):
            _, failures = kind(self.LIMIT).check({**given, **more})
            assert [path for path, _ in failures] == ["projectId"]

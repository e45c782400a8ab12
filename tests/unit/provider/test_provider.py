"""The engine's requests, answered without an engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as engine
from pulumi.provider.experimental.property_value import PropertyValue

from infra.cloud.credentials import Credentials
from infra.provider.provider import NotConfigured, OpenStackProvider
from infra.provider.registry import resource
from infra.provider.values import UNKNOWN, plain_map, wire_map
from tests.fakes.openstack import FakeCloud, FakeOpenStack

STACK = "urn:pulumi:lab-sotp::landing_zone::"
NETWORK = STACK + "openstack:networking/network:Network::net"
USER = STACK + "openstack:identity/user:User::clerk"
ENVIRONMENT = {"OS_AUTH_URL": "http://cloud/v3", "OS_USERNAME": "admin", "OS_PASSWORD": "right",
               "OS_PROJECT_NAME": "admin"}  # fmt: skip


class Harness:
    """A configured provider over the fake, and what it logged in as."""

    def __init__(self, fake: FakeOpenStack, environ: dict[str, str] = ENVIRONMENT) -> None:
        self.seen: list[Credentials] = []
        self.fake = fake
        self.provider = OpenStackProvider(environ, self._connect)

    def _connect(self, credentials: Credentials) -> FakeCloud:
        self.seen.append(credentials)
        return FakeCloud(self.fake)

    def configure(self, **inputs: Any) -> None:
        asyncio.run(self.provider.configure(engine.ConfigureRequest({}, wire_map(inputs), True, True)))

    def ask(self, method: str, request: Any) -> Any:
        return asyncio.run(getattr(self.provider, method)(request))

    def check(self, urn: str, inputs: dict[str, Any], old: dict[str, Any] | None = None) -> Any:
        return self.ask("check", engine.CheckRequest(urn, wire_map(old or {}), wire_map(inputs), b"seed1234"))


@pytest.fixture
def harness(fake: FakeOpenStack) -> Harness:
    made = Harness(fake)
    made.configure()
    return made


def test_a_resource_without_a_name_gets_one_and_keeps_it(harness: Harness) -> None:
    named = plain_map(harness.check(NETWORK, {}).inputs)["name"]
    assert named.startswith("net-")
    assert plain_map(harness.check(NETWORK, {}, {"name": named}).inputs)["name"] == named


def test_refused_inputs_come_back_with_their_paths(harness: Harness) -> None:
    answer = harness.check(NETWORK, {"name": "n", "mtu": 10, "colour": "red"})
    assert {failure.property for failure in answer.failures} == {"mtu", "colour"}


def test_a_secret_stays_secret_through_check_and_create(harness: Harness) -> None:
    checked = harness.check(USER, {"name": "clerk", "password": "hunter2"}).inputs
    made = harness.ask("create", engine.CreateRequest(USER, checked, 0, False))
    assert made.properties["password"].is_secret
    given = {"name": PropertyValue("n", is_secret=True)}
    kept = harness.ask("check", engine.CheckRequest(NETWORK, {}, given, b""))
    assert kept.inputs["name"].is_secret


def test_a_preview_of_a_create_asks_nothing_and_knows_not_what_the_cloud_will_choose(
    harness: Harness,
) -> None:
    checked = harness.check(NETWORK, {"name": "n"}).inputs
    answer = harness.ask("create", engine.CreateRequest(NETWORK, checked, 0, True))
    told = plain_map(answer.properties)
    assert told["name"] == "n"
    assert told["tenantId"] is UNKNOWN
    assert not harness.fake.calls


def test_create_diff_update_read_and_delete_follow_on_each_other(harness: Harness) -> None:
    checked = harness.check(NETWORK, {"name": "n"}).inputs
    made = harness.ask("create", engine.CreateRequest(NETWORK, checked, 0, False))
    same = harness.ask("diff", engine.DiffRequest(NETWORK, made.resource_id, made.properties, checked, []))
    assert same.changes is False
    renamed = harness.check(NETWORK, {"name": "m"}).inputs
    found = harness.ask("diff", engine.DiffRequest(NETWORK, made.resource_id, made.properties, renamed, []))
    assert (found.diffs, found.replaces, found.delete_before_replace) == (["name"], [], False)
    after = harness.ask(
        "update", engine.UpdateRequest(NETWORK, made.resource_id, made.properties, renamed, 0, [], False)
    )
    assert plain_map(after.properties)["name"] == "m"
    read = harness.ask("read", engine.ReadRequest(NETWORK, made.resource_id, after.properties, renamed))
    assert plain_map(read.inputs) == plain_map(renamed)
    harness.ask("delete", engine.DeleteRequest(NETWORK, made.resource_id, after.properties, 0))
    gone = harness.ask("read", engine.ReadRequest(NETWORK, made.resource_id, after.properties, renamed))
    assert gone.resource_id == ""


def test_a_replacement_deletes_first_and_an_ignored_property_is_no_difference(harness: Harness) -> None:
    state = wire_map({"name": "n", "tenantId": "a"})
    inputs = wire_map({"name": "n", "tenantId": "b"})
    found = harness.ask("diff", engine.DiffRequest(NETWORK, "id", state, inputs, []))
    assert (found.replaces, found.delete_before_replace) == (["tenantId"], True)
    ignored = harness.ask("diff", engine.DiffRequest(NETWORK, "id", state, inputs, ["tenantId"]))
    assert ignored.changes is False


def test_an_import_writes_down_the_inputs_that_matter(harness: Harness) -> None:
    checked = harness.check(NETWORK, {"name": "n", "description": "ours"}).inputs
    made = harness.ask("create", engine.CreateRequest(NETWORK, checked, 0, False))
    read = harness.ask("read", engine.ReadRequest(NETWORK, made.resource_id, {}, {}))
    told = plain_map(read.inputs)
    assert (told["name"], told["description"]) == ("n", "ours")
    assert "allTags" not in told


def test_drift_shows_in_the_state_and_in_the_inputs(harness: Harness) -> None:
    checked = harness.check(NETWORK, {"name": "n"}).inputs
    made = harness.ask("create", engine.CreateRequest(NETWORK, checked, 0, False))
    harness.fake.kind("networks")[made.resource_id]["name"] = "changed by hand"
    read = harness.ask("read", engine.ReadRequest(NETWORK, made.resource_id, made.properties, checked))
    assert plain_map(read.properties)["name"] == plain_map(read.inputs)["name"] == "changed by hand"


def test_an_explicit_provider_works_in_its_project_as_the_same_person(fake: FakeOpenStack) -> None:
    harness = Harness(fake)
    harness.configure(tenantId="project-7", maxRetries="3", insecure="false")
    (seen,) = harness.seen
    assert (seen.project_id, seen.project_name, seen.username) == ("project-7", "", "admin")


def test_a_provider_whose_project_is_not_made_yet_previews_but_does_not_act(fake: FakeOpenStack) -> None:
    harness = Harness(fake)
    harness.configure(tenantId=UNKNOWN)
    checked = harness.check(NETWORK, {"name": "n"}).inputs
    assert harness.ask("create", engine.CreateRequest(NETWORK, checked, 0, True)).properties
    with pytest.raises(NotConfigured):
        harness.ask("create", engine.CreateRequest(NETWORK, checked, 0, False))


def test_configuration_that_is_not_served_is_refused_and_passwords_are_marked(harness: Harness) -> None:
    request = engine.CheckRequest(STACK, {}, wire_map({"password": "x", "swauth": "true", "tokn": "t"}), b"")
    answer = harness.ask("check_config", request)
    assert [failure.property for failure in answer.failures] == ["tokn"]
    assert answer.inputs["password"].is_secret


def test_functions_look_up_what_the_program_does_not_make(harness: Harness) -> None:
    role = harness.ask(
        "invoke", engine.InvokeRequest("openstack:identity/getRole:getRole", wire_map({"name": "member"}))
    )
    assert plain_map(role.return_value)["id"] == "role-member"
    scope = harness.ask(
        "invoke",
        engine.InvokeRequest("openstack:identity/getAuthScope:getAuthScope", wire_map({"name": "x"})),
    )
    assert plain_map(scope.return_value)["userId"] == "admin-user"
    with pytest.raises(Exception, match="getVolume"):
        harness.ask("invoke", engine.InvokeRequest("openstack:blockstorage/getVolume:getVolume", {}))


def test_credentials_never_show_a_password() -> None:
    told = Credentials.from_environment({**ENVIRONMENT, "OS_APPLICATION_CREDENTIAL_SECRET": "hush"})
    assert "right" not in repr(told)
    assert "hush" not in repr(told)
    assert told.environment()["OS_PASSWORD"] == "right"


def test_a_resource_is_worked_on_in_the_region_that_it_names(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def in_region(cloud: FakeCloud, name: str) -> FakeCloud:
        asked.append(name)
        return cloud

    monkeypatch.setattr(FakeCloud, "in_region", in_region)
    inputs = {"name": "n", "region": "hue"}
    harness.check(NETWORK, inputs)
    made = harness.ask("create", engine.CreateRequest(NETWORK, wire_map(inputs), 0, False))
    assert plain_map(made.properties)["region"] == "hue"
    harness.ask("read", engine.ReadRequest(NETWORK, made.resource_id, made.properties, wire_map(inputs)))
    news = wire_map({**inputs, "description": "told"})
    harness.ask(
        "update", engine.UpdateRequest(NETWORK, made.resource_id, made.properties, news, 0, [], False)
    )
    harness.ask("delete", engine.DeleteRequest(NETWORK, made.resource_id, made.properties, 0))
    assert asked == ["hue"] * 5


def test_what_is_in_a_component_is_of_the_type_that_it_is_outside() -> None:
    """An engine names it with the types of its parents, which no program of the official package misses."""
    plain = resource("openstack:compute/instance:Instance")
    assert type(resource("city:Site$city:Server$openstack:compute/instance:Instance")) is type(plain)

"""Flavors and their access, keypairs, server groups, aggregates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from infra.cloud.errors import Conflict
from infra.provider.registry import resource
from infra.provider.resource import Context, ImportRefused, NotOurs, Resource
from infra.provider.values import UNKNOWN
from tests.cloud.provider.case import Ground, fake_ground
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
MARK = "pulumi:" + "b" * 24
SIZE = {"name": "vm", "vcpus": 1, "ram": 512, "disk": 2}


def kind(short: str) -> Resource:
    return resource(f"openstack:compute/{short}")


def make(context: Context, short: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    checked, failures = kind(short).check(inputs)
    assert not failures
    return kind(short).create(context, checked)


@pytest.fixture
def ground(fake: FakeOpenStack) -> Ground:
    return fake_ground(fake)


def test_a_flavor_of_a_given_id_is_taken_over_by_its_mark_only(
    context: Contexts, fake: FakeOpenStack
) -> None:
    identity, state = make(context(), "flavor:Flavor", **SIZE, flavorId="small", description="for all")
    assert (identity, state["description"]) == ("small", "for all")
    assert fake.kind("flavors")["small"]["description"] == f"for all [{'pulumi:' + 'a' * 24}]"
    assert (
        make(context(), "flavor:Flavor", **SIZE, flavorId="small", description="for us")[1]["description"]
        == "for us"
    )
    with pytest.raises(NotOurs, match="import it"):
        make(context(MARK), "flavor:Flavor", **{**SIZE, "name": "other"}, flavorId="small")


def test_access_to_a_public_flavor_is_refused_and_access_given_twice_is_one(
    context: Contexts, fake: FakeOpenStack, ground: Ground
) -> None:
    short = "flavorAccess:FlavorAccess"
    private, _ = make(context(), "flavor:Flavor", **SIZE)
    given = {"flavorId": private, "tenantId": ground.project_id}
    identity, _ = make(context(), short, **given)
    assert identity == f"{private}/{ground.project_id}"
    assert make(context(), short, **given)[0] == identity
    with pytest.raises(Conflict, match="public"):
        make(context(), short, flavorId="case-flavor", tenantId=ground.project_id)
    kind(short).delete(context(), identity, {})
    assert kind(short).read(context(), identity, {}) is None
    with pytest.raises(ImportRefused, match="flavor/project"):
        kind(short).read(context(), private, {})


class TestKeypair:
    SHORT = "keypair:Keypair"

    def test_a_pair_is_made_here_and_its_private_half_is_a_secret(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        identity, state = make(context(), self.SHORT, name="k")
        private = serialization.load_pem_private_key(state["privateKey"].encode(), None)
        public = private.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        assert state["publicKey"] == public.decode()
        assert "privateKey" in kind(self.SHORT).secrets
        read = kind(self.SHORT).read(context(), identity, state)
        assert read == state
        assert kind(self.SHORT).differences(state, {"name": "k"}) == []

    def test_a_pair_whose_private_half_was_lost_is_made_anew_and_no_others(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        _, first = make(context(), self.SHORT, name="k")
        _, second = make(context(), self.SHORT, name="k")
        assert first["publicKey"] != second["publicKey"]
        with pytest.raises(NotOurs, match="another key"):
            make(context(MARK), self.SHORT, name="k")

    def test_anothers_pair_is_found_by_its_user(self, context: Contexts, fake: FakeOpenStack) -> None:
        identity, state = make(
            context(), self.SHORT, name="k", publicKey="ssh-ed25519 A x", userId="somebody"
        )
        assert identity == "k"  # the official provider asks for it by its name
        assert kind(self.SHORT).read(context(), identity, state) == state
        assert kind(self.SHORT).read(context(), "somebody:k", {}) == state
        assert kind(self.SHORT).read(context(), identity, {}) is None
        assert kind(self.SHORT).settled_id("somebody:k") == identity
        kind(self.SHORT).delete(context(), identity, state)
        assert not fake.keypairs

    def test_certificates_are_compared_whole(self, context: Contexts) -> None:
        one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        given = {"name": "k", "publicKey": one, "valueSpecs": {"type": "x509"}}
        _, state = make(context(), self.SHORT, **given)
        other = {**given, "publicKey": one.replace("AAAA", "BBBB")}
        assert [item.name for item in kind(self.SHORT).differences(state, other)] == ["publicKey"]
        assert kind(self.SHORT).differences(state, {**given, "publicKey": one.strip()}) == []

    def test_inputs_that_are_not_known_yet_are_let_pass(self) -> None:
        assert kind(self.SHORT).check({"name": "k", "valueSpecs": UNKNOWN})[1] == []
        unknown = {"name": "g", "policies": UNKNOWN, "rules": UNKNOWN}
        assert kind("serverGroup:ServerGroup").check(unknown)[1] == []


class TestServerGroup:
    SHORT = "serverGroup:ServerGroup"

    def test_unfinished_work_is_taken_over_and_one_that_is_in_use_is_not(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        first, state = make(
            context(), self.SHORT, name="g", policies="anti-affinity", rules={"maxServerPerHost": 2}
        )
        assert state["rules"] == {"maxServerPerHost": 2}
        assert (
            make(context(), self.SHORT, name="g", policies="anti-affinity", rules={"maxServerPerHost": 2})[0]
            == first
        )
        assert make(context(), self.SHORT, name="g", policies="affinity")[0] != first
        fake.kind("os-server-groups")[first]["members"] = ["server"]
        assert (
            make(context(), self.SHORT, name="g", policies="anti-affinity", rules={"maxServerPerHost": 2})[0]
            != first
        )

    @pytest.mark.parametrize(
        ("inputs", "path"),
        [
            ({}, "policies"),
            ({"policies": "friends"}, "policies"),
            ({"policies": "affinity", "rules": {"maxServerPerHost": 2}}, "rules.maxServerPerHost"),
        ],
    )
    def test_what_nova_would_refuse_is_refused_before(self, inputs: dict[str, Any], path: str) -> None:
        _, failures = kind(self.SHORT).check({"name": "g", **inputs})
        assert [where for where, _ in failures] == [path]

    def test_the_policy_may_come_with_the_further_options(self, context: Contexts) -> None:
        given = {"name": "g", "valueSpecs": {"policy": "soft-affinity"}}
        _, state = make(context(), self.SHORT, **given)
        assert state["policies"] == "soft-affinity"


def test_an_aggregates_zone_changes_in_place_but_goes_only_with_it(context: Contexts) -> None:
    short = "aggregateV2:AggregateV2"
    _, state = make(context(), short, name="a", zone="one")
    (changed,) = kind(short).differences(state, kind(short).check({"name": "a", "zone": "two"})[0])
    assert not changed.replaces
    (gone,) = kind(short).differences(state, kind(short).check({"name": "a"})[0])
    assert (gone.name, gone.replaces) == ("zone", True)

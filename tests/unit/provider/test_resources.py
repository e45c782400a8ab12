"""Rules that hold for every resource type, and the nouns one by one, against a cloud in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.errors import CloudError, QuotaReached, WaitedTooLong, WentWrong
from infra.provider.mark import mark_in
from infra.provider.registry import TypeNotServed, resource
from infra.provider.resource import Context, ImportRefused, NotOurs, Resource
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]


def test_a_type_that_is_not_served_says_so() -> None:
    with pytest.raises(TypeNotServed, match="loadBalancer"):
        resource("openstack:loadbalancer/loadBalancer:LoadBalancer")


def test_what_the_official_type_has_and_we_do_not_is_refused_by_name() -> None:
    _, failures = _kind("compute/quotaSetV2:QuotaSetV2").check({"projectId": "p", "fixedIps": 5})
    ((path, why),) = failures
    assert path == "fixedIps"
    assert "Nova" in why


def _kind(short: str) -> Resource:
    return resource(f"openstack:{short}")


def make(context: Context, short: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    """Check and create, as the engine does; the state must then equal the inputs."""
    kind = _kind(short)
    checked, failures = kind.check(inputs)
    assert not failures
    identity, state = kind.create(context, checked)
    assert kind.differences(state, checked) == []
    known = kind.read(context, identity, state)
    assert known is not None
    assert kind.differences(known, checked) == []
    imported = kind.read(context, identity, {})
    assert imported is not None
    again, failures = kind.check(kind.importable_inputs({**known, **imported}))
    assert not failures
    assert kind.differences(known, again) == []
    return identity, state


def test_each_network_noun_lives_through_create_read_and_delete(
    context: Contexts, fake: FakeOpenStack, project: str
) -> None:
    network, _ = make(context("pulumi:" + "1" * 24), "networking/network:Network", name="n", tenantId=project,
                      description="ours", tags=["b", "a"])  # fmt: skip
    subnet, state = make(context("pulumi:" + "2" * 24), "networking/subnet:Subnet", name="s",
                         networkId=network, cidr="10.64.3.0/24", dnsNameservers=["10.0.0.1"],
                         tenantId=project)  # fmt: skip
    assert state["gatewayIp"] == "10.64.3.1"
    router, _ = make(context("pulumi:" + "3" * 24), "networking/router:Router", name="r", tenantId=project)
    interface, _ = make(
        context(), "networking/routerInterface:RouterInterface", routerId=router, subnetId=subnet
    )
    group, _ = make(
        context("pulumi:" + "4" * 24), "networking/secGroup:SecGroup", name="base", tenantId=project
    )
    port, state = make(context("pulumi:" + "5" * 24), "networking/port:Port", name="p", networkId=network,
                       securityGroupIds=[group], tenantId=project)  # fmt: skip
    assert state["allFixedIps"][0].startswith("10.64.3.")
    for short, identity in (("port:Port", port), ("secGroup:SecGroup", group), ("router:Router", router)):
        if short.startswith("router"):
            _kind("networking/routerInterface:RouterInterface").delete(
                context(), interface, {"routerId": router}
            )
        _kind(f"networking/{short}").delete(context(), identity, {})
        assert _kind(f"networking/{short}").read(context(), identity, {"name": "x"}) is None
        _kind(f"networking/{short}").delete(context(), identity, {})
    _kind("networking/subnet:Subnet").delete(context(), subnet, {})
    _kind("networking/network:Network").delete(context(), network, {})
    assert set(fake.residue()) == {"projects"}


def test_an_interrupted_create_is_taken_over_and_not_repeated(context: Contexts, fake: FakeOpenStack) -> None:
    kind = _kind("networking/network:Network")
    first, _ = kind.create(context(), {"name": "n", "description": "", "tags": ["a"]})
    second, state = kind.create(context(), {"name": "renamed", "description": "", "tags": ["b"]})
    assert first == second
    assert (state["name"], state["tags"]) == ("renamed", ["b"])
    other, _ = kind.create(context("pulumi:" + "b" * 24), {"name": "n", "description": ""})
    assert other != first
    assert len(fake.kind("networks")) == 2


def test_a_lost_answer_does_not_make_a_second_network(context: Contexts, fake: FakeOpenStack) -> None:
    made = fake.handle

    def lose_the_answer(service: str, method: str, path: str, *rest: Any) -> Any:
        answer = made(service, method, path, *rest)
        if method == "POST":
            return 503, {"error": {"message": "gateway lost it"}}
        return answer

    fake.handle = lose_the_answer  # type: ignore[method-assign]
    identity, _ = _kind("networking/network:Network").create(context(), {"name": "n", "description": ""})
    assert list(fake.kind("networks")) == [identity]


def test_a_changed_description_keeps_the_mark_and_hides_it(context: Contexts, fake: FakeOpenStack) -> None:
    kind = _kind("networking/secGroup:SecGroup")
    identity, state = kind.create(context(), {"name": "g", "description": "one"})
    after = kind.update(context(), identity, state, {"name": "g", "description": "two"}, {"description"})
    assert after["description"] == "two"
    assert mark_in(fake.kind("security-groups")[identity]["description"]) == "pulumi:" + "a" * 24


def test_default_egress_rules_are_no_drift_and_an_equal_rule_is_taken_over(
    context: Contexts, fake: FakeOpenStack
) -> None:
    groups, rule = _kind("networking/secGroup:SecGroup"), _kind("networking/secGroupRule:SecGroupRule")
    identity, state = groups.create(context(), {"name": "g", "description": ""})
    assert not any("rule" in name.lower() for name in state)
    checked, _ = rule.check({"securityGroupId": identity, "direction": "egress", "ethertype": "IPv4"})
    taken, _ = rule.create(context(), checked)
    assert len(fake.kind("security-group-rules")) == 2
    assert taken in fake.kind("security-group-rules")


def test_default_rules_are_removed_where_the_program_says_so(context: Contexts, fake: FakeOpenStack) -> None:
    _kind("networking/secGroup:SecGroup").create(
        context(), {"name": "g", "description": "", "deleteDefaultRules": True}
    )
    assert not fake.kind("security-group-rules")


@pytest.mark.parametrize(
    ("short", "inputs", "path"),
    [
        ("networking/subnet:Subnet", {"networkId": "n", "cidr": "10.0.0.0/24", "gatewayIp": "10.0.1.1"},
         "gatewayIp"),
        ("networking/subnet:Subnet", {"networkId": "n", "cidr": "10.0.0.0/24", "ipVersion": 6}, "ipVersion"),
        ("networking/subnet:Subnet", {"networkId": "n", "cidr": "10.0.0.0/24",
         "allocationPools": [{"start": "10.0.0.2", "end": "10.1.0.9"}]}, "allocationPools[0].end"),
        ("networking/secGroupRule:SecGroupRule", {"securityGroupId": "g", "direction": "in",
         "ethertype": "IPv4"}, "direction"),
        ("networking/secGroupRule:SecGroupRule", {"securityGroupId": "g", "direction": "ingress",
         "ethertype": "IPv4", "protocol": "tcp", "portRangeMin": 22}, "portRangeMax"),
        ("networking/secGroupRule:SecGroupRule", {"securityGroupId": "g", "direction": "ingress",
         "ethertype": "IPv6", "remoteIpPrefix": "10.0.0.0/8"}, "remoteIpPrefix"),
        ("networking/router:Router", {"enableSnat": True}, "enableSnat"),
        ("networking/routerInterface:RouterInterface", {"routerId": "r"}, "subnetId"),
        ("networking/network:Network", {"segments": [{"networkType": "vlan"}, {}]},
         "segments[1].networkType"),
        ("identity/project:Project", {"isDomain": True, "domainId": "d"}, "domainId"),
        ("identity/roleAssignment:RoleAssignment", {"roleId": "r", "projectId": "p"}, "groupId"),
        ("compute/instance:Instance", {"imageId": "i"}, "flavorId"),
        ("compute/instance:Instance",
         {"imageId": "i", "flavorId": "f", "networks": [{"fixedIpV4": "10.0.0.5"}]}, "networks[0]"),
        ("compute/quotaSetV2:QuotaSetV2", {"projectId": "p", "cores": -2}, "cores"),
        ("compute/keypair:Keypair", {"valueSpecs": {"type": "x509"}}, "publicKey"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_go_together_are_refused(short: str, inputs: dict[str, Any], path: str) -> None:
    kind = _kind(short)
    named = {"name": "n", **inputs} if any(item.name == "name" for item in kind.properties) else inputs
    _, failures = kind.check(named)
    assert [failure[0] for failure in failures] == [path]


def test_a_domain_is_disabled_before_it_is_deleted(context: Contexts, fake: FakeOpenStack) -> None:
    kind = _kind("identity/project:Project")
    identity, state = make(context(), "identity/project:Project", name="sotp", isDomain=True)
    kind.delete(context(), identity, state)
    kind.delete(context(), identity, state)
    assert not fake.residue()


def test_a_project_takes_neutrons_default_group_with_it(
    context: Contexts, fake: FakeOpenStack, project: str
) -> None:
    for name, owner in (("default", project), ("default", "another"), ("kept", project)):
        fake.handle(
            "network", "POST", "/security-groups", {}, {"security_group": {"name": name, "tenant_id": owner}}
        )
    _kind("identity/project:Project").delete(context(), project, {"name": "sotp"})
    left = [(group["name"], group["project_id"]) for group in fake.kind("security-groups").values()]
    assert left == [("default", "another"), ("kept", project)]


@pytest.mark.parametrize(
    ("short", "inputs"),
    [
        ("identity/project:Project", {"name": "n", "isDomain": True}),
        ("identity/groupV3:GroupV3", {"name": "n", "domainId": "d"}),
        ("identity/role:Role", {"name": "approver"}),
        ("identity/user:User", {"name": "n", "password": "secret"}),
    ],
)
def test_a_name_that_somebody_else_holds_is_not_taken_over(
    context: Contexts, fake: FakeOpenStack, short: str, inputs: dict[str, Any]
) -> None:
    first, _ = make(context(), short, **inputs)
    assert make(context(), short, **inputs)[0] == first
    with pytest.raises(NotOurs, match="import it"):
        _kind(short).create(context("pulumi:" + "b" * 24), _kind(short).check(inputs)[0])


def test_a_role_assignment_is_read_by_its_id_alone(
    context: Contexts, fake: FakeOpenStack, project: str
) -> None:
    identity, _ = make(
        context(), "identity/roleAssignment:RoleAssignment", groupId="g", projectId=project, roleId="r"
    )
    assert identity == f"/{project}/g//r"
    kind = _kind("identity/roleAssignment:RoleAssignment")
    kind.delete(context(), identity, {})
    kind.delete(context(), identity, {})
    assert kind.read(context(), identity, {}) is None
    with pytest.raises(ImportRefused):
        kind.read(context(), "r", {})


def test_quotas_go_back_to_the_defaults_and_leave_no_row(
    context: Contexts, fake: FakeOpenStack, project: str
) -> None:
    kinds = {"compute/quotaSetV2:QuotaSetV2": "cores", "networking/quotaV2:QuotaV2": "port",
             "blockstorage/quoteSetV3:QuoteSetV3": "volumes"}  # fmt: skip
    for short, limit in kinds.items():
        identity, state = make(context(), short, projectId=project, **{limit: 3})
        assert state[limit] == 3
        assert _kind(short).update(context(), identity, state, {**state, limit: 4}, {limit})[limit] == 4
        _kind(short).delete(context(), identity, state)
    assert not fake.quotas


def test_a_flavors_id_is_its_mark_and_extra_specs_change_in_place(
    context: Contexts, fake: FakeOpenStack
) -> None:
    size = {"name": "vm.small", "vcpus": 1, "ram": 512, "disk": 2, "isPublic": True}
    identity, state = make(context(), "compute/flavor:Flavor", **size, extraSpecs={"a": "1", "b": "2"})
    assert make(context(), "compute/flavor:Flavor", **size, extraSpecs={"a": "1", "b": "2"})[0] == identity
    kind = _kind("compute/flavor:Flavor")
    after = kind.update(context(), identity, state, {**size, "extraSpecs": {"b": "3"}}, {"extraSpecs"})
    assert after["extraSpecs"] == {"b": "3"}
    with pytest.raises(NotOurs):
        kind.create(context("pulumi:" + "b" * 24), kind.check(size)[0])


def test_an_aggregate_is_filled_changed_and_emptied(context: Contexts, fake: FakeOpenStack) -> None:
    kind = _kind("compute/aggregateV2:AggregateV2")
    identity, state = make(
        context(), "compute/aggregateV2:AggregateV2", name="a", hosts=["hv1"], metadata={"k": "v"}
    )
    after = kind.update(
        context(), identity, state, {"name": "b", "hosts": ["hv2"]}, {"name", "hosts", "metadata"}
    )
    assert (after["name"], after["hosts"], after["metadata"]) == ("b", ["hv2"], {})
    with pytest.raises(NotOurs):
        kind.create(context("pulumi:" + "b" * 24), {"name": "b"})
    kind.delete(context(), identity, after)
    kind.delete(context(), identity, after)
    assert not fake.kind("os-aggregates")


def test_an_unfinished_aggregate_is_finished(context: Contexts, fake: FakeOpenStack) -> None:
    fake.handle("compute", "POST", "/os-aggregates", {}, {"aggregate": {"name": "a"}})
    make(context(), "compute/aggregateV2:AggregateV2", name="a", hosts=["hv1"])
    assert len(fake.kind("os-aggregates")) == 1


def test_a_keypair_of_the_same_key_is_taken_over_and_another_is_not(
    context: Contexts, fake: FakeOpenStack
) -> None:
    make(context(), "compute/keypair:Keypair", name="k", publicKey="ssh-ed25519 AAAA one\n")
    make(context(), "compute/keypair:Keypair", name="k", publicKey="ssh-ed25519 AAAA two")
    with pytest.raises(NotOurs):
        _kind("compute/keypair:Keypair").create(context(), {"name": "k", "publicKey": "ssh-ed25519 BBBB"})


class TestImage:
    def inputs(self, file: Path) -> dict[str, Any]:
        return {"name": "debian-12", "containerFormat": "bare", "diskFormat": "raw",
                "localFilePath": str(file), "properties": {"img_hv_type": "lxc"},
                "visibility": "public"}  # fmt: skip

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        (tmp_path / "image.raw").write_bytes(b"debian" * 100)
        return tmp_path / "image.raw"

    def test_bytes_are_uploaded_and_properties_change_in_place(
        self, context: Contexts, fake: FakeOpenStack, file: Path
    ) -> None:
        kind = _kind("images/image:Image")
        identity, state = make(context(), "images/image:Image", **self.inputs(file))
        assert state["sizeBytes"] == 600
        wanted = kind.check({**self.inputs(file), "properties": {"os_distro": "debian"}})[0]
        after = kind.update(context(), identity, state, wanted, {"properties"})
        assert after["properties"] == {"os_distro": "debian"}

    def test_a_moved_file_with_the_same_bytes_is_no_difference_and_other_bytes_replace(
        self, context: Contexts, file: Path, tmp_path: Path
    ) -> None:
        kind = _kind("images/image:Image")
        _, state = make(context(), "images/image:Image", **self.inputs(file))
        moved = tmp_path / "moved.raw"
        moved.write_bytes(file.read_bytes())
        checked, _ = kind.check(self.inputs(moved))
        assert kind.differences(state, checked) == []
        moved.write_bytes(b"other")
        assert [(item.name, item.replaces) for item in kind.differences(state, checked)] == [
            ("localFilePath", True)
        ]

    def test_an_interrupted_upload_is_finished(
        self, context: Contexts, fake: FakeOpenStack, file: Path
    ) -> None:
        fake.fail("PUT", "/file$", 503)
        kind = _kind("images/image:Image")
        with pytest.raises(CloudError):
            kind.create(context(), kind.check(self.inputs(file))[0])
        make(context(), "images/image:Image", **self.inputs(file))
        assert len(fake.kind("images")) == 1

    def test_a_half_written_image_is_made_anew(
        self, context: Contexts, fake: FakeOpenStack, file: Path
    ) -> None:
        identity, _ = make(context(), "images/image:Image", **self.inputs(file))
        fake.kind("images")[identity]["status"] = "saving"
        assert make(context(), "images/image:Image", **self.inputs(file))[0] != identity
        assert len(fake.kind("images")) == 1

    def test_a_missing_file_is_named(self, context: Contexts, fake: FakeOpenStack, tmp_path: Path) -> None:
        with pytest.raises(Exception, match=r"nowhere\.raw"):
            _kind("images/image:Image").create(context(), self.inputs(tmp_path / "nowhere.raw"))
        assert not fake.kind("images")


class TestInstance:
    @pytest.fixture
    def inputs(self, context: Contexts, fake: FakeOpenStack) -> dict[str, Any]:
        fake.kind("images")["image"] = {"id": "image", "name": "debian-12", "status": "active"}
        flavor, _ = make(context(), "compute/flavor:Flavor", name="vm.small", vcpus=1, ram=512, disk=2)
        network, _ = make(context("pulumi:" + "1" * 24), "networking/network:Network", name="n")
        make(
            context("pulumi:" + "2" * 24),
            "networking/subnet:Subnet",
            name="s",
            networkId=network,
            cidr="10.1.0.0/24",
        )
        port, _ = make(context("pulumi:" + "3" * 24), "networking/port:Port", name="p", networkId=network)
        return {"name": "web", "imageId": "image", "flavorId": flavor, "networks": [{"port": port}]}

    def test_it_boots_on_its_port_and_goes(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
    ) -> None:
        identity, state = make(context(), "compute/instance:Instance", **inputs)
        assert state["networks"][0]["fixedIpV4"].startswith("10.1.0.")
        assert make(context(), "compute/instance:Instance", **inputs)[0] == identity
        _kind("compute/instance:Instance").delete(context(), identity, state)
        assert not fake.kind("servers")

    @pytest.mark.parametrize(
        ("change", "replaces"),
        [({"imageId": "newer"}, True), ({"keyPair": "k"}, True), ({"userData": "x"}, True),
         ({"networks": [{"port": "q"}]}, True), ({"name": "w2"}, False), ({"powerState": "shutoff"}, False),
         ({"metadata": {"a": "b"}}, False)],
    )  # fmt: skip
    def test_a_change_that_would_destroy_the_disk_replaces(
        self, context: Contexts, inputs: dict[str, Any], change: dict[str, Any], replaces: bool
    ) -> None:
        kind = _kind("compute/instance:Instance")
        _, state = make(context(), "compute/instance:Instance", **inputs)
        (found,) = kind.differences(state, kind.check({**inputs, **change})[0])
        assert (found.name, found.replaces) == (next(iter(change)), replaces)

    def test_flavor_power_tags_and_metadata_change_in_place(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
    ) -> None:
        kind = _kind("compute/instance:Instance")
        identity, state = make(context(), "compute/instance:Instance", **inputs)
        bigger, _ = make(
            context("pulumi:" + "9" * 24), "compute/flavor:Flavor", name="vm.big", vcpus=2, ram=1, disk=2
        )
        wanted = {
            **inputs,
            "flavorId": bigger,
            "powerState": "shutoff",
            "tags": ["t"],
            "metadata": {"a": "b"},
        }
        checked, _ = kind.check(wanted)
        after = kind.update(
            context(), identity, state, checked, {item.name for item in kind.differences(state, checked)}
        )
        assert kind.differences(after, checked) == []
        assert after["flavorName"] == "vm.big"
        assert make(context(), "compute/instance:Instance", **wanted)[0] == identity

    def test_an_error_is_told_in_novas_words_and_leaves_no_server(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
    ) -> None:
        booted = fake._boot

        def fail(values: dict[str, Any], scope: str) -> dict[str, Any]:
            server = booted(values, scope)
            server.update({"status": "ERROR", "fault": {"message": "No valid host was found."}})
            return server

        fake._boot = fail  # type: ignore[method-assign]
        kind = _kind("compute/instance:Instance")
        with pytest.raises(WentWrong, match="No valid host was found"):
            kind.create(context(), kind.check(inputs)[0])
        assert not fake.kind("servers")

    def test_a_wait_that_is_over_says_what_it_waited_for(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
    ) -> None:
        booted = fake._boot
        fake._boot = lambda values, scope: booted(values, scope) | {}  # type: ignore[method-assign]
        kind = _kind("compute/instance:Instance")
        identity, _ = kind.create(context(), kind.check(inputs)[0])
        fake.kind("servers")[identity].update({"status": "BUILD", "OS-EXT-STS:task_state": "spawning"})
        with pytest.raises(
            WaitedTooLong, match=r"waited 5 s for server .* to become ACTIVE; it is BUILD \(spawning\)"
        ):
            kind.create(context(), kind.check(inputs)[0])
        assert len(fake.kind("servers")) == 1

    def test_a_full_quota_is_named(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
    ) -> None:
        fake.fail(
            "POST", "/servers$", 403, "Quota exceeded for instances: Requested 1, but already used 3 of 3"
        )
        kind = _kind("compute/instance:Instance")
        with pytest.raises(QuotaReached, match="already used 3 of 3"):
            kind.create(context(), kind.check(inputs)[0])


def test_a_floating_ip_comes_from_its_pool_and_leads_to_its_port(
    context: Contexts, fake: FakeOpenStack
) -> None:
    network, _ = make(
        context("pulumi:" + "1" * 24), "networking/network:Network", name="external", external=True
    )
    make(
        context("pulumi:" + "2" * 24),
        "networking/subnet:Subnet",
        name="s",
        networkId=network,
        cidr="10.1.0.0/24",
    )
    port, _ = make(context("pulumi:" + "3" * 24), "networking/port:Port", name="p", networkId=network)
    identity, state = make(context(), "networking/floatingIp:FloatingIp", pool="external")
    leads, _ = make(context(), "networking/floatingIpAssociate:FloatingIpAssociate",
                    floatingIp=state["address"], portId=port)  # fmt: skip
    assert leads == identity
    kind = _kind("networking/floatingIpAssociate:FloatingIpAssociate")
    kind.delete(context(), leads, {"portId": port})
    assert kind.read(context(), leads, {}) is None
    with pytest.raises(CloudError, match="no external network"):
        _kind("networking/floatingIp:FloatingIp").create(context("pulumi:" + "c" * 24), {"pool": "moon"})

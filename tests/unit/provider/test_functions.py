"""The package's functions, against answers as the services give them."""

from __future__ import annotations

import pytest

from infra.provider.functions import FunctionNotServed, call, secrets, served
from infra.provider.lookup.function import ArgumentsRefused, NothingMatches, SeveralMatch
from tests.fakes.canned import CannedCloud, ask

MARK = "pulumi:" + "a" * 24


@pytest.mark.parametrize("token", served())
def test_every_function_refuses_an_argument_that_it_does_not_have(token: str) -> None:
    cloud = CannedCloud()
    with pytest.raises(ArgumentsRefused, match=r"colour: .* no such input"):
        call(cloud, token, {"colour": "red"})
    assert cloud.asked == []


def test_all_wrong_arguments_are_said_at_once() -> None:
    with pytest.raises(ArgumentsRefused) as refused:
        call(
            CannedCloud(),
            "openstack:networking/getSubnetIdsV2:getSubnetIdsV2",
            {"ipVersion": 5, "cidr": "10.0.0.0/99", "nameRegex": "(", "sortDirection": "up", "name": "n"},
        )
    told = str(refused.value)
    for name in ("ipVersion: ", "cidr: ", "nameRegex: ", "sortDirection: ", "together with name"):
        assert name in told


def test_a_function_that_is_not_served_says_so() -> None:
    with pytest.raises(FunctionNotServed, match="getLoadbalancer"):
        call(CannedCloud(), "openstack:loadbalancer/getLoadbalancer:getLoadbalancer", {})


def test_the_scope_of_our_token_is_told_and_the_token_only_when_asked_for() -> None:
    token = {
        "user": {"id": "u1", "name": "an", "domain": {"id": "d1", "name": "city"}},
        "project": {"id": "p1", "name": "agency", "domain": {"id": "d1", "name": "city"}},
        "roles": [{"id": "r1", "name": "member"}],
        "catalog": [{
            "id": "c1", "name": "nova", "type": "compute",
            "endpoints": [{"id": "e1", "interface": "public", "region": "hp", "region_id": "hp",
            "url": "http://n"}],
        }],
    }  # fmt: skip
    cloud = CannedCloud(**{"identity /auth/tokens": {"token": token}})
    answer = ask("identity/getAuthScope", cloud, name="scope")
    assert (answer["id"], answer["userName"], answer["projectDomainName"]) == ("scope", "an", "city")
    assert answer["roles"] == [{"roleId": "r1", "roleName": "member"}]
    assert answer["serviceCatalogs"][0]["endpoints"][0]["regionId"] == "hp"
    assert (answer["tokenId"], answer["domainId"]) == ("", "")
    assert ask("identity/getAuthScope", cloud, name="scope", setTokenId=True)["tokenId"] == "our-token"
    assert secrets("openstack:identity/getAuthScope:getAuthScope") == {"tokenId"}
    assert cloud.asked[0][2] == {"X-Subject-Token": "our-token"}


def test_endpoints_are_found_by_their_service() -> None:
    cloud = CannedCloud(**{
        "identity /services": {"services": [
            {"id": "s1", "name": "nova", "type": "compute", "enabled": True, "description": "VMs"},
            {"id": "s2", "name": "old", "type": "volume", "enabled": False},
        ]},
        "identity /endpoints": {"endpoints": [
            {"id": "e1", "service_id": "s1", "interface": "public", "region": "hp", "url": "http://1"},
            {"id": "e2", "service_id": "s1", "interface": "internal", "region": "hp", "url": "http://2"},
            {"id": "e3", "service_id": "s2", "interface": "public", "region": "hp", "url": "http://3"},
        ]},
    })  # fmt: skip
    assert ask("identity/getEndpoint", cloud, serviceName="nova")["url"] == "http://1"
    assert ask("identity/getEndpoint", cloud, serviceType="compute", interface="internal")["id"] == "e2"
    assert ask("identity/getService", cloud, enabled=False) == {
        "id": "s2", "region": "hai-phong", "name": "old", "type": "volume", "enabled": False,
        "description": "",
    }  # fmt: skip


def test_roles_without_a_domain_are_the_global_ones() -> None:
    cloud = CannedCloud(**{"identity /roles": {"roles": [
        {"id": "r1", "name": "member", "domain_id": None}, {"id": "r2", "name": "member", "domain_id": "d1"},
    ]}})  # fmt: skip
    assert ask("identity/getRole", cloud, name="member") == {
        "id": "r1", "region": "hai-phong", "name": "member", "domainId": "",
    }  # fmt: skip
    assert ask("identity/getRole", cloud, name="member", domainId="d1")["id"] == "r2"


def test_projects_are_found_by_id_name_and_pattern() -> None:
    project = {"domain_id": "d1", "parent_id": "d1", "is_domain": False, "enabled": True, "tags": ["x", MARK]}
    listed = {"projects": [
        {**project, "id": "p1", "name": "sotp"}, {**project, "id": "p2", "name": "soxd", "tags": []},
        {**project, "id": "p3", "name": "closed", "enabled": False},
    ]}  # fmt: skip
    cloud = CannedCloud(**{
        "identity /projects": listed, "identity /projects/p3": {"project": listed["projects"][2]},
    })  # fmt: skip
    assert ask("identity/getProject", cloud, name="sotp")["tags"] == ["x"]
    assert ask("identity/getProject", cloud, projectId="p3")["enabled"] is False
    with pytest.raises(NothingMatches):
        ask("identity/getProject", cloud, name="closed")
    with pytest.raises(ArgumentsRefused, match="name: cannot be given together with projectId"):
        ask("identity/getProject", cloud, projectId="p3", name="closed")
    assert ask("identity/getProjectIdsV3", cloud, nameRegex="^so")["ids"] == ["p1", "p2"]
    assert ask("identity/getProjectIdsV3", cloud, tags=["x"], domainId="d1")["ids"] == ["p1"]
    ask("identity/getProjectIdsV3", cloud, isDomain=True)
    assert cloud.asked[-1][1] == {"is_domain": "true"}


def test_who_may_not_list_all_projects_sees_their_own() -> None:
    own = {"id": "p1", "name": "sotp", "domain_id": "d1", "is_domain": False, "enabled": True, "tags": []}
    cloud = CannedCloud(**{"identity /projects": 403, "identity /auth/projects": {"projects": [own]}})
    assert ask("identity/getProject", cloud, name="sotp")["id"] == "p1"


def test_users_and_groups_are_found() -> None:
    cloud = CannedCloud(**{
        "identity /users": {"users": [{
            "id": "u1", "name": "an", "domain_id": "d1", "enabled": True, "default_project_id": "p1",
            "password_expires_at": "2026-05-06T07:08:09.000000",
        }]},
        "identity /groups": {"groups": [{"id": "g1", "name": "ops", "domain_id": "d1", "description": "x"}]},
    })  # fmt: skip
    answer = ask("identity/getUser", cloud, name="an", passwordExpiresAt="gt:2026-01-01T00:00:00Z")
    assert (answer["id"], answer["passwordExpiresAt"]) == ("u1", "2026-05-06T07:08:09Z")
    assert cloud.asked[0][1]["password_expires_at"] == "gt:2026-01-01T00:00:00Z"
    with pytest.raises(ArgumentsRefused, match="passwordExpiresAt: must be a time"):
        ask("identity/getUser", cloud, passwordExpiresAt="soon")
    assert ask("identity/getGroup", cloud, name="ops", domainId="d1")["description"] == "x"


FLAVORS = [
    {
        "id": f"f{number}", "name": f"m{number}", "ram": 512 * number, "vcpus": number, "disk": number,
        "swap": 0,
        "rxtx_factor": 1.0, "os-flavor-access:is_public": number < 3, "description": None,
        "extra_specs": {"hw:mem": "1"},
    }
    for number in (1, 2, 3)
]  # fmt: skip


def test_a_flavor_is_found_by_sizes_and_by_id() -> None:
    cloud = CannedCloud(**{"compute /flavors/detail": {"flavors": FLAVORS}})
    assert ask("compute/getFlavor", cloud, minRam=1500)["id"] == "f3"
    assert ask("compute/getFlavor", cloud, vcpus=2, isPublic=True, rxTxFactor=1)["name"] == "m2"
    assert ask("compute/getFlavor", cloud, flavorId="f1")["extraSpecs"] == {"hw:mem": "1"}
    with pytest.raises(NothingMatches):
        ask("compute/getFlavor", cloud, disk=0)
    with pytest.raises(ArgumentsRefused, match="minDisk: cannot be given together with flavorId"):
        ask("compute/getFlavor", cloud, flavorId="f1", minDisk=1)


def test_a_server_is_answered_with_its_interfaces_image_and_flavor() -> None:
    cloud = CannedCloud(**{
        "compute /servers/v1": {"server": {
            "id": "v1", "name": "web", "status": "ACTIVE", "created": "2026-01-31T08:00:00Z", "updated": None,
            "image": {"id": "i1"}, "flavor": {"original_name": "m2"}, "key_name": "k", "metadata": {"a": "b"},
            "security_groups": [{"name": "g"}, {"name": "g"}], "tags": ["t", MARK],
            "OS-EXT-AZ:availability_zone": "nova", "accessIPv4": "", "accessIPv6": "",
            "addresses": {"agency": [{"addr": "10.0.1.1", "OS-EXT-IPS-MAC:mac_addr": "fa:1"}]},
        }},
        "compute /servers/v1/os-interface": {"interfaceAttachments": [{
            "net_id": "net1", "port_id": "port1", "mac_addr": "fa:1",
            "fixed_ips": [{"ip_address": "fd00::1"}, {"ip_address": "10.0.1.1"}],
        }]},
        "compute /flavors/detail": {"flavors": FLAVORS},
        "image /images/i1": {"id": "i1", "name": "debian"},
    })  # fmt: skip
    answer = ask("compute/getInstanceV2", cloud, id="v1")
    assert answer["networks"] == [
        {
            "uuid": "net1", "name": "agency", "port": "port1", "mac": "fa:1", "fixedIpV4": "10.0.1.1",
            "fixedIpV6": "fd00::1",
        }
    ]  # fmt: skip
    assert (answer["imageName"], answer["flavorId"], answer["flavorName"]) == ("debian", "f2", "m2")
    assert (answer["powerState"], answer["accessIpV6"], answer["tags"]) == ("active", "fd00::1", ["t"])
    assert (answer["created"], answer["updated"]) == ("2026-01-31 08:00:00 +0000 UTC", "")
    assert answer["securityGroups"] == ["g"]
    assert ask("compute/getInstanceV2", cloud, id="v1", networks=answer["networks"])["name"] == "web"
    with pytest.raises(NothingMatches, match="change networks"):
        ask("compute/getInstanceV2", cloud, id="v1", networks=[{**answer["networks"][0], "mac": "fa:2"}])
    with pytest.raises(ArgumentsRefused, match=r"networks\[0\].uuid: required"):
        ask("compute/getInstanceV2", cloud, id="v1", networks=[{"mac": "fa:2"}])
    with pytest.raises(NothingMatches, match="no server with the id v2"):
        ask("compute/getInstanceV2", cloud, id="v2")


def test_limits_and_quotas_are_asked_of_the_version_that_tells_them_all() -> None:
    cloud = CannedCloud(**{
        "compute /limits": {"limits": {"absolute": {"maxTotalCores": 20, "maxTotalRAMSize": 512,
        "totalRAMUsed": 1}}},
        "compute /os-quota-sets/p1": {"quota_set": {"cores": 20, "fixed_ips": -1,
        "injected_file_path_bytes": 255}},
    })  # fmt: skip
    limits = ask("compute/getLimitsV2", cloud, projectId="p1")
    assert (limits["maxTotalCores"], limits["maxTotalRamSize"], limits["totalRamUsed"]) == (20, 512, 1)
    assert cloud.asked[0][1] == {"tenant_id": "p1"}
    assert cloud.asked[0][2]["OpenStack-API-Version"] == "compute 2.1"
    quota = ask("compute/getQuotaSetV2", cloud, projectId="p1")
    assert (quota["id"], quota["fixedIps"], quota["injectedFilePathBytes"]) == ("p1/hai-phong", -1, 255)


def test_the_smaller_nouns_of_compute_are_found() -> None:
    zones = {"availabilityZoneInfo": [
        {"zoneName": "nova", "zoneState": {"available": True}},
        {"zoneName": "broken", "zoneState": {"available": False}},
        {"zoneName": "az1", "zoneState": {"available": True}},
    ]}  # fmt: skip
    cloud = CannedCloud(**{
        "compute /os-availability-zone": zones, "volume /os-availability-zone": zones,
        "compute /os-aggregates": {"aggregates": [{
            "id": 3, "name": "a", "hosts": ["hv1"], "availability_zone": "az1",
            "metadata": {"availability_zone": "az1", "ssd": "yes"},
        }]},
        "compute /os-hypervisors/detail": {"hypervisors": [{
            "id": "h", "hypervisor_hostname": "hv1", "host_ip": "10.1.1.1", "state": "up",
            "status": "enabled",
            "hypervisor_type": "QEMU", "vcpus": 2, "memory_mb": 4096, "local_gb": 30,
        }]},
        "compute /os-keypairs/k": {"keypair": {"name": "k", "fingerprint": "f", "public_key": "ssh",
        "user_id": "u"}},
        "compute /os-server-groups": {"server_groups": [{
            "id": "sg", "name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": 2},
            "members": [], "project_id": "p1", "user_id": "u", "metadata": {},
        }]},
    })  # fmt: skip
    assert ask("compute/getAvailabilityZones", cloud)["names"] == ["az1", "nova"]
    assert ask("compute/getAvailabilityZones", cloud, state="unavailable")["names"] == ["broken"]
    assert ask("blockstorage/getAvailabilityZonesV3", cloud)["names"] == ["az1", "nova"]
    aggregate = ask("compute/getAggregateV2", cloud, name="a", metadata={"ssd": "yes"})
    assert (aggregate["id"], aggregate["metadata"], aggregate["zone"]) == ("3", {"ssd": "yes"}, "az1")
    hypervisor = ask("compute/getHypervisorV2", cloud, hostname="hv1")
    assert (hypervisor["vcpus"], hypervisor["memory"], hypervisor["disk"]) == (2, 4096, 30)
    assert cloud.asked[-1][2]["OpenStack-API-Version"] == "compute 2.87"
    assert ask("compute/getKeypair", cloud, name="k", userId="u")["id"] == "k"
    with pytest.raises(NothingMatches, match="our user has no keypair named other"):
        ask("compute/getKeypair", cloud, name="other")
    group = ask("compute/getServergroupV2", cloud, name="g")
    assert (group["policies"], group["rules"]) == (["anti-affinity"], [{"maxServerPerHost": 2}])


def test_what_cinder_holds_is_found() -> None:
    snapshot = {"status": "available", "volume_id": "v1", "size": 1, "metadata": {}, "description": None}
    cloud = CannedCloud(**{
        "volume /volumes/detail": {"volumes": [{
            "id": "v1", "name": "data", "status": "in-use", "size": 2, "bootable": "false",
            "volume_type": "lvm",
            "os-vol-host-attr:host": "c@lvm", "source_volid": None, "metadata": {"a": "b",
            "pulumi_mark": MARK},
            "attachments": [{"id": "a1", "server_id": "s1", "device": "/dev/vdb", "host_name": None}],
        }]},
        "volume /snapshots/detail": {"snapshots": [
            {**snapshot, "id": "n1", "name": "day", "created_at": "2026-01-01T00:00:00.000000"},
            {**snapshot, "id": "n2", "name": "day", "created_at": "2026-01-02T00:00:00.000000"},
        ]},
        "volume /os-quota-sets/p1": {"quota_set": {"id": "p1", "volumes": 9, "gigabytes_lvm": -1,
        "groups_lvm": 1}},
    })  # fmt: skip
    volume = ask("blockstorage/getVolumeV3", cloud, metadata={"a": "b"}, bootable="false")
    assert volume["attachments"] == [{"id": "a1", "instanceId": "s1", "device": "/dev/vdb"}]
    assert (volume["metadata"], volume["sourceVolumeId"]) == ({"a": "b"}, "")
    assert ask("blockstorage/getSnapshotV3", cloud, name="day", mostRecent=True)["id"] == "n2"
    with pytest.raises(SeveralMatch, match="set mostRecent"):
        ask("blockstorage/getSnapshotV3", cloud, name="day")
    quota = ask("blockstorage/getQuotasetV3", cloud, projectId="p1")
    assert (quota["volumes"], quota["volumeTypeQuota"]) == (9, {"gigabytes_lvm": "-1"})


def test_images_are_found_by_attributes_properties_and_age() -> None:
    image = {
        "status": "active", "visibility": "public", "os_hidden": False, "owner": "p1", "protected": False,
        "min_disk": 1, "min_ram": 256, "container_format": "bare", "disk_format": "qcow2", "checksum": "c",
        "file": "/v2/f", "schema": "/v2/s", "updated_at": "2026-01-03T00:00:00Z",
    }  # fmt: skip
    cloud = CannedCloud(**{"image /images": {"images": [
        {**image, "id": "i1", "name": "debian-12", "size": 10, "tags": ["lts"], "hw_disk_bus": "virtio",
         "created_at": "2026-01-01T00:00:00Z"},
        {**image, "id": "i2", "name": "debian-13", "size": 20, "tags": ["lts", MARK], "pulumi_mark": MARK,
         "created_at": "2026-01-02T00:00:00Z"},
    ]}})  # fmt: skip
    newest = ask("images/getImage", cloud, nameRegex="^debian", mostRecent=True)
    assert (newest["id"], newest["tags"], newest["properties"]) == ("i2", ["lts"], {})
    assert (newest["minDiskGb"], newest["minRamMb"], newest["sizeBytes"]) == (1, 256, 20)
    assert cloud.asked[0][1] == {"sort": "name:asc", "status": "active"}
    for given in ({"properties": {"hw_disk_bus": "virtio"}}, {"sizeMax": 15}, {"name": "debian-12"}):
        assert ask("images/getImage", cloud, **given)["id"] == "i1"
    with pytest.raises(SeveralMatch, match="set mostRecent"):
        ask("images/getImage", cloud, tag="lts", tags=["lts"])
    assert ask("images/getImageIds", cloud, sizeMin=15, sort="created_at:desc")["ids"] == ["i2"]
    assert ask("images/getImageIds", cloud, visibility="all", hidden=True)["ids"] == []
    assert cloud.asked[-1][1] == {
        "sort": "name:asc", "status": "active", "os_hidden": "true", "visibility": "all",
    }  # fmt: skip
    with pytest.raises(ArgumentsRefused, match="sort: must be attributes and directions"):
        ask("images/getImageIds", cloud, sort="name up")

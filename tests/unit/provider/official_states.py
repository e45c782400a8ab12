"""For each type, a program's inputs and the state that the official provider has written for them.

The states are as its reads leave them: zero values where the cloud says nothing, its own defaults, and what
it has from the cloud beside what the program gave.
"""

from __future__ import annotations

import hashlib
from typing import Any

Values = dict[str, Any]
USER_DATA = "#!/bin/sh\necho here\n"
_TAGS: Values = {"tags": ["a", "b"], "allTags": ["a", "b"]}
_NO_TAGS: Values = {"tags": [], "allTags": []}
_REGION: Values = {"region": "hai-phong"}
_TIMES: Values = {"createdAt": "2026-01-31T08:00:00Z", "updatedAt": "2026-01-31T08:00:00Z"}
_SHOWN: Values = {**_REGION, **_NO_TAGS, "description": ""}
_EXAMPLES: dict[str, list[tuple[Values, Values]]] = {
    "identity/project:Project": [
        (
            {"name": "sotp", "domainId": "d1", "tags": ["b", "a"]},
            {
                **_REGION, "tags": ["a", "b"], "description": "", "enabled": True, "isDomain": False,
                "parentId": "d1",
            },
        ),
        (
            {"name": "city", "isDomain": True},
            {
                **_REGION, "tags": [], "description": "", "enabled": True, "isDomain": True, "domainId": "",
                "parentId": "",
            },
        ),
    ],
    "identity/user:User": [(
        {"name": "clerk", "password": "hush", "extra": {"email": "a@b"}},
        {
            **_REGION, "defaultProjectId": "", "description": "", "domainId": "default", "enabled": True,
            "ignoreChangePasswordUponFirstUse": False, "ignoreLockoutFailureAttempts": False,
            "ignorePasswordExpiry": False, "multiFactorAuthEnabled": False, "multiFactorAuthRules": [],
        },
    )],
    "identity/groupV3:GroupV3": [({"name": "ops"}, {**_REGION, "description": "", "domainId": "default"})],
    "identity/userMembershipV3:UserMembershipV3": [({"userId": "u1", "groupId": "g1"}, _REGION)],
    "identity/role:Role": [({"name": "auditor"}, {**_REGION, "domainId": ""})],
    "identity/roleAssignment:RoleAssignment": [(
        {"roleId": "r1", "userId": "u1", "projectId": "p1"}, {**_REGION, "groupId": "", "domainId": ""}
    )],
    "identity/inheritRoleAssignment:InheritRoleAssignment": [(
        {"roleId": "r1", "groupId": "g1", "domainId": "d1"}, {**_REGION, "userId": "", "projectId": ""}
    )],
    "identity/applicationCredential:ApplicationCredential": [
        (
            {"name": "ci", "expiresAt": "2036-01-31T08:00:00Z"},
            {
                **_REGION, "description": "", "unrestricted": False, "roles": ["member", "reader"],
                "projectId": "p1", "secret": "hush", "accessRules": [],
            },
        ),
        (
            {"name": "ci", "roles": ["reader", "member"], "accessRules": [
                {"path": "/v2.1/servers", "method": "GET", "service": "compute"}
            ]},
            {
                **_REGION, "description": "", "unrestricted": False, "roles": ["member", "reader"],
                "projectId": "p1", "secret": "hush", "expiresAt": "", "accessRules": [
                    {"id": "a1", "path": "/v2.1/servers", "method": "GET", "service": "compute"}
                ],
            },
        ),
    ],
    "identity/registeredLimitV3:RegisteredLimitV3": [(
        {"serviceId": "s1", "resourceName": "image_count_total", "defaultLimit": 9},
        {**_REGION, "description": ""},
    )],
    "identity/limitV3:LimitV3": [(
        {"serviceId": "s1", "resourceName": "image_count_total", "resourceLimit": 5, "projectId": "p1"},
        {**_REGION, "description": "", "domainId": ""},
    )],
    "compute/flavor:Flavor": [(
        {"name": "m1", "ram": 512, "vcpus": 1, "disk": 1},
        {
            **_REGION, "flavorId": "f1", "description": "", "ephemeral": 0, "swap": 0, "rxTxFactor": 1,
            "isPublic": False, "extraSpecs": {},
        },
    )],
    "compute/flavorAccess:FlavorAccess": [({"flavorId": "f1", "tenantId": "p1"}, _REGION)],
    "compute/keypair:Keypair": [(
        {"name": "k", "publicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ x"},
        {**_REGION, "fingerprint": "aa:bb", "privateKey": "", "userId": ""},
    )],
    "compute/serverGroup:ServerGroup": [(
        {"name": "g", "policies": "anti-affinity"},
        {**_REGION, "members": [], "rules": {"maxServerPerHost": 0}},
    )],
    "compute/instance:Instance": [(
        {
            "name": "web", "imageName": "debian", "flavorName": "m1", "keyPair": "k", "userData": USER_DATA,
            "networks": [{"uuid": "n1"}], "securityGroups": ["base"], "tags": ["b", "a"],
            "metadata": {"role": "web"},
        },
        {
            **_REGION, **_TAGS, "imageId": "i1", "flavorId": "f1", "availabilityZone": "nova",
            "userData": hashlib.sha1(USER_DATA.encode()).hexdigest(), "powerState": "active",
            "forceDelete": False, "stopBeforeDestroy": False, "accessIpV4": "10.0.0.5", "accessIpV6": "",
            "allMetadata": {"role": "web"}, "created": "2026-01-31 08:00:00 +0000 UTC",
            "updated": "2026-01-31 08:00:00 +0000 UTC",
            "networks": [{
                "uuid": "n1", "name": "agency", "port": "", "fixedIpV4": "10.0.0.5", "fixedIpV6": "",
                "mac": "fa:16:3e:00:00:01", "accessNetwork": False,
            }],
        },
    ), (
        {
            "name": "db", "flavorId": "f1", "networks": [{"port": "port1"}],
            "blockDevices": [{
                "uuid": "i1", "sourceType": "image", "destinationType": "volume", "volumeSize": 2,
                "bootIndex": 0, "deleteOnTermination": True,
            }],
        },
        {
            **_REGION, **_NO_TAGS, "imageId": "Attempt to boot from volume - no image supplied",
            "imageName": "", "flavorName": "m1", "availabilityZone": "nova", "powerState": "active",
            "forceDelete": False, "stopBeforeDestroy": False, "accessIpV4": "10.0.0.6", "accessIpV6": "",
            "securityGroups": ["base"], "allMetadata": {}, "created": "x", "updated": "x",
            "networks": [{
                "uuid": "n1", "name": "agency", "port": "port1", "fixedIpV4": "10.0.0.6", "fixedIpV6": "",
                "mac": "fa:16:3e:00:00:02", "accessNetwork": False,
            }],
            "blockDevices": [{
                "uuid": "i1", "sourceType": "image", "destinationType": "volume", "volumeSize": 2,
                "bootIndex": 0, "deleteOnTermination": True, "deviceType": "", "diskBus": "",
                "guestFormat": "", "volumeType": "", "multiattach": False,
            }],
        },
    )],
    "compute/interfaceAttach:InterfaceAttach": [(
        {"instanceId": "v1", "networkId": "n1"}, {**_REGION, "portId": "port1", "fixedIp": "10.0.0.7"}
    )],
    "compute/volumeAttach:VolumeAttach": [(
        {"instanceId": "v1", "volumeId": "b1"}, {**_REGION, "device": "/dev/vdb"}
    )],
    "compute/quotaSetV2:QuotaSetV2": [(
        {"projectId": "p1", "cores": 4},
        {
            **_REGION, "fixedIps": -1, "floatingIps": -1, "injectedFileContentBytes": 10240,
            "injectedFilePathBytes": 255, "injectedFiles": 5, "instances": 10, "keyPairs": 100,
            "metadataItems": 128, "ram": 51200, "securityGroupRules": -1, "securityGroups": -1,
            "serverGroupMembers": 10, "serverGroups": 10,
        },
    )],
    "compute/aggregateV2:AggregateV2": [(
        {"name": "ssd", "hosts": ["hv2", "hv1"], "metadata": {"ssd": "yes"}},
        {**_REGION, "hosts": ["hv1", "hv2"], "zone": ""},
    )],
    "networking/network:Network": [(
        {"name": "agency", "tags": ["b", "a"]},
        {
            **_SHOWN, **_TAGS, "adminStateUp": True, "availabilityZoneHints": [], "dnsDomain": "",
            "external": False, "mtu": 1442, "portSecurityEnabled": True, "qosPolicyId": "", "shared": False,
            "tenantId": "p1", "transparentVlan": False,
        },
    )],
    "networking/subnet:Subnet": [(
        {"name": "office", "networkId": "n1", "cidr": "10.0.0.0/24", "dnsNameservers": ["9.9.9.9"]},
        {
            **_SHOWN, "allocationPools": [{"start": "10.0.0.2", "end": "10.0.0.254"}], "enableDhcp": True,
            "dnsPublishFixedIp": False, "gatewayIp": "10.0.0.1", "ipVersion": 4, "ipv6AddressMode": "",
            "ipv6RaMode": "", "noGateway": False, "segmentId": "", "serviceTypes": [], "subnetpoolId": "",
            "tenantId": "p1",
        },
    )],
    "networking/subnetPool:SubnetPool": [(
        {"name": "pool", "prefixes": ["10.1.0.0/16", "10.0.0.0/16"]},
        {
            **_SHOWN, **_TIMES, "prefixes": ["10.0.0.0/15"], "addressScopeId": "", "defaultPrefixlen": 8,
            "defaultQuota": 0, "ipVersion": 4, "isDefault": False, "maxPrefixlen": 32, "minPrefixlen": 8,
            "projectId": "p1", "revisionNumber": 0, "shared": False,
        },
    )],
    "networking/subnetRoute:SubnetRoute": [(
        {"subnetId": "s1", "destinationCidr": "10.9.0.0/16", "nextHop": "10.0.0.254"}, _REGION
    )],
    "networking/addressScope:AddressScope": [(
        {"name": "scope"}, {**_REGION, "ipVersion": 4, "projectId": "p1", "shared": False}
    )],
    "networking/addressGroupV2:AddressGroupV2": [(
        {"name": "offices", "addresses": ["10.2.0.0/24", "10.1.0.0/24"]},
        {
            **_REGION, "addresses": ["10.1.0.0/24", "10.2.0.0/24"], "description": "", "projectId": "p1"
        },
    )],
    "networking/router:Router": [
        (
            {"name": "gate", "externalNetworkId": "out"},
            {
                **_SHOWN, "adminStateUp": True, "availabilityZoneHints": [], "distributed": False,
                "enableSnat": True, "externalFixedIps": [{"ipAddress": "172.30.0.9", "subnetId": "s9"}],
                "externalQosPolicyId": "", "tenantId": "p1",
            },
        ),
        (
            {"name": "inner"},
            {
                **_SHOWN, "adminStateUp": True, "availabilityZoneHints": [], "distributed": False,
                "enableSnat": False, "externalFixedIps": [], "externalNetworkId": "",
                "externalQosPolicyId": "", "tenantId": "p1",
            },
        ),
    ],
    "networking/routerInterface:RouterInterface": [(
        {"routerId": "r1", "subnetId": "s1"}, {**_REGION, "portId": "port1", "forceDestroy": False}
    )],
    "networking/routerRoute:RouterRoute": [(
        {"routerId": "r1", "destinationCidr": "10.9.0.0/16", "nextHop": "10.0.0.254"}, _REGION
    )],
    "networking/port:Port": [(
        {"name": "p", "networkId": "n1", "fixedIps": [{"subnetId": "s1"}], "securityGroupIds": ["g2", "g1"]},
        {
            **_SHOWN, "adminStateUp": True, "allFixedIps": ["10.0.0.5"],
            "fixedIps": [{"subnetId": "s1", "ipAddress": ""}], "securityGroupIds": ["g1", "g2"],
            "allSecurityGroupIds": ["g1", "g2"], "allowedAddressPairs": [], "deviceId": "",
            "binding": {
                "hostId": "", "profile": "{}", "vifDetails": {}, "vifType": "unbound", "vnicType": "normal"
            },
            "deviceOwner": "", "dnsAssignments": [], "dnsName": "", "extraDhcpOptions": [],
            "macAddress": "fa:16:3e:00:00:01", "portSecurityEnabled": True, "qosPolicyId": "",
            "tenantId": "p1",
        },
    )],
    "networking/portSecGroupAssociate:PortSecGroupAssociate": [(
        {"portId": "port1", "securityGroupIds": ["g2", "g1"]},
        {
            **_REGION, "securityGroupIds": ["g1", "g2"], "enforce": False,
            "allSecurityGroupIds": ["g0", "g1", "g2"],
        },
    )],
    "networking/floatingIp:FloatingIp": [(
        {"pool": "outside"},
        {
            **_SHOWN, "address": "172.30.0.9", "dnsDomain": "", "dnsName": "", "fixedIp": "", "portId": "",
            "tenantId": "p1",
        },
    )],
    "networking/floatingIpAssociate:FloatingIpAssociate": [(
        {"floatingIp": "172.30.0.9", "portId": "port1"}, {**_REGION, "fixedIp": "10.0.0.5"}
    )],
    "networking/portForwardingV2:PortForwardingV2": [(
        {
            "floatingipId": "f1", "externalPort": 2222, "internalPort": 22, "internalPortId": "port1",
            "internalIpAddress": "10.0.0.5", "protocol": "tcp",
        },
        {**_REGION, "description": ""},
    )],
    "networking/secGroup:SecGroup": [(
        {"name": "base", "deleteDefaultRules": True}, {**_SHOWN, "stateful": True, "tenantId": "p1"}
    )],
    "networking/secGroupRule:SecGroupRule": [
        (
            {
                "securityGroupId": "g1", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
                "portRangeMin": 22, "portRangeMax": 22, "remoteIpPrefix": "10.0.0.0/8",
            },
            {
                **_REGION, "description": "", "remoteGroupId": "", "remoteAddressGroupId": "",
                "tenantId": "p1",
            },
        ),
        (
            {"securityGroupId": "g1", "direction": "egress", "ethertype": "IPv6"},
            {
                **_REGION, "description": "", "remoteGroupId": "", "remoteAddressGroupId": "", "protocol": "",
                "portRangeMin": 0, "portRangeMax": 0, "remoteIpPrefix": "", "tenantId": "p1",
            },
        ),
    ],
    "networking/qosPolicy:QosPolicy": [(
        {"name": "gold"},
        {**_SHOWN, **_TIMES, "isDefault": False, "projectId": "p1", "revisionNumber": 0, "shared": False},
    )],
    "networking/qosBandwidthLimitRule:QosBandwidthLimitRule": [(
        {"qosPolicyId": "q1", "maxKbps": 9}, {**_REGION, "maxBurstKbps": 0, "direction": "egress"}
    )],
    "networking/qosDscpMarkingRule:QosDscpMarkingRule": [({"qosPolicyId": "q1", "dscpMark": 26}, _REGION)],
    "networking/qosMinimumBandwidthRule:QosMinimumBandwidthRule": [(
        {"qosPolicyId": "q1", "minKbps": 3}, {**_REGION, "direction": "egress"}
    )],
    "networking/quotaV2:QuotaV2": [(
        {"projectId": "p1", "network": 5},
        {
            **_REGION, "floatingip": 50, "port": 500, "rbacPolicy": 10, "router": 10, "securityGroup": 10,
            "securityGroupRule": 100, "subnet": 100, "subnetpool": -1,
        },
    )],
    "networking/rbacPolicyV2:RbacPolicyV2": [(
        {"action": "access_as_shared", "objectId": "n1", "objectType": "network", "targetTenant": "p2"},
        {**_REGION, "projectId": "p1"},
    )],
    "networking/trunk:Trunk": [(
        {
            "name": "t", "portId": "port1",
            "subPorts": [
                {"portId": "port3", "segmentationId": 3, "segmentationType": "vlan"},
                {"portId": "port2", "segmentationId": 2, "segmentationType": "vlan"},
            ],
        },
        {
            **_SHOWN, "adminStateUp": True, "tenantId": "p1",
            "subPorts": [
                {"portId": "port2", "segmentationId": 2, "segmentationType": "vlan"},
                {"portId": "port3", "segmentationId": 3, "segmentationType": "vlan"},
            ],
        },
    )],
    "blockstorage/volume:Volume": [(
        {"name": "data", "size": 1},
        {
            **_REGION, "attachments": [], "availabilityZone": "nova", "description": "", "metadata": {},
            "snapshotId": "", "sourceVolId": "", "volumeType": "lvm", "volumeRetypePolicy": "never",
        },
    )],
    "blockstorage/volumeAttach:VolumeAttach": [(
        {"volumeId": "b1", "hostName": "hv1"},
        {
            **_REGION, "data": {"target_lun": "1"}, "driverVolumeType": "iscsi", "mountPointBase": "",
        },
    )],
    "blockstorage/volumeTypeV3:VolumeTypeV3": [(
        {"name": "fast"}, {**_REGION, "description": "", "isPublic": True, "extraSpecs": {}}
    )],
    "blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3": [(
        {"projectId": "p1", "volumeTypeId": "vt1"}, _REGION
    )],
    "blockstorage/qosV3:QosV3": [(
        {"name": "slow", "specs": {"read_iops_sec": "100"}}, {**_REGION, "consumer": "back-end"}
    )],
    "blockstorage/qosAssociationV3:QosAssociationV3": [({"qosId": "q1", "volumeTypeId": "vt1"}, _REGION)],
    "blockstorage/quoteSetV3:QuoteSetV3": [(
        {"projectId": "p1", "volumes": 4, "volumeTypeQuota": {"volumes_lvm": "2"}},
        {
            **_REGION, "backupGigabytes": 1000, "backups": 10, "gigabytes": 1000, "groups": 10,
            "perVolumeGigabytes": -1, "snapshots": 10,
            "volumeTypeQuota": {"volumes_lvm": "2", "gigabytes_lvm": "-1", "snapshots_lvm": "-1"},
        },
    )],
    "images/image:Image": [
        (
            {
                "name": "debian", "containerFormat": "bare", "diskFormat": "raw",
                "properties": {"os": "linux"},
                "imageSourceUrl": "https://images.example/debian.raw",
            },
            {
                **_REGION, **_TIMES, "tags": [], "checksum": "c", "decompress": False, "file": "/v2/f",
                "hidden": False, "imageCachePath": "/root/.terraform/image_cache", "metadata": {},
                "minDiskGb": 0, "minRamMb": 0, "owner": "p1", "protected": False, "schema": "/v2/s",
                "sizeBytes": 9, "status": "active", "verifyChecksum": True, "visibility": "private",
                "webDownload": False,
                "properties": {
                    "os": "linux", "os_hash_algo": "sha512", "os_hash_value": "h", "os_hidden": "false"
                },
            },
        ),
    ],
    "images/imageAccess:ImageAccess": [(
        {"imageId": "i1", "memberId": "p2"}, {**_REGION, **_TIMES, "schema": "/v2/s", "status": "pending"}
    )],
}  # fmt: skip
EXAMPLES = [
    (f"openstack:{short}", inputs, {**inputs, **state})
    for short, examples in _EXAMPLES.items()
    for inputs, state in examples
]

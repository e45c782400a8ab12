"""What all agencies share: flavors, images, the network outside, aggregates, roles.

`program` is run inline by `citycloud`; `pulumi up` in this folder runs the same with the settings of
Pulumi.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_openstack as openstack

from infra.domain.network import ExternalNetwork
from infra.domain.platform import Platform
from infra.inventory import Inventory, load

BOOTSTRAP_ROLES = ("admin", "member", "reader")
"""Keystone's own roles: looked up, not made."""

_DRIVER_NAMES = {"qemu": "<or> QEMU <or> qemu", "lxc": "<or> LXC <or> lxc"}
"""How nova's drivers of a hypervisor type call themselves, as its ComputeCapabilitiesFilter compares it."""


def program(inventory: Inventory, depot: Path, digests: Mapping[str, str]) -> None:
    """`digests` has the sha256 of each file in the depot, by its path in it: new bytes make a new image."""
    platform = inventory.platform
    pulumi.export("flavors", _flavors(platform))
    pulumi.export("images", _images(platform, depot, digests))
    pulumi.export("external_network", _external_network(inventory.site.external_network))
    pulumi.export("aggregates", _aggregates(inventory))
    pulumi.export("roles", _roles(platform))
    pulumi.export("operator_user_id", openstack.identity.get_auth_scope_output(name="operator").user_id)


def _flavors(platform: Platform) -> dict[str, pulumi.Output[str]]:
    made = {}
    for flavor in platform.flavors:
        driver = _DRIVER_NAMES.get(flavor.hypervisor_type or "")
        made[flavor.name] = openstack.compute.Flavor(
            f"flavor-{flavor.name}", name=flavor.name, vcpus=flavor.vcpus, ram=flavor.memory_mib,
            disk=flavor.disk_gib, is_public=True,
            extra_specs={"capabilities:hypervisor_type": driver} if driver else {},
        ).id  # fmt: skip
    return made


def _images(platform: Platform, depot: Path, digests: Mapping[str, str]) -> dict[str, pulumi.Output[str]]:
    made = {}
    for image in platform.images:
        digest = digests[f"images/{image.file}"]
        properties = {**image.properties, "depot_sha256": digest}
        if image.hypervisor_type:
            properties["img_hv_type"] = image.hypervisor_type
        made[image.name] = openstack.images.Image(
            f"image-{image.name}-{digest[:12]}", name=image.name, container_format="bare",
            disk_format=image.disk_format, local_file_path=str(depot / "images" / image.file),
            min_disk_gb=image.min_disk_gib, visibility="public", properties=properties,
        ).id  # fmt: skip
    return made


def _external_network(external: ExternalNetwork) -> dict[str, pulumi.Input[str]]:
    segment = openstack.networking.NetworkSegmentArgs(
        network_type="vlan" if external.vlan else "flat",
        physical_network="external",
        segmentation_id=external.vlan or None,
    )
    network = openstack.networking.Network(
        "external", name="external", external=True, shared=False, mtu=external.mtu, segments=[segment]
    )
    subnet = openstack.networking.Subnet(
        "external", name="external", network_id=network.id, cidr=str(external.cidr),
        gateway_ip=str(external.gateway), enable_dhcp=False,
        allocation_pools=[{"start": str(external.first), "end": str(external.last)}],
    )  # fmt: skip
    return {"id": network.id, "name": "external", "subnet_id": subnet.id}


def _aggregates(inventory: Inventory) -> dict[str, pulumi.Output[str]]:
    made = {}
    for aggregate in inventory.platform.aggregates:
        hosts = [name for host in aggregate.hosts for name in inventory.host(host).compute_names]
        resource = openstack.compute.AggregateV2(
            f"aggregate-{aggregate.name}", name=aggregate.name, hosts=hosts
        )
        made[aggregate.name] = resource.id
    return made


def _roles(platform: Platform) -> dict[str, pulumi.Output[str]]:
    found = {name: openstack.identity.get_role_output(name=name).id for name in BOOTSTRAP_ROLES}
    return {
        **found,
        **{name: openstack.identity.Role(f"role-{name}", name=name).id for name in platform.roles},
    }


def _from_settings() -> None:
    settings = pulumi.Config("platform")
    depot = Path(settings.require("depot"))
    files = json.loads((depot / "manifest.json").read_text(encoding="utf-8"))["files"]
    program(
        load(Path(settings.require("inventory"))),
        depot,
        {path: file["sha256"] for path, file in files.items()},
    )


if __name__ == "__main__":
    _from_settings()

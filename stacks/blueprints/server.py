"""Servers: a port, a boot disk, and as asked a public address and a data volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import ComponentResource, Output
from pulumi_openstack import blockstorage, compute, networking

from infra.domain.blueprint import DEPLOYMENT_KEY, MANAGER, REBOOTS_KEY, REBUILT_KEY, Wanted
from infra.domain.catalog import DEFAULT_ITEM, ITEM_KEY
from infra.domain.opening import GIVEN, Source
from infra.inventory import Inventory
from stacks.blueprints.ground import Ground

EVERYBODY = "0.0.0.0/0"
NODE_EXPORTER = 9100
Rule = tuple[str, int, str]
"""Protocol, port, and the network (CIDR) from which it is open."""


class Server(ComponentResource):  # type: ignore[misc]  # pulumi is untyped to us
    """What the item serves and what its people opened is open, beside the baseline of the landing zone, and
    `rules`. A newer image, another key or other user data never replace a server that stands; another size
    resizes it, and a larger volume grows in place. Outputs named as a parameter tell what the cloud has of it
    (see `Change.undone`).
    """

    def __init__(self, wanted: Wanted, ground: Ground, rules: Sequence[Rule] = ()) -> None:
        super().__init__("citycloud:blueprint:Server", wanted.name)
        self._wanted, self._ground = wanted, ground
        rules = list(dict.fromkeys([*opened(wanted, ground), *rules]))
        groups = [ground.baseline_group_id, *([self._group(rules)] if rules else [])]
        self.port = networking.Port(
            wanted.name, name=wanted.name, network_id=ground.network_id, security_group_ids=groups,
            opts=ground.within(self),
        )  # fmt: skip
        self.instance = self._instance()
        self.address = self._address() if wanted.switched("public_address") else Output.from_input("")
        gib = wanted.value("volume_gib")
        self.volume_gib = self._volume(int(gib)) if gib else Output.from_input("")
        self.register_outputs({})

    @property
    def outputs(self) -> Mapping[str, Any]:
        user = self._ground.inventory.platform.image_for(self._wanted.value("size")).user
        fixed = self.port.all_fixed_ips[0]
        at = Output.all(self.address, fixed).apply(lambda told: told[0] or told[1])
        return {
            "server_id": self.instance.id, "address": self.address, "fixed_address": fixed, "user": user,
            "ssh": Output.concat("ssh ", user, "@", at), "size": self.instance.flavor_name,
            "volume_gib": self.volume_gib,
        }  # fmt: skip

    def _group(self, rules: Sequence[Rule]) -> Output[str]:
        name = self._wanted.name
        group = networking.SecGroup(
            name, name=name, description=self._wanted.item, opts=self._ground.within(self)
        )
        for protocol, port, source in rules:
            networking.SecGroupRule(
                f"{name}-{protocol}-{port}-{source}", security_group_id=group.id, direction="ingress",
                ethertype="IPv4", protocol=protocol, port_range_min=port, port_range_max=port,
                remote_ip_prefix=source,
                opts=self._ground.within(self, deleted_with=group),
            )  # fmt: skip
        return group.id

    def _instance(self) -> compute.Instance:
        wanted, ground, size = self._wanted, self._ground, self._wanted.value("size")
        key = compute.Keypair(
            wanted.name, name=f"{ground.agency.code}-{wanted.name}", public_key=wanted.value("ssh_key"),
            opts=ground.within(self),
        )  # fmt: skip
        metadata = {DEPLOYMENT_KEY: wanted.id}
        if wanted.reboots:
            metadata[REBOOTS_KEY] = str(wanted.reboots)
        if wanted.rebuilt:
            metadata[REBUILT_KEY] = wanted.rebuilt
        if wanted.item != DEFAULT_ITEM:
            metadata[ITEM_KEY] = wanted.item
        stands = ["imageName", "keyPair", "userData", *(["flavorName"] if "size" in wanted.stays else [])]
        return compute.Instance(
            wanted.name, name=wanted.name, flavor_name=size, key_pair=key.name, metadata=metadata,
            image_name=ground.inventory.platform.image_for(size).name, networks=[{"port": self.port.id}],
            user_data=first_boot(ground.manager_key), power_state="active" if wanted.on else "shutoff",
            opts=ground.within(self, ignore_changes=stands),
        )  # fmt: skip

    def _address(self) -> Output[str]:
        name, own = self._wanted.name, self._ground.within(self)
        floating = networking.FloatingIp(name, pool=self._ground.outside, description=name, opts=own)
        networking.FloatingIpAssociate(name, floating_ip=floating.address, port_id=self.port.id, opts=own)
        return floating.address

    def _volume(self, gib: int) -> Output[str]:
        """Its size. A smaller one would replace it, so none is asked for while it stays as it is."""
        name, own = self._wanted.name, self._ground.within(self)
        stays = ["size"] if "volume_gib" in self._wanted.stays else []
        volume = blockstorage.Volume(
            name, name=name, size=gib, enable_online_resize=True,
            opts=self._ground.within(self, ignore_changes=stays),
        )  # fmt: skip
        compute.VolumeAttach(name, instance_id=self.instance.id, volume_id=volume.id, opts=own)
        return volume.size.apply(lambda size: str(int(size)))


def plain_server(wanted: Wanted, ground: Ground) -> Mapping[str, Any]:
    return Server(wanted, ground).outputs


def web_server(wanted: Wanted, ground: Ground) -> Mapping[str, Any]:
    made = Server(wanted, ground, watched(ground.inventory)).outputs
    return {**made, "url": made["address"].apply(lambda address: f"http://{address}/" if address else "")}


def database_server(wanted: Wanted, ground: Ground) -> Mapping[str, Any]:
    made = Server(wanted, ground, watched(ground.inventory)).outputs
    name = wanted.value("database")
    return {**made, "database": Output.concat("psql -h ", made["fixed_address"], f" -U {name} {name}")}


def opened(wanted: Wanted, ground: Ground) -> Sequence[Rule]:
    """What the item gives and what its people added. The city's network is that in which floating addresses
    are.
    """
    sources = {
        Source.EVERYBODY: EVERYBODY,
        Source.CITY: str(ground.inventory.site.external_network.cidr),
        Source.AGENCY: str(ground.agency.network),
    }
    wide = (*GIVEN.get(wanted.kind, ()), *wanted.openings)
    return [("tcp", port, sources[one.source]) for one in wide for port in one.ports]


def watched(inventory: Inventory) -> Sequence[Rule]:
    """The server's own figures, for the city's administration alone."""
    site = inventory.site
    sources = (str(site.management_network.cidr), f"{site.external_network.gateway}/32")
    return [("tcp", NODE_EXPORTER, source) for source in sources]


def first_boot(manager_key: str) -> str:
    """User data: the account by which the city's worker sets the guest up. The owner's own is the image's."""
    home = f"/home/{MANAGER}"
    return "\n".join((
        "#!/bin/sh",
        "set -eu",
        f"id {MANAGER} > /dev/null 2>&1 ||",
        f"  useradd --create-home --shell /bin/bash --comment 'City Cloud' {MANAGER}",
        f"echo '{MANAGER} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{MANAGER}",
        f"chmod 440 /etc/sudoers.d/{MANAGER}",
        f"mkdir -p {home}/.ssh",
        f"echo '{manager_key}' > {home}/.ssh/authorized_keys",
        f"chmod 700 {home}/.ssh",
        f"chmod 600 {home}/.ssh/authorized_keys",
        f"chown -R {MANAGER}: {home}/.ssh",
        "",
    ))  # fmt: skip

"""The function `getInstanceV2`: a server with its interfaces, image and flavor."""

from __future__ import annotations

from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.flavor import flavors
from infra.cloud.image import find_image
from infra.cloud.server import servers
from infra.provider.lookup.function import REGION, Answer, Function, Given, NothingMatches, Thing, shown
from infra.provider.lookup.search import with_zone
from infra.provider.property import Property

_NO_IMAGE = "Attempt to boot from volume - no image supplied"  # as the official provider has it
_USER_DATA = "OS-EXT-SRV-ATTR:user_data"
_NETWORK = (
    Property("uuid", output=True), Property("name", output=True), Property("port", output=True),
    Property("fixedIpV4", output=True), Property("fixedIpV6", output=True), Property("mac", output=True),
)  # fmt: skip
_INSTANCE = (
    Property("id", required=True),
    REGION,
    Property("userData", kept=True, secret=True),
    Property("networks", "objects", kept=True, fields=tuple(
        Property(item.name, required=True, kept=True) for item in _NETWORK
    )),
    Property("name", output=True),
    Property("imageId", output=True), Property("imageName", output=True),
    Property("flavorId", output=True), Property("flavorName", output=True),
    Property("keyPair", attribute="key_name", output=True),
    Property("securityGroups", "strings", attribute="names_of_groups", output=True),
    Property("availabilityZone", attribute="OS-EXT-AZ:availability_zone", output=True),
    Property("accessIpV4", output=True), Property("accessIpV6", output=True),
    Property("metadata", "map", output=True), Property("tags", "strings", output=True),
    Property("powerState", output=True), Property("created", output=True), Property("updated", output=True),
)  # fmt: skip


def _instance(cloud: Cloud, given: Given) -> Answer:
    server = servers(cloud).find(given["id"])
    if server is None:
        raise NothingMatches(f"there is no server with the id {given['id']}: change id")
    networks = _networks(cloud, server)
    for row in given.get("networks", []):
        if not any(row.items() <= held.items() for held in networks):
            raise NothingMatches(f"server {given['id']} has no interface {row}: change networks")
    groups = sorted({group["name"] for group in server.get("security_groups", [])})
    return {
        **shown(_INSTANCE, {**server, "names_of_groups": groups}),
        **_image(cloud, server),
        **_flavor(cloud, server),
        "networks": networks,
        "userData": server.get(_USER_DATA),
        "accessIpV4": _first(networks, "fixedIpV4") or server.get("accessIPv4"),
        "accessIpV6": _first(networks, "fixedIpV6") or server.get("accessIPv6"),
        "powerState": server["status"].lower(),
        "created": with_zone(server.get("created")),
        "updated": with_zone(server.get("updated")),
    }


INSTANCE = Function("openstack:compute/getInstanceV2:getInstanceV2", _INSTANCE, _instance)


def _first(networks: list[Answer], name: str) -> str:
    return next((row[name] for row in networks if row[name]), "")


def _image(cloud: Cloud, server: Thing) -> Answer:
    """Its image; one that was deleted since has no name any more."""
    identity = (server.get("image") or {}).get("id", "")
    if not identity:
        return {"imageId": _NO_IMAGE}
    image = find_image(cloud, identity) or {}
    return {"imageId": identity, "imageName": image.get("name")}


def _flavor(cloud: Cloud, server: Thing) -> Answer:
    """Nova tells a server's flavor by its name alone."""
    held: dict[str, Any] = server["flavor"]
    name = held.get("original_name", "")
    every = flavors(cloud).list(is_public="None")
    found = next((one for one in every if one["name"] == name or one["id"] == held.get("id")), None)
    return {"flavorName": name or (found or {}).get("name"), "flavorId": (found or held).get("id")}


def _networks(cloud: Cloud, server: Thing) -> list[Answer]:
    """One row for each of its ports. The name of a network stands beside the MAC addresses on it."""
    names = {
        entry.get("OS-EXT-IPS-MAC:mac_addr"): name
        for name, entries in server.get("addresses", {}).items()
        for entry in entries
    }
    try:
        body = cloud.service("compute").request("GET", f"/servers/{server['id']}/os-interface")
    except NotFound:
        return []
    return [
        {
            "uuid": port["net_id"],
            "name": names.get(port.get("mac_addr"), ""),
            "port": port["port_id"],
            "mac": port.get("mac_addr", ""),
            "fixedIpV4": _address(port, "."),
            "fixedIpV6": _address(port, ":"),
        }
        for port in body["interfaceAttachments"]
    ]


def _address(port: Thing, sign: str) -> str:
    """The first address of the port that has this sign in it, the mark of its family."""
    held = [str(row["ip_address"]) for row in port.get("fixed_ips") or [] if sign in row["ip_address"]]
    return held[0] if held else ""

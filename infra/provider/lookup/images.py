"""Functions of the module `images`: what Glance knows."""

from __future__ import annotations

import re
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.image import list_images
from infra.provider.lookup.function import ID, REGION, Answer, Function, Given, Thing, fitting, only, shown
from infra.provider.lookup.search import ids_of, named_like, one_of, pattern, rfc3339
from infra.provider.property import Property

_SORT = re.compile(r"^[a-z_]+(:(asc|desc))?(,[a-z_]+(:(asc|desc))?)*$")
# Glance's own attributes, beside which an image has custom properties.
_OWN = frozenset(
    {
        "id", "name", "status", "visibility", "protected", "os_hidden", "checksum", "os_hash_algo",
        "os_hash_value", "owner", "size", "virtual_size", "min_disk", "min_ram", "container_format",
        "disk_format", "tags", "created_at", "updated_at", "file", "self", "schema", "locations",
        "direct_url", "stores",
    }
)  # fmt: skip


def _sorting(value: str) -> str | None:
    return None if _SORT.match(value) else "must be attributes and directions: name:asc,created_at:desc"


_FILTERS = (
    Property("name"), Property("nameRegex", kept=True, rule=pattern), Property("owner"),
    Property("visibility", rule=one_of("public", "private", "shared", "community", "all")),
    Property("memberStatus", kept=True, rule=one_of("accepted", "pending", "rejected", "all")),
    Property("containerFormat"), Property("diskFormat"),
    Property("hidden", "boolean", attribute="os_hidden", default=False),
    Property("sizeMin", "integer", kept=True), Property("sizeMax", "integer", kept=True),
    Property("sort", default="name:asc", kept=True, rule=_sorting),
    Property("tag", kept=True), Property("properties", "map", kept=True),
)  # fmt: skip


def _images(cloud: Cloud, properties: tuple[Property, ...], given: Given) -> list[Thing]:
    """The active images as the arguments say, in the order of `sort`."""
    asked = {"name": "name", "owner": "owner", "visibility": "visibility", "memberStatus": "member_status"}
    filters: dict[str, Any] = {key: given[name] for name, key in asked.items() if name in given}
    filters |= {"sort": given["sort"], "status": "active"}
    if given["hidden"]:
        filters["os_hidden"] = "true"
    exact = {name: value for name, value in given.items() if (name, value) != ("visibility", "all")}
    found = fitting(properties, list_images(cloud, **filters), exact)
    return named_like([image for image in found if _is_wanted(image, given)], given)


def _is_wanted(image: Thing, given: Given) -> bool:
    size = image.get("size") or 0
    tags = {*given.get("tags", ()), *([given["tag"]] if "tag" in given else [])}
    return (
        size >= given.get("sizeMin", 0)
        and (not given.get("sizeMax") or size <= given["sizeMax"])
        and tags <= set(image.get("tags", ()))
        and all(str(image.get(key)) == value for key, value in given.get("properties", {}).items())
    )


_IMAGE = (
    ID, REGION, *_FILTERS,
    Property("tags", "strings"), Property("mostRecent", "boolean", default=False, kept=True),
    Property("checksum", output=True), Property("createdAt", output=True),
    Property("updatedAt", output=True), Property("file", output=True), Property("schema", output=True),
    Property("metadata", "map", output=True), Property("protected", "boolean", output=True),
    Property("minDiskGb", "integer", attribute="min_disk", output=True),
    Property("minRamMb", "integer", attribute="min_ram", output=True),
    Property("sizeBytes", "integer", attribute="size", output=True),
)  # fmt: skip


def _image(cloud: Cloud, given: Given) -> Answer:
    found = _images(cloud, _IMAGE, given)
    if given["mostRecent"] and found:
        found = [max(found, key=lambda image: str(image["created_at"]))]
    image = only("image", found, given, "add arguments, or set mostRecent")
    own = {key: str(value) for key, value in image.items() if key not in _OWN and value is not None}
    return {
        **shown(_IMAGE, image),
        "properties": shown((Property("properties", "map"),), {"properties": own})["properties"],
        "createdAt": rfc3339(image.get("created_at")),
        "updatedAt": rfc3339(image.get("updated_at")),
    }


IMAGE = Function(
    "openstack:images/getImage:getImage", _IMAGE, _image, apart=(("name", "nameRegex"),)
)  # fmt: skip

_IMAGE_IDS = (
    ID, REGION, *_FILTERS, Property("tags", "strings"), Property("ids", "strings", output=True)
)  # fmt: skip
IMAGE_IDS = Function(
    "openstack:images/getImageIds:getImageIds", _IMAGE_IDS,
    lambda cloud, given: ids_of(_images(cloud, _IMAGE_IDS, given)),
    apart=(("name", "nameRegex"),), echoes=True,
)  # fmt: skip

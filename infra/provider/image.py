"""`Image`: a Glance image, uploaded from a local file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.errors import NotFound, WentWrong
from infra.cloud.image import change_image, create_image, find_image, list_images, remove_image, upload
from infra.errors import InfraError
from infra.provider import rules
from infra.provider.mark import visible
from infra.provider.property import Property
from infra.provider.resource import REGION, Context, Resource, State, kept

# What Glance adds to an image by itself; everything else on it that is no attribute is a custom property.
_ATTRIBUTES = frozenset(
    {
        "id", "name", "status", "visibility", "protected", "owner", "checksum", "os_hash_algo",
        "os_hash_value", "os_hidden", "size", "virtual_size", "min_disk", "min_ram",
        "container_format", "disk_format", "tags", "created_at", "updated_at", "file", "self",
        "schema", "direct_url", "locations", "stores",
    }
)  # fmt: skip


class ImageFileMissing(InfraError):
    """The file of an image is not there; run `citycloud depot build`, or correct its path."""

    code = "image_file_missing"


class ImageBroken(InfraError):
    """What Glance holds is not what was uploaded; the image was removed, run again."""

    code = "image_broken"


class Image(Resource):
    """An interrupted upload leaves a marked image that is queued (uploaded now) or half written (made anew).

    `localFilePath` may move: as long as the bytes are those that Glance has, nothing is replaced.
    """

    type_name = "openstack:images/image:Image"
    seconds = 1800.0
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("containerFormat", required=True, replaces=True),
        Property("diskFormat", required=True, replaces=True),
        Property("localFilePath", required=True, replaces=True, kept=True),
        Property("minDiskGb", "integer", "min_disk", default=0, rule=rules.at_least_zero),
        Property("minRamMb", "integer", "min_ram", default=0, rule=rules.at_least_zero),
        Property(
            "visibility", default="private", rule=rules.one_of("public", "private", "shared", "community")
        ),
        Property("protected", "boolean", default=False),
        Property("hidden", "boolean", "os_hidden", default=False),
        Property("properties", "map"),
        Property("tags", "strings", unordered=True),
        Property("verifyChecksum", "boolean", default=True, kept=True),
        Property("checksum", output=True),
        Property("createdAt", output=True),
        Property("updatedAt", output=True),
        Property("file", output=True),
        Property("owner", output=True),
        Property("schema", output=True),
        Property("sizeBytes", "integer", "size", output=True),
        Property("status", output=True),
        REGION,
    )
    unsupported = (
        "decompress", "imageCachePath", "imageId", "imageSourcePassword", "imageSourceUrl",
        "imageSourceUsername", "webDownload",
    )  # fmt: skip

    def mark(self, urn: str, inputs: Mapping[str, Any]) -> str:
        return super().mark(urn, {name: value for name, value in inputs.items() if name != "localFilePath"})

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name != "localFilePath" or not state.get("checksum"):
            return False
        file = Path(wanted)
        return file.is_file() and _md5(file) == state["checksum"]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        file = Path(inputs["localFilePath"])
        if not file.is_file():
            raise ImageFileMissing(f"{file}, the file of image {inputs['name']}, is not there")
        image = self._marked(context) or create_image(context.cloud, self._body(inputs, context.mark))
        identity = str(image["id"])
        if image["status"] == "queued":
            upload(context.cloud, identity, file)
        image = self._active(context, identity, inputs["name"])
        if inputs.get("verifyChecksum") and image.get("checksum") and image["checksum"] != _md5(file):
            remove_image(context.cloud, identity)
            raise ImageBroken(
                f"Glance holds other bytes than {file}: image {inputs['name']} was removed; run again"
            )
        return identity, {**self._state(image), **kept(self.properties, inputs)}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        image = find_image(context.cloud, identity)
        return None if image is None else {**self._state(image), **kept(self.properties, state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        image = find_image(context.cloud, identity)
        if image is None:
            raise NotFound(f"image {inputs['name']} ({identity}) is gone; refresh, then run again")
        body = self._body(
            inputs, next((tag for tag in image.get("tags", []) if tag not in visible([tag])), "")
        )
        sendable = {key: value for key, value in body.items() if image.get(key) != value}
        for fixed in ("container_format", "disk_format"):
            sendable.pop(fixed, None)
        dropped = frozenset(state.get("properties", {})) - frozenset(inputs.get("properties", {}))
        return {
            **self._state(change_image(context.cloud, image, sendable, dropped)),
            **kept(self.properties, inputs),
        }

    def delete(self, context: Context, identity: str, state: State) -> None:
        remove_image(context.cloud, identity)

    def _marked(self, context: Context) -> Thing | None:
        for image in list_images(context.cloud, tag=context.mark, member_status="all"):
            if image["status"] in ("queued", "active", "importing"):
                return image
            remove_image(context.cloud, str(image["id"]))
        return None

    def _active(self, context: Context, identity: str, name: str) -> Thing:
        seen: Thing = {}

        def look() -> Thing | None:
            seen.update(find_image(context.cloud, identity) or {"status": "gone"})
            if seen["status"] in ("killed", "gone", "deleted"):
                raise WentWrong(f"image {name} ({identity}) is {seen['status']} after its upload")
            return seen if seen["status"] == "active" else None

        return context.deadline.wait(
            f"image {name} ({identity}) to become active", look, lambda: str(seen["status"])
        )

    def _body(self, inputs: State, mark: str) -> dict[str, Any]:
        skip = {"region", "properties", "tags"}
        body = {
            item.key: inputs[item.name]
            for item in self.properties
            if item.name in inputs and not item.kept and not item.output and item.name not in skip
        }
        tags = sorted([*inputs.get("tags", []), *([mark] if mark else [])])
        return {**body, **inputs.get("properties", {}), "tags": tags}

    def _state(self, image: Thing) -> State:
        shown = {
            item.name: image[item.key]
            for item in self.properties
            if item.key in image and image[item.key] is not None and not item.kept
        }
        custom = {
            key: str(value)
            for key, value in image.items()
            if key not in _ATTRIBUTES and isinstance(value, str | bool)
        }
        return {**shown, "properties": custom, "tags": visible(image.get("tags", []))}


def _md5(file: Path) -> str:
    """Glance's own checksum of the bytes; about 0.6 GB/s."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

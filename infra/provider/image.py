"""`Image`: a Glance image, from a file here, from a URL, or fetched from a URL by Glance itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from infra.cloud.collection import Thing
from infra.cloud.errors import Conflict, NotFound, Unavailable, WentWrong
from infra.cloud.image import (
    change_image,
    create_image,
    find_image,
    images,
    import_failure,
    import_from,
    list_images,
    remove_image,
    upload,
)
from infra.errors import InfraError
from infra.provider import rules
from infra.provider.image_source import Source, md5
from infra.provider.mark import marks, visible
from infra.provider.property import Difference, Failure, Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State, kept
from infra.provider.values import holds_unknown

# What Glance adds to an image by itself; everything else on it that is no attribute is a custom property.
_ATTRIBUTES = frozenset(
    {
        "id", "name", "status", "visibility", "protected", "owner", "checksum", "os_hash_algo",
        "os_hash_value", "os_hidden", "size", "virtual_size", "min_disk", "min_ram",
        "container_format", "disk_format", "tags", "created_at", "updated_at", "file", "self",
        "schema", "direct_url", "locations", "stores",
    }
)  # fmt: skip
_GLANCES = "os_glance_"  # its own bookkeeping of imports
_SOURCE = ("localFilePath", "imageSourceUrl", "decompress")
"""What says which bytes the image has: a change of it is one only where the bytes differ."""
_CONTAINERS = ("bare", "ovf", "ova", "aki", "ari", "ami", "docker", "compressed")
_DISKS = ("raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi", "iso", "ploop", "aki", "ari", "ami")


class ImageBroken(InfraError):
    """What Glance holds is not what was uploaded; the image was removed, run again."""

    code = "image_broken"


def _url(value: Any) -> str | None:
    return None if str(value).startswith(("http://", "https://")) else "must begin with http:// or https://"


def _uuid(value: Any) -> str | None:
    try:
        UUID(value)
    except ValueError:
        return "must be a UUID"
    return None


def _glances(name: str) -> bool:
    """Whether an attribute is Glance's own, not a custom property."""
    return name in _ATTRIBUTES or name.startswith(_GLANCES)


def _custom(properties: Mapping[str, Any]) -> str | None:
    own = sorted(name for name in properties if _glances(name))
    return f"{', '.join(own)} cannot be given here: Glance's own" if own else None


class Image(Resource):
    """An interrupted upload leaves a marked image that is queued (uploaded now) or half written (made anew).

    Where the bytes come from may change (another path, another URL, `decompress`): as long as they are those
    that Glance has, nothing is replaced, and a URL is fetched to find that out. `decompress` concerns what is
    fetched here: neither local files nor what Glance fetches (`webDownload`).
    """

    type_name = "openstack:images/image:Image"
    seconds = 1800.0
    deletes_first = False
    properties = (
        Property("name", required=True, rule=rules.name),
        Property("containerFormat", required=True, replaces=True, rule=rules.one_of(*_CONTAINERS)),
        Property("diskFormat", required=True, replaces=True, rule=rules.one_of(*_DISKS)),
        Property("imageId", attribute="id", replaces=True, chosen_by_cloud=True, rule=_uuid),
        Property("localFilePath", replaces=True, kept=True),
        Property("imageSourceUrl", replaces=True, kept=True, rule=_url),
        Property("decompress", "boolean", replaces=True, kept=True),
        Property("imageCachePath", kept=True, chosen_by_cloud=True),
        Property("imageSourceUsername", kept=True),
        Property("imageSourcePassword", kept=True, secret=True),
        Property("webDownload", "boolean", kept=True),
        Property("verifyChecksum", "boolean", kept=True),
        Property("minDiskGb", "integer", "min_disk", default=0, rule=rules.at_least_zero),
        Property("minRamMb", "integer", "min_ram", default=0, rule=rules.at_least_zero),
        Property(
            "visibility", default="private", rule=rules.one_of("public", "private", "shared", "community")
        ),
        Property("protected", "boolean", default=False),
        Property("hidden", "boolean", "os_hidden", default=False),
        Property("properties", "map", rule=_custom),
        Property("tags", "strings", unordered=True),
        Property("checksum", output=True),
        Property("createdAt", output=True),
        Property("updatedAt", output=True),
        Property("file", output=True),
        Property("metadata", "map", output=True),
        Property("owner", output=True),
        Property("schema", output=True),
        Property("sizeBytes", "integer", "size", output=True),
        Property("status", output=True),
        REGION,
    )

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        if "localFilePath" in inputs and "imageSourceUrl" in inputs:
            yield "localFilePath", "give either localFilePath or imageSourceUrl"
        if inputs.get("webDownload") is True:
            if "imageSourceUrl" not in inputs:
                yield "imageSourceUrl", "required with webDownload: where Glance is to fetch the image"
            for name in ("verifyChecksum", "imageSourceUsername", "imageSourcePassword"):
                if name in inputs:
                    yield name, "cannot go with webDownload: Glance fetches the image, without a login"
        elif ("imageSourceUsername" in inputs) != ("imageSourcePassword" in inputs):
            yield "imageSourceUsername", "give imageSourceUsername and imageSourcePassword together"

    def mark(self, urn: str, inputs: Mapping[str, Any]) -> str:
        """The source is no part of it, for it may move, but for what only Glance ever sees."""
        kept_out = {
            "localFilePath",
            "decompress",
            *(() if inputs.get("webDownload") else ("imageSourceUrl",)),
        }
        return super().mark(urn, {name: value for name, value in inputs.items() if name not in kept_out})

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        custom = state.get("properties", {})  # with Glance's own, where the official provider wrote the state
        custom = {name: value for name, value in custom.items() if not _glances(name)}
        found = super().differences({**state, "properties": custom}, inputs)
        if inputs.get("verifyChecksum") in (None, True) and state.get("verifyChecksum") in (None, True):
            found = [item for item in found if item.name != "verifyChecksum"]
        if any(item.name in _SOURCE for item in found) and _same_bytes(state, inputs):
            found = [item for item in found if item.name not in _SOURCE]
        return found

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        make = self._fetched_by_glance if inputs.get("webDownload") else self._uploaded
        identity = make(context, inputs)
        image = self._active(context, identity, inputs["name"])
        state = {**self._state(image), **kept(self.properties, inputs)}
        stale = {item.name for item in self.differences(state, inputs) if not item.replaces}
        return identity, self.update(context, identity, state, inputs, stale) if stale else state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        image = images(context.cloud).look(identity)
        return None if image is None else {**self._state(image), **kept(self.properties, state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        image = find_image(context.cloud, identity)
        if image is None:
            raise NotFound(f"image {inputs['name']} ({identity}) is gone; refresh, then run again")
        body = self._body(inputs, next(iter(marks(image.get("tags", []))), ""))
        fixed = ("id", "container_format", "disk_format")
        sendable = {key: value for key, value in body.items() if image.get(key) != value and key not in fixed}
        dropped = frozenset(self._state(image)["properties"]) - frozenset(inputs.get("properties", {}))
        after = change_image(context.cloud, image, sendable, dropped)
        return {**self._state(after), **kept(self.properties, inputs)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        remove_image(context.cloud, identity)

    def _uploaded(self, context: Context, inputs: State) -> str:
        """The id of an image with all its bytes, sent now or before."""
        cloud = context.cloud
        with Source.of(inputs, cloud.credentials.cacert).bytes() as file:
            image = self._marked(context, file) or self._made(context, inputs)
            identity = str(image["id"])
            if image["status"] == "queued":
                try:
                    upload(cloud, identity, file)
                except Unavailable:
                    # The answer was lost; where the bytes have arrived it is of no account.
                    if (find_image(cloud, identity) or {}).get("status") not in ("saving", "active"):
                        raise
            image = self._active(context, identity, inputs["name"])
            verified = inputs.get("verifyChecksum", True) and image.get("checksum")
            if verified and image["checksum"] != md5(file):
                remove_image(cloud, identity)
                source = inputs.get("localFilePath") or inputs["imageSourceUrl"]
                raise ImageBroken(
                    f"Glance holds other bytes than {source}: image {inputs['name']} was removed; run again"
                )
        return identity

    def _fetched_by_glance(self, context: Context, inputs: State) -> str:
        """The id of an image that Glance fetches, or has fetched."""
        cloud, url = context.cloud, inputs["imageSourceUrl"]
        image = self._marked(context) or self._made(context, inputs)
        identity = str(image["id"])
        if image["status"] == "queued":
            try:
                import_from(cloud, identity, url)
            except (Conflict, Unavailable):
                # Either the request was heard though its answer was lost, or Glance is at it from before.
                if (find_image(cloud, identity) or {}).get("status") in (None, "queued"):
                    raise
        return identity

    def _made(self, context: Context, inputs: State) -> Thing:
        """A new image without bytes, or the one that a request whose answer was lost has made."""
        try:
            return create_image(context.cloud, self._body(inputs, context.mark))
        except Conflict:
            found = find_image(context.cloud, inputs.get("imageId", ""))
            raise NotOurs(
                f"the id {inputs.get('imageId')} is taken"
                + (": import that image, or choose another id" if found else
                   " for good: Glance gives the id of a removed image to no other; choose another one")
            ) from None  # fmt: skip
        except Unavailable:
            found = self._marked(context)
            if found is None:
                raise
            return found

    def _marked(self, context: Context, file: Path | None = None) -> Thing | None:
        """What an earlier create of this mark left, if it can be finished; what is half written is removed.

        One that is whole is ours only if it has the bytes of `file`: with others it is the image that is
        being replaced.
        """
        found = list_images(context.cloud, tag=context.mark, member_status="all")
        found += list_images(context.cloud, tag=context.mark, os_hidden="true")
        for image in found:
            status = image["status"]
            if status in ("saving", "uploading", "killed"):
                remove_image(context.cloud, str(image["id"]))
                continue
            whole = status == "active" and (file is None or image.get("checksum") == md5(file))
            if whole or status in ("queued", "importing"):
                return image
        return None

    def _active(self, context: Context, identity: str, name: str) -> Thing:
        seen: Thing = {}
        begun = False

        def look() -> Thing | None:
            nonlocal begun
            seen.clear()
            seen.update(find_image(context.cloud, identity) or {"status": "gone"})
            begun = begun or seen["status"] in ("importing", "saving", "uploading")
            if seen["status"] == "active":
                return seen
            failed = import_failure(context.cloud, identity) if seen["status"] == "queued" else None
            if failed is not None or seen["status"] in ("killed", "deleted", "gone"):
                remove_image(context.cloud, identity)
                raise WentWrong(
                    f"image {name} ({identity}) did not become active: "
                    + (f"Glance could not fetch it: {failed}" if failed else f"it is {seen['status']}")
                )
            if seen["status"] == "queued" and begun:
                raise Unavailable(f"Glance has dropped the bytes of image {name} ({identity}): run again")
            return None

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
            if not _glances(key) and isinstance(value, str | bool)
        }
        return {**shown, "metadata": {}, "properties": custom, "tags": visible(image.get("tags", []))}


def _same_bytes(state: State, inputs: Mapping[str, Any]) -> bool:
    """Whether the bytes that the inputs lead to are those that Glance has. What Glance fetches itself cannot
    be known here: an imported image is taken to be what it would fetch.
    """
    if any(holds_unknown(inputs.get(name)) for name in (*_SOURCE, "webDownload", "imageCachePath")):
        return False
    known = any(state.get(name) for name in _SOURCE)
    if inputs.get("webDownload"):
        return not known or state.get("imageSourceUrl") == inputs.get("imageSourceUrl")
    if not inputs.get("localFilePath") and not inputs.get("imageSourceUrl"):
        return True
    if state.get("localFilePath") and state.get("localFilePath") == inputs.get("localFilePath"):
        return True
    return bool(state.get("checksum")) and Source.of(inputs).md5() == state["checksum"]

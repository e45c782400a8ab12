"""The image that a server was made from. It may be renamed or deleted while the server lives on, and that is
no difference: what counts is the image that the program asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.image import find_image, list_images
from infra.provider.block_device import needs_image
from infra.provider.resource import State

_NO_NAME = ("", None, "Image not found")
_NO_ID = ("", None, "Attempt to boot from volume - no image supplied")
"""What stands in a state, ours or the official provider's, where there is no image to tell of."""


def id_of(cloud: Cloud, inputs: Mapping[str, Any]) -> str:
    """The id of the image that the inputs name; raises NotFound when it is not exactly one."""
    if inputs.get("imageId"):
        return str(inputs["imageId"])
    found = list_images(cloud, name=inputs["imageName"])
    if len(found) != 1:
        raise NotFound(f"{len(found)} images are named {inputs['imageName']}, not one: give imageId")
    return str(found[0]["id"])


def alike(present: Any, wanted: Any, state: State) -> bool:
    """Whether an image's id or name that is not equal is no difference: it cannot be told any more, or the
    server boots from other disks and takes no image."""
    return present in _NO_NAME or present in _NO_ID or not needs_image(state.get("blockDevices"))


def told(cloud: Cloud, server: Thing, known: State) -> State:
    """`imageId` and `imageName` of the server. The name is the one that it was asked for by, as long as the
    server has the same image."""
    identity = str((server.get("image") or {}).get("id") or "")
    if not identity:
        return {name: known.get(name) or "" for name in ("imageId", "imageName")}
    asked, name = known.get("imageId"), str(known.get("imageName") or "")
    if name in _NO_NAME or (asked and asked != identity):
        name = str((find_image(cloud, identity) or {}).get("name") or "")
    return {"imageId": identity, "imageName": name}

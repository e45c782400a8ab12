"""The conformance cases of the image types."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path

from tests.cloud.provider.case import Case, Ground, Inputs, State

IMAGE = "openstack:images/image:Image"
PROJECT = "openstack:identity/project:Project"


@cache
def folder() -> Path:
    """Where the files of cases are, for as long as this process lasts."""
    made = Path(tempfile.mkdtemp(prefix="image-cases-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def file(content: bytes) -> str:
    """A file with a hundred times this content, in a place of its own."""
    place = folder() / f"{uuid.uuid4().hex}.raw"
    place.write_bytes(content * 100)
    return str(place)


def image(ground: Ground) -> Inputs:
    return {
        "name": ground.name("image"), "containerFormat": "bare", "diskFormat": "raw",
        "localFilePath": file(b"one"), "properties": {"os_distro": "debian", "case": "1"}, "tags": ["b", "a"],
        "minRamMb": 64,
    }  # fmt: skip


def by_hand(ground: Ground, identity: str, state: State) -> object:
    return ground.cloud.service("image").request(
        "PATCH",
        f"/images/{identity}",
        json=[{"op": "add", "path": "/hand", "value": "1"}],
        headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
    )


def shared(ground: Ground) -> str:
    return str(ground.make(IMAGE, {**image(ground), "visibility": "shared"})["id"])


def another_project(ground: Ground) -> str:
    inputs = {"name": ground.name("project-2"), "domainId": ground.domain_id}
    return str(ground.once("project-2", PROJECT, inputs)["id"])


def refused(ground: Ground, identity: str, state: State) -> object:
    image_id, _, project_id = identity.partition("/")
    path = f"/images/{image_id}/members/{project_id}"
    return ground.cloud.service("image").request("PUT", path, json={"status": "rejected"})


CASES = (
    Case(
        IMAGE,
        image,
        update=lambda ground, inputs: {
            **inputs, "name": ground.name("image"), "properties": {"case": "2"}, "tags": ["c"],
            "hidden": True, "visibility": "community", "minDiskGb": 1, "imageCachePath": str(folder()),
        },
        replace=lambda ground, inputs: {**inputs, "localFilePath": file(b"two")},
        by_hand=by_hand,
        untold=("localFilePath", "imageCachePath"),
    ),
    Case(
        IMAGE,
        lambda ground: {**image(ground), "imageId": str(uuid.uuid4()), "hidden": True},
        update=lambda ground, inputs: {**inputs, "localFilePath": file(b"one"), "name": ground.name("moved")},
        replace=lambda ground, inputs: {**inputs, "diskFormat": "iso"},
        untold=("localFilePath",),
        label="with an id, hidden",
    ),
    Case(
        "openstack:images/imageAccess:ImageAccess",
        lambda ground: {"imageId": shared(ground), "memberId": ground.project_id},
        update=lambda ground, inputs: {**inputs, "status": "accepted"},
        replace=lambda ground, inputs: {**inputs, "memberId": another_project(ground)},
        by_hand=refused,
    ),
)  # fmt: skip

"""Glance: images with their bytes, their imports, and the projects that share them."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from tests.fakes.keystone import Refusal

if TYPE_CHECKING:
    from tests.fakes.openstack import FakeOpenStack

Answer = tuple[int, Any]


def answer(
    fake: FakeOpenStack, method: str, parts: list[str], params: dict[str, str], body: Any, scope: str
) -> Answer:
    """What Glance says to a call."""
    images = fake.kind("images")
    if len(parts) == 1:
        return _made(fake, body, scope) if method == "POST" else _listed(images, params)
    image = images[parts[1]]
    if parts[-1] == "file":
        return _stored(fake, image, body if isinstance(body, bytes) else body.read())
    if parts[-1] == "import":
        return _import(fake, image, body["method"])
    if parts[-1] == "tasks":
        return 200, {"tasks": fake.tasks.get(parts[1], [])}
    if parts[2:3] == ["members"]:
        return _member(fake, method, image, parts, body)
    if method == "PATCH":
        for step in body:
            if step["op"] == "remove":
                del image[step["path"][1:]]
            else:
                image[step["path"][1:]] = step["value"]
    if method == "DELETE":
        if image.get("protected"):
            raise Refusal(403, f"Image {image['id']} is protected and cannot be deleted.")
        fake.used_ids.add(image["id"])
        del images[parts[1]]
        return 204, None
    return 200, image


def _made(fake: FakeOpenStack, body: dict[str, Any], scope: str) -> Answer:
    image = {
        "id": str(uuid.uuid4()), "checksum": None, "size": None, "tags": [], "os_hash_algo": "sha512",
        "created_at": "2026-11-24T00:00:00Z", "updated_at": "2026-11-24T00:00:00Z", "owner": scope,
        "min_disk": 0, "min_ram": 0, "protected": False, "os_hidden": False, "visibility": "shared",
        "schema": "/v2/schemas/image", **body, "status": "queued",
    }  # fmt: skip
    if image["id"] in fake.kind("images").keys() | fake.used_ids:
        raise Refusal(409, f"Image ID {image['id']} already exists!")
    image["file"] = f"/v2/images/{image['id']}/file"
    fake.kind("images")[image["id"]] = image
    return 201, image


def _listed(images: dict[str, dict[str, Any]], params: dict[str, str]) -> Answer:
    hidden = str(params.get("os_hidden", "")).lower() == "true"
    found = []
    for image in images.values():
        filters = {
            key: value for key, value in params.items() if key not in ("os_hidden", "limit", "member_status")
        }
        tag = filters.pop("tag", None)
        fits = all(str(image.get(key)) == value for key, value in filters.items())
        if fits and bool(image.get("os_hidden")) == hidden and tag in (None, *image.get("tags", [])):
            found.append(image)
    return 200, {"images": found}


def _stored(fake: FakeOpenStack, image: dict[str, Any], data: bytes) -> Answer:
    if image["status"] != "queued":
        raise Refusal(409, f"Image status transition from {image['status']} to saving is not allowed")
    fake.bytes_of[image["id"]] = data
    checksum = hashlib.md5(data).hexdigest()
    image.update({"status": "active", "size": len(data), "checksum": checksum})
    return 204, None


def _import(fake: FakeOpenStack, image: dict[str, Any], method: dict[str, str]) -> Answer:
    """Fetches at once what `fake.web` has; what it has not fails, which only the task says."""
    if image["status"] != "queued":
        raise Refusal(409, "Image needs to be in 'queued' state to use 'web-download' method")
    data = fake.web.get(method["uri"])
    task = {"status": "success", "message": "", "created_at": f"{len(fake.calls):06}"}
    if data is None:
        task |= {"status": "failure", "message": f"Failed to fetch {method['uri']}: 404"}
    else:
        _stored(fake, image, data)
        image["os_glance_import_task"] = ""
    fake.tasks.setdefault(image["id"], []).append(task)
    return 202, None


def _member(fake: FakeOpenStack, method: str, image: dict[str, Any], parts: list[str], body: Any) -> Answer:
    if image.get("visibility") != "shared":
        raise Refusal(403, "Only shared images have members.")
    held = fake.shares.setdefault(image["id"], {})
    if method == "POST":
        project = body["member"]
        if project in held:
            raise Refusal(409, f"Image member {project} already exists for image {image['id']}")
        held[project] = {
            "image_id": image["id"], "member_id": project, "status": "pending",
            "schema": "/v2/schemas/member", "created_at": "2026-11-24T00:00:00Z",
            "updated_at": "2026-11-24T00:00:00Z",
        }  # fmt: skip
        return 200, held[project]
    if len(parts) == 3:
        return 200, {"members": [*held.values()]}
    member = held[parts[3]]
    if method == "PUT":
        member["status"] = body["status"]
    if method == "DELETE":
        del held[parts[3]]
        return 204, None
    return 200, member

"""The fake cloud with what an off-boarding needs beside: volumes, snapshots, disks as images, credentials,
and a way to be killed at any call.
"""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.cloud.errors import NotFound, Unavailable
from tests.fakes.openstack import Answer, FakeOpenStack, Rejected

_PLURALS = {
    "volumes": "volume", "snapshots": "snapshot", "backups": "backup", "groups": "group",
    "group_snapshots": "group_snapshot", "os-volume-transfer": "transfer",
}  # fmt: skip
_FOR_EVERYONE = ("all_tenants", "all_projects", "visibility", "os_hidden", "is_public")
_QUOTA_DEFAULTS = {
    "compute": {"instances": 10},
    "volume": {"volumes": 10, "snapshots": 10, "gigabytes": 1000},
}


class Killed(BaseException):
    """kill -9, as the code under test sees it: not at all."""


@dataclass
class DiskOpenStack(FakeOpenStack):
    """`kill_at` numbers the writing call (from 1) at which the process dies, `kill_after` whether the cloud
    had done it by then; `writes` counts them. To die at a call that only reads is to die after the last that
    wrote. `hidden_failure` is a disk of which the cloud says that it makes an image, and does not. What a
    disk holds is its id, many times over.
    """

    kill_at: int = 0
    kill_after: bool = False
    writes: int = 0
    hidden_failure: str = ""

    def handle(
        self, service: str, method: str, path: str, params: dict[str, str], body: Any, scope: str = ""
    ) -> Answer:
        with self.lock:  # threads come one after the other, each call with a number of its own
            self.writes += method != "GET"
            dies = method != "GET" and self.writes == self.kill_at
            if dies and not self.kill_after:
                raise Killed
            answer = super().handle(service, method, path, params, body, scope)
            if dies:
                raise Killed
            return answer

    def _answer(
        self, service: str, method: str, path: str, params: dict[str, str], body: Any, scope: str
    ) -> Answer:
        given = {key: value for key, value in params.items() if key not in _FOR_EVERYONE}
        parts = path.strip("/").split("/")
        mine = getattr(self, f"_my_{service}", None)
        answer = mine(method, parts, params, body) if mine else None
        if answer is not None:
            return copy.deepcopy(answer)
        return super()._answer(service, method, path, given, body, scope)

    def _my_identity(self, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
        if parts == ["services"]:
            kinds = ("identity", "compute", "network", "image", "block-storage", "placement")
            return 200, {"services": [{"type": kind} for kind in kinds]}
        if parts == ["role_assignments"]:
            return 200, {"role_assignments": [_assignment(key) for key in sorted(self.assignments)]}
        if len(parts) >= 3 and parts[2] == "application_credentials":
            held = self.kind("application_credentials")
            if method == "DELETE":
                del held[parts[3]]
                return 204, None
            return 200, {"application_credentials": [x for x in held.values() if x["user_id"] == parts[1]]}
        return None

    def _my_compute(self, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
        if parts[0] == "os-quota-sets":
            return self._quota_set("compute", method, parts, body)
        if parts == ["os-server-groups"]:
            return 200, {"server_groups": []}
        if len(parts) == 4 and parts[2] == "os-volume_attachments":
            volume = self.kind("volumes")[parts[3]]
            volume.update(attachments=[], status="available")
            return 202, None
        if len(parts) == 3 and parts[2] == "os-volume_attachments":
            values = body["volumeAttachment"]
            self.attach(parts[1], values["volumeId"], values["device"])
            return 200, {"volumeAttachment": values}
        if method == "DELETE" and parts[0] == "servers" and len(parts) == 2:
            for volume in self.kind("volumes").values():
                if any(one["server_id"] == parts[1] for one in volume["attachments"]):
                    volume.update(attachments=[], status="available")
        if len(parts) == 3 and parts[2] == "action" and "createImage" in body:
            server = self.kind("servers")[parts[1]]
            if server["status"] != "SHUTOFF":
                raise Rejected(409, "the server runs")
            if self.hidden_failure != parts[1]:
                self.image_of(parts[1], body["createImage"]["name"])
                server["OS-EXT-STS:task_state"] = "image_uploading"
            return 202, {"image_id": "x"}
        return None

    def _my_volume(self, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
        if parts[0] == "os-quota-sets":
            return self._quota_set("volume", method, parts, body)
        if parts[0] == "types":
            return 200, {"volume_types": []}
        singular = _PLURALS[parts[0]]
        held = self.kind(parts[0])
        if parts[-1] == "detail":
            return 200, {
                (parts[0] if parts[0] in _PLURALS and singular != "transfer" else "transfers"): [
                    *held.values()
                ]
            }
        if method == "POST" and len(parts) == 1:
            thing = {"id": uuid.uuid4().hex, "status": "creating", "attachments": [], **body[singular]}
            thing["project_id"] = self.project_id
            if singular == "volume":
                self.bytes_of[thing["id"]] = self.bytes_of[thing["snapshot_id"]]
            else:
                volume = self.kind("volumes")[thing["volume_id"]]
                thing["size"] = volume["size"]
                self.bytes_of[thing["id"]] = self.bytes_of[volume["id"]]
            held[thing["id"]] = thing
            return 202, {singular: thing}
        thing = held[parts[1]]
        if parts[-1] == "action":
            if thing["status"] != "available":
                raise Rejected(400, "Invalid volume: Volume status must be available")
            action = body["os-volume_upload_image"]
            thing["status"] = "uploading"
            if self.hidden_failure != parts[1]:
                self.image_of(parts[1], action["image_name"])
            return 202, {"os-volume_upload_image": {"image_id": "x"}}
        if method == "DELETE":
            used = [x for x in self.kind("snapshots").values() if x["volume_id"] == parts[1]]
            if singular == "volume" and (thing["status"] == "in-use" or used):
                raise Rejected(400, "Invalid volume: Volume must not be attached or have snapshots")
            del held[parts[1]]
            return 202, None
        told = copy.deepcopy(thing)
        if thing["status"] in ("creating", "uploading"):
            thing["status"] = "available"
        return 200, {singular: told}

    def _my_image(self, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
        if parts == ["metadefs", "namespaces"]:
            return 200, {"namespaces": []}
        if method == "GET" and len(parts) == 1 and params.get("os_hidden") == "true":
            return 200, {"images": []}
        if method == "GET" and parts[-1] == "file":
            return 200, self.bytes_of[parts[1]]
        if len(parts) == 3 and parts[2] == "members":
            return 200, {"members": []}
        if method == "GET" and len(parts) == 1:
            found = [
                image
                for image in self.kind("images").values()
                if params.get("name") in (None, image["name"])
                and params.get("tag") in (None, *image.get("tags", []))
            ]
            told = copy.deepcopy(found)
            for image in [x for x in found if x["status"] == "saving" and "disk" in x]:
                image["status"] = "active"
                if image["disk"] in self.kind("servers"):
                    self.kind("servers")[image["disk"]]["OS-EXT-STS:task_state"] = None
            return 200, {"images": told}
        if method == "DELETE" and self.kind("images")[parts[1]].get("protected"):
            raise Rejected(403, "Image is protected and cannot be deleted.")
        return None

    def _my_placement(self, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
        return 200, {"usages": {}}

    def _my_network(self, method: str, parts: list[str], params: dict[str, str], body: Any) -> Any:
        if parts == ["quotas"]:
            rows = [key for key in self.quotas if key[0] == "network"]
            return 200, {"quotas": [{"project_id": project} for _, project in rows]}
        if method == "DELETE" and parts[0] == "security-groups":
            for port in self.kind("ports").values():
                if parts[1] in port.get("security_groups", ()):
                    raise Rejected(409, f"Security Group {parts[1]} in use.")
        return None

    def _quota_set(self, service: str, method: str, parts: list[str], body: Any) -> Answer:
        usual = _QUOTA_DEFAULTS[service]
        held = self.quotas.get((service, parts[1]), {})
        if method == "PUT":
            self.quotas[service, parts[1]] = {**held, **body["quota_set"]}
        if method == "DELETE":
            self.quotas.pop((service, parts[1]), None)
            return 202, None
        if parts[-1] == "defaults":
            return 200, {"quota_set": usual}
        limits = {**usual, **self.quotas.get((service, parts[1]), {})}
        if "?usage" in parts[-1]:
            return 200, {"quota_set": {name: {"limit": limit, "in_use": 0} for name, limit in limits.items()}}
        return 200, {"quota_set": {"id": parts[1], **limits}}

    def make_volume(self, name: str, project: str, size: int = 1) -> str:
        identity = uuid.uuid4().hex
        self.kind("volumes")[identity] = {
            "id": identity, "name": name, "size": size, "status": "available", "attachments": [],
            "os-vol-tenant-attr:tenant_id": project, "project_id": project,
        }  # fmt: skip
        self.bytes_of[identity] = identity.encode() * 1000
        return identity

    def make_image(self, name: str, owner: str, data: bytes, **more: Any) -> str:
        identity = uuid.uuid4().hex
        self.bytes_of[identity] = data
        self.kind("images")[identity] = {
            "id": identity, "name": name, "owner": owner, "status": "active", "size": len(data), "tags": [],
            "os_hash_algo": "sha512", "os_hash_value": hashlib.sha512(data).hexdigest(),
            "disk_format": "qcow2", "visibility": "private", "protected": False, **more,
        }  # fmt: skip
        return identity

    def image_of(self, disk: str, name: str) -> str:
        """The image that the cloud makes of a disk: there at once, with its bytes a little later."""
        return self.make_image(name, self.project_id, self.bytes_of[disk], status="saving", disk=disk)

    def attach(self, server: str, volume: str, device: str) -> None:
        attachment = {"server_id": server, "device": device}
        self.kind("volumes")[volume].update(status="in-use", attachments=[attachment])


class FakeImageData:
    """`infra.cloud.image_data.ImageData` over the fake; `cuts` are the bytes after which a stream breaks, one
    for each stream; `kill_at` numbers the piece (from 1) before which the process dies."""

    def __init__(self, fake: DiskOpenStack, cuts: list[int] | None = None) -> None:
        self._fake = fake
        self.cuts = cuts or []
        self.starts: list[int] = []
        self.pieces = 0
        self.kill_at = 0

    def chunks(self, identity: str, start: int = 0) -> Iterator[bytes]:
        self.starts.append(start)
        if identity not in self._fake.kind("images"):
            raise NotFound(f"image {identity}")
        data = self._fake.bytes_of[identity][start:]
        cut = self.cuts.pop(0) if self.cuts else len(data)
        for place in range(0, min(cut, len(data)), 4096):
            self.pieces += 1
            if self.pieces == self.kill_at:
                raise Killed
            yield data[place : min(place + 4096, cut)]
        if cut < len(data):
            raise Unavailable("the stream was cut")


def _assignment(key: str) -> dict[str, Any]:
    """`projects/P/users/U/roles/R` as a list shows it."""
    place, where, holder, who, _, role = key.split("/")
    return {
        "role": {"id": role},
        "scope": {place.removesuffix("s"): {"id": where}},
        holder.removesuffix("s"): {"id": who},
    }

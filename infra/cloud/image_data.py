"""The bytes of a Glance image, streamed, from any place in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from infra.cloud.connection import Cloud
from infra.cloud.errors import Unavailable
from infra.cloud.service import SessionService, failure

CHUNK = 4 * 1024 * 1024
SILENCE_SECONDS = 120.0
"""How long no byte may come before the stream counts as cut."""


class ImageData(Protocol):
    """Reads images' bytes."""

    def chunks(self, identity: str, start: int = 0) -> Iterator[bytes]:
        """The bytes from `start` on, in order. Raises CloudError; Unavailable where going on from the last
        byte may help."""


class CloudImageData:
    """The real one. Glance answers a Range with 206; one that does not is read from its beginning."""

    def __init__(self, cloud: Cloud) -> None:
        self._stream = _Stream(cloud, "image", service_type="image", microversion="", prefix="/v2")

    def chunks(self, identity: str, start: int = 0) -> Iterator[bytes]:
        import requests

        path = f"/images/{identity}/file"
        answer = self._stream.open(path, start)
        skip = start if answer.status_code == 200 else 0
        try:
            for chunk in answer.iter_content(CHUNK):
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                yield chunk[skip:]
                skip = 0
        except requests.RequestException as cut:
            raise Unavailable(f"GET image {path}: the stream was cut: {cut}") from cut
        finally:
            answer.close()


class _Stream(SessionService):
    """The image service, asked for a body that is read as it comes."""

    def open(self, path: str, start: int) -> Any:
        """The answer, from status 400 on as an error."""
        call = f"GET image {path}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        headers["Accept"] = "application/octet-stream"
        answer = self._send(call, "GET", path, headers=headers, stream=True, timeout=SILENCE_SECONDS)
        if answer.status_code >= 400:
            said = answer.text
            answer.close()
            raise failure(call, answer.status_code, said)
        return answer

"""The URL of a backend of stacks' states, as Pulumi has it, without passwords."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from infra.inventory.value import refuse

_BACKENDS = ("file", "postgres", "s3", "azblob", "gs")


def _backend(value: str) -> str:
    parts = urlsplit(value)
    way_out = (
        "write it like postgres://citycloud@db.example/pulumi, s3://bucket?region=R, or file:///srv/pulumi"
    )
    if parts.scheme not in _BACKENDS or not (parts.netloc or parts.path):
        raise refuse(f"is not the URL of a state backend ({', '.join(_BACKENDS)})", way_out)
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise refuse("is not an absolute path on this machine", "write it like file:///srv/pulumi")
    if parts.password is not None or any(word in parts.query.lower() for word in ("password", "secret")):
        way_out = "set PGPASSWORD, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the environment instead"
        raise refuse("has a password in it", way_out)
    return value


StateBackend = Annotated[str, AfterValidator(_backend)]

"""Where the bytes of an image come from: a file here, or a URL that is fetched once and kept.

What was fetched stays in the folder `imageCachePath`, as it came; the server is asked each time whether it
has something newer. What is unpacked (`decompress`) is known by its first bytes, not by what a server calls
it; something that is not packed stays as it is.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from infra.errors import InfraError

_SECONDS = 60  # that a server may be silent
_CACHE = ".terraform/image_cache"  # the official provider's, below the home directory


class ImageFileMissing(InfraError):
    """The file of an image is not there; run `citycloud depot build`, or correct its path."""

    code = "image_file_missing"


class ImageNotFetched(InfraError):
    """The image cannot be fetched from its URL; the message says why. An authority of one's own is named in
    SSL_CERT_FILE.
    """

    code = "image_not_fetched"


@dataclass(frozen=True)
class Source:
    """`file` or `url` is not empty. `password` is for basic authentication and goes to the URL's own host
    only; `cacert` is a PEM bundle, "" for the system's.
    """

    file: str = ""
    url: str = ""
    cache: Path = field(default_factory=lambda: Path.home() / _CACHE)
    username: str = ""
    password: str = field(default="", repr=False)
    decompress: bool = False
    cacert: str = ""

    @classmethod
    def of(cls, inputs: Mapping[str, Any], cacert: str = "") -> Source:
        """The source that an image's inputs name; raises ImageFileMissing when they name none."""
        if not inputs.get("localFilePath") and not inputs.get("imageSourceUrl"):
            raise ImageFileMissing(
                f"image {inputs.get('name')} has no source: give localFilePath or imageSourceUrl"
            )
        cache = {"cache": Path(inputs["imageCachePath"])} if inputs.get("imageCachePath") else {}
        return cls(
            file=inputs.get("localFilePath", ""),
            url=inputs.get("imageSourceUrl", ""),
            username=inputs.get("imageSourceUsername", ""),
            password=inputs.get("imageSourcePassword", ""),
            decompress=bool(inputs.get("decompress")),
            cacert=cacert,
            **cache,
        )

    @contextmanager
    def bytes(self) -> Iterator[Path]:
        """The file with the bytes to upload, there as long as this lasts."""
        if self.file:
            file = Path(self.file)
            if not file.is_file():
                raise ImageFileMissing(f"{file}, the file of an image, is not there")
            yield file
            return
        fetched = _fetched(self)
        unpack = _unpacker(fetched) if self.decompress else None
        if unpack is None:
            yield fetched
            return
        with tempfile.NamedTemporaryFile(dir=self.cache, suffix=".plain") as plain:
            with unpack(fetched) as packed:
                try:
                    shutil.copyfileobj(packed, plain, 1 << 20)
                except (OSError, EOFError, lzma.LZMAError) as broken:
                    raise ImageNotFetched(f"{self.url} cannot be unpacked: {broken}") from broken
            plain.flush()
            yield Path(plain.name)

    def md5(self) -> str:
        """Glance's own checksum of the bytes."""
        with self.bytes() as file:
            return md5(file)


def md5(file: Path) -> str:
    """Glance's own checksum of a file; about 0.6 GB/s."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unpacker(file: Path) -> Callable[[Path], Any] | None:
    """What opens the file unpacked, by its first bytes; None for what is not packed."""
    with file.open("rb") as stream:
        first = stream.read(6)
    known: dict[bytes, Callable[[Path], Any]] = {
        b"\x1f\x8b": gzip.open,
        b"BZh": bz2.open,
        b"\xfd7zXZ\x00": lzma.open,
        b"\x28\xb5\x2f\xfd": _open_zstd,
    }
    return next((opened for magic, opened in known.items() if first.startswith(magic)), None)


def _open_zstd(file: Path) -> Any:
    import zstandard

    return zstandard.open(file, "rb")


def _fetched(source: Source) -> Path:
    """The file in the cache, fetched unless the server has nothing newer than it."""
    source.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = source.cache / (hashlib.sha256(source.url.encode()).hexdigest()[:32] + ".download")
    request = urllib.request.Request(source.url)  # noqa: S310  (the rule of imageSourceUrl lets only http pass)
    if source.username:
        login = b64encode(f"{source.username}:{source.password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {login}")
    if place.exists():
        request.add_header("If-Modified-Since", _http_date(place.stat().st_mtime))
    try:
        with _opener(source).open(request, timeout=_SECONDS) as answer:
            return _kept(answer, answer.headers, place)
    except urllib.error.HTTPError as said:
        if said.code == 304:
            return place
        raise ImageNotFetched(f"{_shown(source.url)} answers {said.code} {said.reason}") from said
    except OSError as failed:
        raise ImageNotFetched(f"{_shown(source.url)} cannot be fetched: {failed}") from failed


def _kept(answer: IO[bytes], headers: HTTPMessage, place: Path) -> Path:
    """The answer in its place, all of it or nothing, dated as the server dates it."""
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as part:
        try:
            shutil.copyfileobj(answer, part, 1 << 20)
            part.flush()
            _check_whole(headers.get("Content-Length"), part.tell())
            changed = headers.get("Last-Modified")
            if changed:
                with suppress(ValueError):
                    moment = parsedate_to_datetime(changed).timestamp()
                    os.utime(part.name, (moment, moment))
            Path(part.name).replace(place)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    return place


def _check_whole(told: str | None, got: int) -> None:
    if told is not None and int(told) != got:
        raise OSError(f"{got} of {told} bytes came")


def _opener(source: Source) -> urllib.request.OpenerDirector:
    trusted = ssl.create_default_context()
    if source.cacert:
        trusted.load_verify_locations(source.cacert)
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted))


def _http_date(moment: float) -> str:
    from email.utils import formatdate

    return formatdate(moment, usegmt=True)


def _shown(url: str) -> str:
    """A URL without a login or a signature in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

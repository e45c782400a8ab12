"""Images from files, from URLs, and fetched by Glance; what counts as the same bytes; who shares them."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import zstandard

from infra.cloud.errors import Refused, Unavailable, WentWrong
from infra.provider.image_source import ImageFileMissing, ImageNotFetched
from infra.provider.registry import resource
from infra.provider.resource import Context, ImportRefused, NotOurs, Resource
from infra.provider.values import UNKNOWN
from tests.cloud.provider.case import Ground, fake_ground
from tests.fakes.openstack import FakeOpenStack

Contexts = Callable[..., Context]
MARK = "pulumi:" + "b" * 24
PLAIN = b"an image" * 1000
URL = "https://images.example/debian.raw"
FORMATS = {"containerFormat": "bare", "diskFormat": "raw"}


def kind(short: str = "image:Image") -> Resource:
    return resource(f"openstack:images/{short}")


def checked(inputs: dict[str, Any], short: str = "image:Image") -> dict[str, Any]:
    values, failures = kind(short).check(inputs)
    assert not failures
    return values


def make(context: Context, short: str = "image:Image", **inputs: Any) -> tuple[str, dict[str, Any]]:
    return kind(short).create(context, checked(inputs, short))


def changes(state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, bool]:
    return {item.name: item.replaces for item in kind().differences(state, checked(inputs))}


class Web:
    """What `urllib` finds; `asked` are the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[urllib.request.Request] = []
        self.cut = 0  # bytes that are lost on the way

    def open(self, request: urllib.request.Request, timeout: float) -> Any:
        self.asked.append(request)
        headers = Message()
        if request.full_url not in self.pages:
            raise urllib.error.HTTPError(request.full_url, 404, "Not Found", headers, None)
        if request.get_header("If-modified-since"):
            raise urllib.error.HTTPError(request.full_url, 304, "Not Modified", headers, None)
        data = self.pages[request.full_url]
        answer = io.BytesIO(data[: len(data) - self.cut])
        headers["Content-Length"] = str(len(data))
        headers["Last-Modified"] = "Mon, 01 Jan 2024 00:00:00 GMT"
        answer.headers = headers  # type: ignore[attr-defined]
        return answer


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    found = Web()
    monkeypatch.setattr(urllib.request, "build_opener", lambda *handlers: found)
    return found


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    """Of an image from a file."""
    (tmp_path / "image.raw").write_bytes(PLAIN)
    return {"name": "debian", **FORMATS, "localFilePath": str(tmp_path / "image.raw")}


@pytest.fixture
def fetched(tmp_path: Path, web: Web) -> dict[str, Any]:
    """Of an image from a URL."""
    web.pages[URL] = PLAIN
    return {"name": "debian", **FORMATS, "imageSourceUrl": URL, "imageCachePath": str(tmp_path / "cache")}


@pytest.fixture
def ground(fake: FakeOpenStack) -> Ground:
    return fake_ground(fake)


class TestFile:
    @pytest.mark.parametrize("decompress", [True, False])
    def test_to_say_decompress_of_a_file_replaces_nothing(
        self, context: Contexts, inputs: dict[str, Any], decompress: bool
    ) -> None:
        _, state = make(context(), **inputs, decompress=not decompress)
        assert changes(state, {**inputs, "decompress": decompress}) == {}

    def test_a_file_given_after_an_import_replaces_only_if_its_bytes_are_others(
        self, context: Contexts, inputs: dict[str, Any], tmp_path: Path
    ) -> None:
        identity, _ = make(context(), **inputs)
        imported = kind().read(context(), identity, {})
        assert imported is not None
        written = kind().importable_inputs(imported)
        assert kind().check(written)[1] == []
        assert changes(imported, {**written, "localFilePath": inputs["localFilePath"]}) == {}
        (tmp_path / "other").write_bytes(b"other")
        other = str(tmp_path / "other")
        assert changes(imported, {**written, "localFilePath": other}) == {"localFilePath": True}

    def test_the_image_that_is_replaced_is_not_taken_for_its_successor(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any], tmp_path: Path
    ) -> None:
        first, _ = make(context(), **inputs)
        (tmp_path / "newer").write_bytes(b"newer")
        second, state = make(context(), **{**inputs, "localFilePath": str(tmp_path / "newer")})
        assert first != second
        assert set(fake.kind("images")) == {first, second}
        assert state["sizeBytes"] == 5
        assert make(context(), **{**inputs, "localFilePath": str(tmp_path / "newer")})[0] == second

    def test_a_hidden_image_is_taken_over_too(self, context: Contexts, inputs: dict[str, Any]) -> None:
        assert make(context(), **inputs, hidden=True)[0] == make(context(), **inputs, hidden=True)[0]

    def test_without_a_source_nothing_is_made(self, context: Contexts, fake: FakeOpenStack) -> None:
        with pytest.raises(ImageFileMissing, match="give localFilePath or imageSourceUrl"):
            make(context(), name="debian", **FORMATS)
        assert not fake.kind("images")

    def test_a_lost_answer_to_the_create_does_not_make_a_second_image(
        self, context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
    ) -> None:
        answer = fake.handle

        def lose(service: str, method: str, path: str, *rest: Any) -> Any:
            told = answer(service, method, path, *rest)
            return (503, {"error": {"message": "lost"}}) if method in ("POST", "PUT") else told

        fake.handle = lose  # type: ignore[method-assign]
        identity, state = make(context(), **inputs)
        assert list(fake.kind("images")) == [identity]
        assert state["status"] == "active"


def test_an_id_is_taken_over_by_its_mark_and_never_used_again(
    context: Contexts, fake: FakeOpenStack, inputs: dict[str, Any]
) -> None:
    chosen = "11111111-2222-4333-8444-555555555555"
    identity, state = make(context(), **inputs, imageId=chosen)
    assert (identity, state["imageId"]) == (chosen, chosen)
    assert make(context(), **inputs, imageId=chosen)[0] == chosen
    with pytest.raises(NotOurs, match="import that image"):
        make(context(MARK), **inputs, imageId=chosen)
    kind().delete(context(), identity, state)
    with pytest.raises(NotOurs, match="for good"):
        make(context(), **inputs, imageId=chosen)


class TestUrl:
    def test_what_was_fetched_is_kept_and_asked_for_again_only_if_newer(
        self, context: Contexts, web: Web, fetched: dict[str, Any]
    ) -> None:
        _, state = make(context(), **fetched)
        assert state["sizeBytes"] == len(PLAIN)
        make(context(MARK), **fetched)
        assert [bool(one.get_header("If-modified-since")) for one in web.asked] == [False, True]

    def test_the_login_is_kept_from_other_hosts_and_from_what_is_printed(
        self, context: Contexts, web: Web, fetched: dict[str, Any]
    ) -> None:
        make(context(), **fetched, imageSourceUsername="me", imageSourcePassword="hush")
        assert web.asked[0].unredirected_hdrs["Authorization"].startswith("Basic ")
        assert "Authorization" not in web.asked[0].headers
        assert "imageSourcePassword" in kind().secrets

    @pytest.mark.parametrize(
        "pack",
        [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress, lambda data: data],
        ids=["gzip", "bzip2", "xz", "zstd", "not packed"],
    )
    def test_it_is_unpacked_by_what_it_is(
        self, context: Contexts, fake: FakeOpenStack, web: Web, fetched: dict[str, Any], pack: Any
    ) -> None:
        web.pages[URL] = pack(PLAIN)
        identity, _ = make(context(), **fetched, decompress=True)
        assert fake.bytes_of[identity] == PLAIN

    def test_decompress_replaces_only_where_it_makes_other_bytes(
        self, context: Contexts, web: Web, fetched: dict[str, Any]
    ) -> None:
        _, state = make(context(), **fetched)
        assert changes(state, {**fetched, "decompress": True}) == {}
        web.pages[URL + ".gz"] = gzip.compress(PLAIN)
        packed = {**fetched, "imageSourceUrl": URL + ".gz"}
        assert changes(state, {**packed, "decompress": True}) == {}
        assert changes(state, packed) == {"imageSourceUrl": True}

    def test_half_an_answer_is_no_image(
        self, context: Contexts, fake: FakeOpenStack, web: Web, fetched: dict[str, Any]
    ) -> None:
        web.cut = 10
        with pytest.raises(ImageNotFetched, match=f"{len(PLAIN) - 10} of {len(PLAIN)} bytes came"):
            make(context(), **fetched)
        assert not [*Path(fetched["imageCachePath"]).iterdir()]
        assert not fake.kind("images")

    def test_a_broken_packing_is_named(self, context: Contexts, web: Web, fetched: dict[str, Any]) -> None:
        web.pages[URL] = gzip.compress(PLAIN)[:-20]
        with pytest.raises(ImageNotFetched, match="cannot be unpacked"):
            make(context(), **fetched, decompress=True)
        assert [one.suffix for one in Path(fetched["imageCachePath"]).iterdir()] == [".download"]

    def test_a_url_that_leads_nowhere_is_named_without_its_login(
        self, context: Contexts, fetched: dict[str, Any]
    ) -> None:
        elsewhere = {**fetched, "imageSourceUrl": "https://me:hush@images.example/gone?signature=hush"}
        with pytest.raises(ImageNotFetched, match=r"https://images\.example/gone answers 404") as failed:
            make(context(), **elsewhere)
        assert "hush" not in str(failed.value)

    def test_a_source_that_is_not_known_yet_is_a_change(
        self, context: Contexts, inputs: dict[str, Any]
    ) -> None:
        _, state = make(context(), **inputs)
        assert changes(state, {"name": "debian", **FORMATS, "imageSourceUrl": UNKNOWN})["imageSourceUrl"]


class TestWebDownload:
    GIVEN = {"name": "debian", **FORMATS, "imageSourceUrl": URL, "webDownload": True}  # noqa: RUF012

    def test_glance_fetches_the_image(self, context: Contexts, fake: FakeOpenStack) -> None:
        fake.web[URL] = PLAIN
        identity, state = make(context(), **self.GIVEN)
        assert (state["status"], state["properties"]) == ("active", {})
        assert make(context(), **self.GIVEN)[0] == identity
        assert changes(state, self.GIVEN) == {}
        assert changes(state, {**self.GIVEN, "imageSourceUrl": URL + "2"}) == {"imageSourceUrl": True}

    def test_another_url_is_another_image(self, context: Contexts, fake: FakeOpenStack) -> None:
        marks = {kind().mark("urn", {**self.GIVEN, "imageSourceUrl": URL + end}) for end in ("", "2")}
        assert len(marks) == 2

    def test_why_glance_could_not_fetch_it_is_told_and_nothing_is_left(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        with pytest.raises(WentWrong, match="Glance could not fetch it: Failed to fetch"):
            make(context(), **self.GIVEN)
        assert not fake.kind("images")

    def test_a_lost_answer_to_the_import_is_looked_after(
        self, context: Contexts, fake: FakeOpenStack
    ) -> None:
        fake.fail("POST", "/import$", 503)
        with pytest.raises(Unavailable):
            make(context(), **self.GIVEN)
        fake.web[URL] = PLAIN
        make(context(), **self.GIVEN)
        assert len(fake.kind("images")) == 1


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"localFilePath": "x", "imageSourceUrl": URL}, "localFilePath"),
        ({"webDownload": True}, "imageSourceUrl"),
        ({"webDownload": True, "imageSourceUrl": URL, "verifyChecksum": True}, "verifyChecksum"),
        ({"imageSourceUrl": URL, "imageSourceUsername": "me"}, "imageSourceUsername"),
        ({"imageSourceUrl": "file:///etc/passwd"}, "imageSourceUrl"),
        ({"imageId": "mine"}, "imageId"),
        ({"properties": {"owner": "me"}}, "properties"),
        ({"properties": {"os_glance_import_task": "me"}}, "properties"),
        ({"diskFormat": "floppy"}, "diskFormat"),
    ],
)
def test_inputs_that_cannot_go_together_are_refused(more: dict[str, Any], path: str) -> None:
    _, failures = kind().check({"name": "debian", **FORMATS, **more})
    assert [where for where, _ in failures] == [path]


def test_to_write_out_the_default_of_the_checksum_is_no_change(
    context: Contexts, inputs: dict[str, Any]
) -> None:
    _, state = make(context(), **inputs)
    assert changes(state, {**inputs, "verifyChecksum": True}) == {}
    assert changes(state, inputs) == {}


class TestAccess:
    SHORT = "imageAccess:ImageAccess"

    @pytest.fixture
    def make_shared(self, context: Contexts, inputs: dict[str, Any]) -> Callable[..., str]:
        return functools.partial(lambda **more: make(context(), **inputs, **more)[0])

    def test_an_answer_is_changed_in_place_and_the_same_share_is_one(
        self, context: Contexts, make_shared: Callable[..., str], ground: Ground
    ) -> None:
        image_id = make_shared(visibility="shared")
        given = {"imageId": image_id, "memberId": ground.project_id}
        identity, state = make(context(), self.SHORT, **given)
        assert (identity, state["status"]) == (f"{image_id}/{ground.project_id}", "pending")
        assert make(context(), self.SHORT, **given, status="accepted")[1]["status"] == "accepted"
        after = kind(self.SHORT).update(
            context(), identity, state, {**given, "status": "rejected"}, {"status"}
        )
        assert after["status"] == "rejected"
        kind(self.SHORT).delete(context(), identity, state)
        kind(self.SHORT).delete(context(), identity, state)
        assert kind(self.SHORT).read(context(), identity, {}) is None
        with pytest.raises(ImportRefused, match="image/project"):
            kind(self.SHORT).read(context(), image_id, {})

    def test_an_image_that_is_not_shared_says_so(
        self, context: Contexts, make_shared: Callable[..., str], ground: Ground
    ) -> None:
        image_id = make_shared(visibility="private")
        with pytest.raises(Refused, match="Only shared images have members"):
            make(context(), self.SHORT, imageId=image_id, memberId=ground.project_id)

"""The depot over HTTP, on the loopback address."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.depot import DepotServer


@pytest.fixture
def depot(tmp_path: Path) -> Path:
    (tmp_path / "depot/apt/pool").mkdir(parents=True)
    (tmp_path / "depot/apt/pool/a_1+b_amd64.deb").write_bytes(b"package")
    (tmp_path / "depot/.building/secret").mkdir(parents=True)
    (tmp_path / "depot/.building/secret/file").write_text("unfinished")
    (tmp_path / "depot/.lock").write_text("")
    (tmp_path / "depot-key").mkdir()
    (tmp_path / "depot-key/private").write_text("key")
    return tmp_path / "depot"


@pytest.fixture
def address(depot: Path) -> Iterator[str]:
    with DepotServer(depot, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["a_1+b_amd64.deb", "a_1%2bb_amd64.deb"])
def test_a_file_is_served_under_its_name(address: str, name: str) -> None:
    with urllib.request.urlopen(f"{address}/apt/pool/{name}", timeout=60) as reply:
        assert reply.read() == b"package"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/apt",
        "/apt/",
        "/apt/pool/",
        "/.lock",
        "/%2elock",
        "/.building/secret/file",
        "/apt/../.building/secret/file",
        "/../depot-key/private",
        "/%2e%2e/depot-key/private",
        "/apt/pool/absent.deb",
    ],
)
def test_listings_hidden_names_and_what_lies_beside_the_depot_are_not_served(address: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(address + path, timeout=60)
    refused.value.close()


def test_several_servers_are_served_at_once(address: str) -> None:
    found: list[bytes] = []

    def fetch() -> None:
        with urllib.request.urlopen(f"{address}/apt/pool/a_1+b_amd64.deb", timeout=60) as reply:
            found.append(reply.read())

    threads = [threading.Thread(target=fetch) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"package"] * 12

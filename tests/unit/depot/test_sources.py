"""Of this machine's package sources only Debian's own reach the depot."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.depot.sources import as_lines, debian_entries

STANZA = """\
Types: deb deb-src
# a comment between the fields
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates trixie
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security/
Suites: bookworm-security
Components: main
"""
DEBIAN = [
    ("http://mirror.test/debian", "bookworm"),
    ("http://mirror.test/debian", "bookworm-updates"),
    ("http://mirror.test/debian-security", "bookworm-security"),
]


@pytest.fixture
def apt_dir(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_stanzas_are_read(apt_dir: Path) -> None:
    (apt_dir / "sources.list.d/debian.sources").write_text(STANZA)
    assert debian_entries(apt_dir) == DEBIAN


def test_lines_are_read(apt_dir: Path) -> None:
    (apt_dir / "sources.list").write_text(
        "deb http://mirror.test/debian bookworm main # the archive\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm-updates contrib main\n"
        "# deb http://other.test/debian bookworm main\n"
        "deb-src http://other.test/debian bookworm main\n"
        "deb http://mirror.test/debian-security bookworm-security main\n"
    )
    assert debian_entries(apt_dir) == DEBIAN


@pytest.mark.parametrize(
    "entry",
    [
        "deb https://third.test/linux/debian bookworm stable",
        "deb https://third.test/apt bookworm main",
        "deb https://third.test/debian nodistro main",
        "deb https://third.test/pub/repos/apt bookworm-pgdg main",
        "deb http://mirror.test/debian bookworm-backports main",
    ],
)
def test_third_party_sources_are_ignored(apt_dir: Path, entry: str) -> None:
    (apt_dir / "sources.list.d/third.list").write_text(entry + "\n")
    assert debian_entries(apt_dir) == []


def test_a_disabled_stanza_is_ignored(apt_dir: Path) -> None:
    (apt_dir / "sources.list.d/debian.sources").write_text(
        "Enabled: no\n" + STANZA.partition("\n\n")[0] + "\n"
    )
    assert debian_entries(apt_dir) == []


def test_an_entry_that_stands_in_two_files_counts_once(apt_dir: Path) -> None:
    (apt_dir / "sources.list").write_text("deb http://mirror.test/debian bookworm main\n")
    (apt_dir / "sources.list.d/debian.sources").write_text(STANZA)
    assert debian_entries(apt_dir) == DEBIAN


def test_packages_are_checked_with_debians_key_only() -> None:
    lines = as_lines([("http://mirror.test/debian", "bookworm")])
    key = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert lines == f"deb [signed-by={key}] http://mirror.test/debian bookworm main\n"

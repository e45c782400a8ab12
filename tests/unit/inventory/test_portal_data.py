"""Where the portal keeps its data: what several workers need is shared, or the inventory is refused."""

from __future__ import annotations

import pytest

from .conftest import Folder

ALL, HOSTS = "group_vars/all.yml", "hosts.yml"
SHARED = """
portal:
  database: postgresql+psycopg://portal@db.example/portal
  state_backend: s3://states?region=hai-phong
  own_worker: true
"""


def given(folder: Folder, text: str = SHARED) -> Folder:
    folder.write(ALL, (folder.path / ALL).read_text(encoding="utf-8") + text)
    return folder


def test_a_site_says_nothing_of_it_and_the_portal_works_itself(lab: Folder) -> None:
    found = lab.load().site.portal
    assert (found.database, found.state_backend, found.own_worker) == ("", "", False)


def test_workers_of_their_own_share_database_and_states(production: Folder) -> None:
    assert given(production).load().site.portal.own_worker


@pytest.mark.parametrize(
    ("old", "new", "key", "way_out"),
    [
        ("  database: postgresql+psycopg://portal@db.example/portal\n", "", "portal.database", "own_worker"),
        ("  state_backend: s3://states?region=hai-phong\n", "", "portal.state_backend", "s3://"),
        ("s3://states?region=hai-phong", "file:///srv/states", "portal.state_backend", "postgres://"),
        ("postgresql+psycopg://portal@db", "sqlite:////srv/db", "portal.database", "postgresql+psycopg"),
        ("portal@db", "portal:geheim@db", "portal.database", "PGPASSWORD"),
        ("db.example/portal", "db.example", "portal.database", "postgresql+psycopg"),
        ("s3://states", "s4://states", "portal.state_backend", "s3://"),
        ("\n  own_worker: true", "\n  own_worker: perhaps", "portal.own_worker", ""),
        ("\n  own_worker:", "\n  own_workers:", "portal.own_workers", "own_worker"),
    ],
)
def test_what_cannot_be_shared_is_told_with_file_key_and_way_out(
    production: Folder, old: str, new: str, key: str, way_out: str
) -> None:
    given(production).change(ALL, old, new)
    problem = production.problem()
    assert problem.file.endswith(ALL)
    assert problem.key == key
    assert way_out in problem.way_out


def test_several_servers_of_the_portal_share_too(production: Folder) -> None:
    production.change(HOSTS, "\nportal:\n  hosts:\n", "\nportal:\n  hosts:\n    mon1: {}\n")
    given(production, SHARED.replace("  own_worker: true\n", "")).load()
    production.change(ALL, "  state_backend: s3://states?region=hai-phong\n", "")
    problem = production.problem()
    assert problem.key == "portal.state_backend"
    assert "mon1, portal1" in problem.why

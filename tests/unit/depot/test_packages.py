"""What roles install is in the depot, and what an apt listing says is understood."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.depot import packages
from infra.depot.apt import Package, parse_listing

ROOT = Path(__file__).parents[3]


def test_every_package_that_the_base_role_installs_is_in_the_depots_lists() -> None:
    wanted = yaml.safe_load((ROOT / "playbooks/roles/base/defaults/main.yml").read_text())["base_packages"]
    listed = {name for names in packages.load().sets.values() for name in names}
    missing = {name for names in wanted.values() for name in names} - listed
    assert not missing, f"add to infra/depot/packages.yaml: {sorted(missing)}"


def test_every_package_that_a_service_unpacks_is_in_the_depot_without_what_it_needs() -> None:
    services = [yaml.safe_load(path.read_text()) for path in ROOT.glob("playbooks/services/*.yml")]
    unpacked = {one["package"] for service in services for one in service["service"].get("unpacked", ())}
    lists = packages.load()
    assert unpacked == set(lists.files_only)
    assert not unpacked & {name for names in lists.sets.values() for name in names}


def test_each_set_is_resolved_with_the_bare_server_and_with_no_other_set() -> None:
    lists = packages.load()
    closures = lists.closures()
    server = set(lists.sets["server"])
    assert all(server <= set(names) for names in closures.values())
    assert "mariadb-server" not in closures["hypervisors"]


def test_no_package_stands_twice_in_a_list() -> None:
    lists = packages.load()
    for names in (lists.build_host, *lists.sets.values()):
        assert len(names) == len(set(names))


def test_a_listing_gives_package_files_without_escapes_and_epochs() -> None:
    digest = "0" * 64
    line = (
        "'http://mirror.test/debian/pool/main/l/libcap2/libcap2_2.66-4%2bdeb12u1_amd64.deb' "
        f"libcap2_1%3a2.66-4+deb12u1_amd64.deb 27000 SHA256:{digest}"
    )
    assert parse_listing(f"Reading lists...\n{line}\n") == [
        Package(
            name="libcap2",
            version="1:2.66-4+deb12u1",
            file="libcap2_2.66-4+deb12u1_amd64.deb",
            cached="libcap2_1%3a2.66-4+deb12u1_amd64.deb",
            sha256=digest,
        )
    ]

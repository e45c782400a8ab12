"""Where people sign in to the portal: a Keycloak of the site, a service of the city's, or neither."""

from __future__ import annotations

import pytest

from .conftest import Folder

ALL, HOSTS = "group_vars/all.yml", "hosts.yml"
OWN = """
sign_in:
  issuer: https://sso.haiphong.example/realms/city
  client_id: citycloud
  agency_claim: don_vi
"""
KEYCLOAK = "\nkeycloak:\n  hosts:\n    portal1: {}\n"


def own_service(production: Folder) -> Folder:
    """A site that names the city's own service instead of running a Keycloak."""
    production.change(HOSTS, KEYCLOAK, "")
    production.write(ALL, (production.path / ALL).read_text(encoding="utf-8") + OWN)
    return production


def test_a_lab_needs_no_sign_in_service(lab: Folder) -> None:
    loaded = lab.load()
    assert loaded.site.sign_in is None
    assert not any(host.is_keycloak for host in loaded.hosts)


def test_a_city_names_its_own_service(production: Folder) -> None:
    found = own_service(production).load().site.sign_in
    assert found is not None
    assert (found.agency_claim, found.roles_claim, found.authority) == ("don_vi", "roles", "")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("https://sso", "http://sso", "sign_in.issuer"),
        ("realms/city\n", "realms/city?x=1\n", "sign_in.issuer"),
        ("client_id: citycloud", 'client_id: ""', "sign_in.client_id"),
        ("agency_claim", "agency_clam", "sign_in.agency_clam"),
    ],
)
def test_a_service_that_cannot_be_is_told_with_its_key(
    production: Folder, old: str, new: str, key: str
) -> None:
    own_service(production).change(ALL, old, new)
    assert production.problem().key == key


def test_a_site_has_one_place_to_sign_in(production: Folder) -> None:
    production.write(ALL, (production.path / ALL).read_text(encoding="utf-8") + OWN)
    problem = production.problem()
    assert (problem.key, "portal1 runs a Keycloak" in problem.why) == ("sign_in", True)


def test_keycloak_is_one_server(production: Folder) -> None:
    production.change(HOSTS, KEYCLOAK, KEYCLOAK + "    mon1: {}\n")
    problem = production.problem()
    assert (problem.key, problem.value) == ("keycloak", "mon1, portal1")

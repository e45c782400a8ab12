"""The provider's own inputs, and the credentials that follow from them, the environment and clouds.yaml."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.clouds_file import CloudUnknown
from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.cloud.errors import CredentialsMissing
from infra.provider import configuration
from infra.provider.values import UNKNOWN
from tests.fakes.canned import CannedCloud

CLOUDS = """
clouds:
  city:
    auth: {auth_url: "https://keystone/v3", username: an, project_name: agency, user_domain_name: Default}
    region_name: hai-phong
  robot:
    auth_type: v3applicationcredential
    auth: {auth_url: "https://k/v3", application_credential_id: c1, application_credential_secret: hush}
    regions: [{name: hue}, {name: vinh}]
"""
PASSWORD = {"OS_AUTH_URL": "https://k/v3", "OS_USERNAME": "an", "OS_PASSWORD": "hush"}


@pytest.fixture
def clouds(tmp_path: Path) -> dict[str, str]:
    """An environment that names a clouds.yaml."""
    (tmp_path / "clouds.yaml").write_text(CLOUDS, encoding="utf-8")
    return {"OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No clouds.yaml of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def chosen(inputs: dict[str, Any], environ: dict[str, str] | None = None) -> Credentials:
    assert configuration.check(inputs) == []
    found = configuration.credentials(inputs, environ or {})
    assert found is not None
    return found


def test_the_program_comes_before_the_environment() -> None:
    found = chosen({"userName": "binh", "region": "hue"}, {**PASSWORD, "OS_REGION_NAME": "vinh"})
    assert (found.username, found.password, found.region_name) == ("binh", "hush", "hue")


def test_an_id_of_the_program_takes_the_place_of_a_name_in_the_environment() -> None:
    found = chosen({"tenantId": "p1", "userId": "u1"}, {**PASSWORD, "OS_PROJECT_NAME": "other"})
    assert found.auth() == {
        "auth_url": "https://k/v3", "password": "hush", "user_id": "u1", "project_id": "p1"
    }  # fmt: skip


def test_a_way_to_log_in_takes_the_place_of_another_one() -> None:
    found = chosen({"token": "t"}, PASSWORD)
    assert (found.token, found.password) == ("t", "")
    assert found.auth_type() == "v3token"
    credential = {"OS_APPLICATION_CREDENTIAL_ID": "c", "OS_APPLICATION_CREDENTIAL_SECRET": "s"}
    assert chosen({"password": "p"}, {**PASSWORD, **credential}).auth_type() == "v3password"


def test_an_application_credential_is_taken_by_id_or_by_name_and_user() -> None:
    by_id = chosen(
        {"authUrl": "https://k/v3", "applicationCredentialId": "c1", "applicationCredentialSecret": "hush"},
        {"OS_PROJECT_NAME": "agency"},
    )
    assert by_id.auth_type() == "v3applicationcredential"
    assert by_id.auth() == {
        "auth_url": "https://k/v3", "application_credential_id": "c1", "application_credential_secret": "hush"
    }  # fmt: skip
    by_name = chosen({
        "authUrl": "https://k/v3", "applicationCredentialName": "ci", "applicationCredentialSecret": "hush",
        "userName": "an", "userDomainName": "city",
    })  # fmt: skip
    assert by_name.auth() == {
        "auth_url": "https://k/v3", "application_credential_name": "ci", "username": "an",
        "application_credential_secret": "hush", "user_domain_name": "city",
    }  # fmt: skip
    with pytest.raises(CredentialsMissing, match="needs its id"):
        chosen({"authUrl": "https://k/v3", "applicationCredentialSecret": "hush"}).check()


@pytest.mark.parametrize(
    ("inputs", "domains"),
    [
        ({}, {"user_domain_id": "default", "project_domain_id": "default"}),
        ({"defaultDomain": "d9"}, {"user_domain_id": "d9", "project_domain_id": "d9"}),
        ({"domainName": "city"}, {"user_domain_name": "city", "project_domain_name": "city"}),
        (
            {"domainId": "d1", "userDomainName": "u"},
            {"user_domain_name": "u", "project_domain_id": "d1"},
        ),
    ],
)
def test_a_user_or_project_without_a_domain_gets_the_one_that_is_nearest(
    inputs: dict[str, Any], domains: dict[str, str]
) -> None:
    auth = chosen({"tenantName": "agency", **inputs}, PASSWORD).auth()
    assert {name: value for name, value in auth.items() if "domain" in name} == domains


def test_without_a_project_the_scope_is_the_domain_or_the_system() -> None:
    assert chosen({"domainId": "d1"}, PASSWORD).auth()["domain_id"] == "d1"
    system = chosen({"systemScope": True, "tenantName": "agency"}, PASSWORD).auth()
    assert system["system_scope"] == "all"
    assert "project_name" not in system


def test_switches_are_taken_as_a_bridge_writes_them() -> None:
    found = chosen(
        {
            "insecure": "false", "maxRetries": "3", "disableNoCacheHeader": "true", "allowReauth": "false",
            "endpointOverrides": '{"volumev3": "http://c/v3/", "network": "http://n/"}',
            "endpointType": "internalURL",
        },
        {**PASSWORD, "OS_INSECURE": "true"},
    )  # fmt: skip
    assert (found.insecure, found.max_retries, found.no_cache) == (False, 3, False)
    assert (found.reauthenticate, found.interface) == (False, "internal")
    assert found.endpoint("block-storage") == "http://c/v3/"
    assert found.endpoint("compute") == ""
    assert Cloud(found).patience.attempts == 4
    assert Cloud(chosen({}, PASSWORD)).patience.attempts > 4


def test_every_wrong_input_is_said_by_its_name() -> None:
    wrong = configuration.check(
        {
            "colour": "red",
            "maxRetries": -1,
            "endpointType": "secret",
            "insecure": "perhaps",
            "version": "5.5.3",
        }
    )
    assert [name for name, _ in wrong] == ["colour", "maxRetries", "endpointType", "insecure"]


def test_an_unknown_input_leaves_the_provider_without_a_cloud() -> None:
    assert configuration.credentials({"password": UNKNOWN}, PASSWORD) is None
    assert configuration.opened({"tenantId": UNKNOWN}, PASSWORD, Cloud) is None


def test_no_secret_is_shown() -> None:
    inputs = {"password": "hush1", "token": "hush2", "key": "hush3", "applicationCredentialSecret": "hush4"}
    assert "hush" not in repr(configuration.credentials(inputs, {}))
    assert inputs.keys() == configuration.SECRET


@pytest.mark.parametrize("how", ["input", "environment"])
def test_a_cloud_of_clouds_yaml_is_taken_as_it_stands_there(how: str, clouds: dict[str, str]) -> None:
    environ = {**clouds, **PASSWORD, "OS_AUTH_URL": "https://elsewhere/v3", "OS_PROJECT_NAME": "other"}
    inputs = {"cloud": "city"} if how == "input" else {}
    found = chosen(inputs, environ if how == "input" else {**environ, "OS_CLOUD": "city"})
    assert (found.cloud, found.auth_url, found.project_name) == ("city", "", "")
    assert found.password == "hush"  # which the file leaves out
    assert Cloud(found).region_name == "hai-phong"


def test_a_secret_of_clouds_yaml_is_not_mixed_with_one_of_the_environment(clouds: dict[str, str]) -> None:
    found = chosen({"cloud": "robot"}, {**clouds, **PASSWORD})
    assert found.password == ""
    assert Cloud(found).region_name == "hue"
    assert Cloud(chosen({"cloud": "robot", "region": "vinh"}, clouds)).region_name == "vinh"


def test_a_wrong_cloud_name_says_which_clouds_there_are(clouds: dict[str, str]) -> None:
    with pytest.raises(CloudUnknown, match=r"has no cloud 'village' \(it has: city, robot\)"):
        chosen({"cloud": "village"}, clouds)


def test_a_missing_clouds_yaml_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(CloudUnknown, match=r"there is no clouds.yaml .*home/.config/openstack/clouds.yaml"):
        chosen({"cloud": "city"})


def test_a_broken_clouds_yaml_is_named_without_what_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text("clouds:\n  city: {password: hush", encoding="utf-8")
    with pytest.raises(CloudUnknown, match="line 2 is no YAML") as failed:
        chosen({"cloud": "city"})
    assert "hush" not in str(failed.value)


def test_an_authentication_that_is_not_delayed_happens_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    logged_in: list[str] = []
    cloud = CannedCloud()
    monkeypatch.setattr(cloud, "service", lambda name: _Scope(logged_in))
    assert configuration.opened({}, PASSWORD, lambda credentials: cloud) is cloud
    assert logged_in == []
    configuration.opened({"delayedAuth": "false"}, PASSWORD, lambda credentials: cloud)
    assert logged_in == ["scope"]


class _Scope:
    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def scope(self) -> tuple[str, str]:
        self._calls.append("scope")
        return "", ""


def test_logged_calls_have_no_bodies() -> None:
    logger, stream = logging.getLogger("keystoneauth.session"), io.StringIO()
    before = [*logger.handlers]
    try:
        configuration.log_calls(stream)
        configuration.log_calls(stream)
        logger.debug(
            "REQ: curl -X POST http://k/v3/users -H 'X-Auth-Token: {SHA256}ab' -d '{\"p\": \"hush\"}'"
        )
        logger.debug("RESP: [201] Date: today")
        logger.debug("RESP BODY: {'password': 'hush'}")
    finally:
        logger.handlers, logger.propagate = before, True
        logger.setLevel(logging.NOTSET)
    assert stream.getvalue().splitlines() == [
        "REQ: curl -X POST http://k/v3/users -H 'X-Auth-Token: {SHA256}ab'", "RESP: [201] Date: today"
    ]  # fmt: skip


def test_pem_text_becomes_a_file_of_our_own(tmp_path: Path) -> None:
    from infra.cloud.login import _transport

    text = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"
    options = _transport(Credentials(key=text, cert=str(tmp_path / "cert.pem")))
    assert options["cert"] == str(tmp_path / "cert.pem")
    assert Path(options["key"]).read_text(encoding="utf-8") == text
    assert Path(options["key"]).stat().st_mode & 0o777 == 0o600

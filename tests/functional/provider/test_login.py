"""Every way to log in, against a Keystone behind HTTP on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cloud.connection import Cloud
from infra.cloud.errors import CredentialsRefused
from infra.cloud.network import networks
from infra.provider import configuration, functions
from tests.fakes.openstack_server import FakeServer

Open = Callable[..., Cloud]


@pytest.fixture
def open_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """A cloud by provider inputs and environment; its connections are closed at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    opened: list[Cloud] = []

    def make(inputs: dict[str, Any], environ: dict[str, str] | None = None) -> Cloud:
        assert configuration.check(inputs) == []
        cloud = configuration.opened(inputs, environ or {}, Cloud)
        assert cloud is not None
        opened.append(cloud)
        return cloud

    yield make
    for cloud in opened:
        cloud.sdk.session.session.close()
        cloud.sdk.close()


@pytest.fixture
def clouds_yaml(tmp_path: Path, server: FakeServer) -> Path:
    """Two clouds in a clouds.yaml, the password of one of them in the secure.yaml beside it."""
    scope = {"project_name": "admin", "project_domain_id": "default"}
    who = {"username": "admin", "user_domain_id": "default"}
    robot = {"application_credential_id": "credential", "application_credential_secret": "right"}
    held = {
        "person": {"auth": {"auth_url": server.auth_url, **who, **scope}, "region_name": "hai-phong"},
        "robot": {"auth_type": "v3applicationcredential", "auth": {"auth_url": server.auth_url, **robot}},
    }
    file = tmp_path / "clouds.yaml"
    file.write_text(json.dumps({"clouds": held}), encoding="utf-8")
    secret = {"clouds": {"person": {"auth": {"password": "right"}}}}
    (tmp_path / "secure.yaml").write_text(json.dumps(secret), encoding="utf-8")
    return file


def works(cloud: Cloud) -> bool:
    return networks(cloud).list() == []


def test_the_entries_of_a_clouds_yaml_log_in(clouds_yaml: Path, open_cloud: Open, server: FakeServer) -> None:
    assert works(open_cloud({"cloud": "person"}))
    assert works(open_cloud({}, {"OS_CLOUD": "person"}))
    assert server.asked[0]["scope"]["project"]["name"] == "admin"
    robot = open_cloud({"cloud": "robot", "region": "hai-phong"})
    assert works(robot)
    assert server.asked[-1]["identity"]["methods"] == ["application_credential"]
    assert robot.region_name == "hai-phong"


def test_a_clouds_yaml_may_stand_where_the_environment_says(
    clouds_yaml: Path, open_cloud: Open, tmp_path: Path
) -> None:
    elsewhere = clouds_yaml.rename(tmp_path / "city.yaml")
    assert works(open_cloud({"cloud": "person"}, {"OS_CLIENT_CONFIG_FILE": str(elsewhere)}))


def test_an_application_credential_logs_in_by_id_and_by_name(open_cloud: Open, server: FakeServer) -> None:
    secret = {"authUrl": server.auth_url, "applicationCredentialSecret": "right"}
    environ = {"OS_PROJECT_NAME": "of-somebody-else"}
    assert works(open_cloud({**secret, "applicationCredentialId": "credential"}, environ))
    assert works(open_cloud({**secret, "applicationCredentialName": "ci", "userName": "admin"}, environ))
    assert all("scope" not in auth for auth in server.asked)


def test_a_token_is_passed_on_as_it_is_or_scoped(open_cloud: Open, server: FakeServer) -> None:
    first = open_cloud({}, server.environment())
    assert works(first)
    server.tokens[first.token] = "of-the-token"
    second = open_cloud({"authUrl": server.auth_url, "token": first.token})
    assert works(second)
    assert (second.token, second.project_id, server.logins) == (first.token, "of-the-token", 1)
    third = open_cloud({"authUrl": server.auth_url, "token": first.token, "tenantId": "p7"})
    assert works(third)
    assert (third.project_id, server.logins) == ("p7", 2)


def test_a_domain_or_the_system_may_be_worked_in(open_cloud: Open, server: FakeServer) -> None:
    person = {"authUrl": server.auth_url, "userName": "admin", "password": "right"}
    open_cloud({**person, "domainName": "city"}).service("identity").scope()
    open_cloud({**person, "systemScope": True}).service("identity").scope()
    assert [auth["scope"] for auth in server.asked] == [
        {"domain": {"name": "city"}}, {"system": {"all": True}}
    ]  # fmt: skip


def test_a_wrong_password_is_refused_at_once_where_authentication_is_not_delayed(
    open_cloud: Open, server: FakeServer
) -> None:
    inputs = {"password": "wrong", "delayedAuth": "false"}
    with pytest.raises(CredentialsRefused):
        open_cloud(inputs, server.environment())


def test_an_endpoint_may_be_overridden(open_cloud: Open, server: FakeServer) -> None:
    url = f"http://127.0.0.1:{server.port}/network/v2.0/"
    server.catalog = lambda: []  # type: ignore[method-assign]
    assert works(open_cloud({"endpointOverrides": {"network": url}}, server.environment()))


def test_answers_out_of_a_cache_are_not_wanted_unless_the_program_says_so(
    open_cloud: Open, server: FakeServer
) -> None:
    assert works(open_cloud({}, server.environment()))
    assert server.seen[-1].get("Cache-Control") == "no-cache"
    assert works(open_cloud({"disableNoCacheHeader": "true"}, server.environment()))
    assert "Cache-Control" not in server.seen[-1]


def test_the_scope_of_the_token_is_told(open_cloud: Open, server: FakeServer) -> None:
    cloud = open_cloud({}, server.environment())
    token = "openstack:identity/getAuthScope:getAuthScope"
    answer = functions.call(cloud, token, {"name": "ours", "setTokenId": True})
    assert (answer["userId"], answer["tokenId"]) == (server.fake.user_id, cloud.token)
    assert {one["type"] for one in answer["serviceCatalogs"]} >= {"compute", "network"}

"""States in PostgreSQL and in an object store: the same stacks, the same locks, the same guard."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest

from infra.provisioning import state_backend
from infra.provisioning.stack_result import StacksFailed
from infra.provisioning.state_backend import BackendUnreachable
from tests.functional.provider.conftest import Open, Place
from tests.functional.provider.stores import KEYS, PASSWORD, Store, object_store, postgresql

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(moto|botocore|boto3|werkzeug|flask).*"),
]


@pytest.fixture(params=["postgresql", "object store"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with postgresql() if request.param == "postgresql" else object_store() as made:
        yield made


def kept_in(place: Place, store: Store, **site: str) -> Place:
    changed = replace(place.inventory.site, pulumi_backend_url=store.url, **site)
    return replace(place, inventory=replace(place.inventory, site=changed))


def lock_of(pid: int, host: str) -> bytes:
    told = {"pid": pid, "username": "root", "hostname": host, "timestamp": "2026-11-23T10:00:00Z"}
    return json.dumps(told).encode()


def test_a_landing_zone_lives_and_ends_in_a_store_elsewhere(place: Place, store: Store) -> None:
    there, code = kept_in(place, store), place.inventory.agencies[0].code
    fake = place.server.fake
    with there.guarded(guard=Open(), backend_environment=store.environment) as stacks:
        assert stacks.state("") is None
        stacks.platform_up()
        stacks.zone_up([code])
        assert stacks.zones() == [code]
        assert store.holds(f".pulumi/stacks/landing_zone/lab-{code}.json")
        assert not (place.site / "pulumi" / "state" / ".pulumi").exists()
        state = stacks.state(code)
        assert state is not None
        assert {one.name for one in state} >= {"network", "router", "project"}
        assert stacks.zone_up([code])[0].skipped
        assert stacks.zone_preview([code])[0].skipped
    # Another deploy host has the site's secrets, and of Pulumi's own files none.
    shutil.rmtree(place.site / "pulumi")
    with there.guarded(guard=Open(), backend_environment=store.environment) as stacks:
        assert stacks.zone_up([code])[0].changed == 0
        assert stacks.zone_refresh([code])[0].changed == 0
        stacks.zone_destroy([code])
        assert stacks.zones() == []
        stacks.platform_destroy()
    assert fake.residue() == {}
    kept = [file for file in place.site.rglob("*") if file.is_file() and not file.is_symlink()]
    assert not [file for file in kept if PASSWORD.encode() in file.read_bytes()]


def test_there_too_the_lock_of_the_dead_is_broken_and_that_of_others_is_not(
    place: Place, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_backend, "LOCK_PATIENCE_SECONDS", 2.0)
    there, site, host = kept_in(place, store), place.inventory.site.site_name, os.uname().nodename
    folder = f".pulumi/locks/organization/platform/{site}"
    with there.guarded(guard=Open(), backend_environment=store.environment) as stacks:
        stacks.platform_up()
        dead = subprocess.Popen(["true"])
        dead.wait()
        store.put(f"{folder}/dead.json", lock_of(dead.pid, host))
        assert stacks.platform_up(force=True).changed == 0
        assert not store.holds(f"{folder}/dead.json")
        store.put(f"{folder}/elsewhere.json", lock_of(dead.pid, "another-host"))
        with pytest.raises(StacksFailed, match=rf"locked by process {dead.pid} on another-host since 2026"):
            stacks.platform_up(force=True)
        assert store.holds(f"{folder}/elsewhere.json")


def test_a_wrong_password_is_said_with_the_way_out(place: Place) -> None:
    with postgresql() as store:
        there = kept_in(place, store)
        wrong = there.guarded(guard=Open(), backend_environment={"PGPASSWORD": "wrong"})
        with wrong as stacks, pytest.raises(BackendUnreachable, match="PGPASSWORD") as said:
            stacks.zones()
    assert "password authentication failed" in str(said.value)


def test_secrets_are_encrypted_by_a_key_service_where_the_site_has_one(place: Place) -> None:
    with object_store() as store:
        address = store.environment["AWS_ENDPOINT_URL_KMS"]
        client = boto3.client(
            "kms", endpoint_url=address, region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=PASSWORD,
        )  # fmt: skip
        key = client.create_key()["KeyMetadata"]["KeyId"]
        there = kept_in(place, store, pulumi_secrets_provider=f"awskms:///{key}?region=us-east-1&awssdk=v2")
        with there.guarded(guard=Open(), backend_environment=store.environment) as stacks:
            stacks.platform_up()
            told = stacks._files.backend.deployment("platform", place.inventory.site.site_name)
            assert told is not None
            assert told["secrets_providers"]["type"] == "cloud"
            assert key in told["secrets_providers"]["state"]["url"]

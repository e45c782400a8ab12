"""Real stores for stacks' states, made for one test and removed after it: PostgreSQL and a server of S3."""

from __future__ import annotations

import base64
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

PASSWORD = "not-the-usual-one"
KEYS = {"AWS_ACCESS_KEY_ID": "citycloud", "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_REGION": "us-east-1"}


def packed(data: bytes) -> str:
    """As the engine writes an object into a row."""
    return json.dumps({"data": base64.b64encode(data).decode()})


@dataclass(frozen=True)
class Store:
    """`environment` has what the backend asks for; `put` writes an object behind the engine's back, `holds`
    says whether there is one.
    """

    url: str
    environment: Mapping[str, str]
    put: Callable[[str, bytes], None] = field(compare=False)
    holds: Callable[[str], bool] = field(compare=False)


@contextmanager
def postgresql() -> Iterator[Store]:
    """A cluster of its own below /tmp, reached through its socket, with a password."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.fail("no PostgreSQL here: install Debian's package postgresql")
    programs, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="citycloud-postgresql-"))
    user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    os.chown(folder, user.pw_uid, user.pw_gid)
    secret = folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    os.chown(secret, user.pw_uid, user.pw_gid)
    drop = {"user": user.pw_uid, "group": user.pw_gid} if os.getuid() == 0 else {}
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "citycloud", "-A", "scram-sha-256", "--pwfile", secret,
         "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **drop,
    )  # fmt: skip
    log = folder / "log"
    with log.open("wb") as written:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stderr=written, cwd=folder, **drop,
        )  # fmt: skip
    environment = {"PGPASSWORD": PASSWORD}
    command = [programs / "psql", "-h", folder, "-U", "citycloud", "-d", "postgres", "-qAt"]

    def ask(statement: str) -> str:
        told = subprocess.run(
            [*command, "-c", statement],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return told.stdout.strip() if told.returncode == 0 else f"failed: {told.stderr}"

    def done(statement: str) -> None:
        if told := ask(statement):
            raise RuntimeError(told)

    try:
        deadline = time.monotonic() + 60
        while ask("SELECT 1") != "1":
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        yield Store(
            f"postgres://citycloud@/postgres?host={folder}&sslmode=disable", environment,
            lambda key, data: done(
                f"INSERT INTO pulumi_state(key, data) VALUES ('postgres/{key}', '{packed(data)}')"
            ),
            lambda key: ask(f"SELECT count(*) FROM pulumi_state WHERE key = 'postgres/{key}'") == "1",
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@contextmanager
def object_store() -> Iterator[Store]:
    """A bucket; the same server keeps keys too (KMS)."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        reset = urllib.request.Request(f"{address}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset).close()  # the server keeps what it has per process
        client = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="citycloud",
            aws_secret_access_key=PASSWORD,
        )  # fmt: skip
        client.create_bucket(Bucket="states")

        def put(key: str, data: bytes) -> None:
            client.put_object(Bucket="states", Key=key, Body=data)

        def holds(key: str) -> bool:
            return bool(client.list_objects_v2(Bucket="states", Prefix=key).get("Contents"))

        url = f"s3://states?endpoint={address}&s3ForcePathStyle=true"
        yield Store(url, {**KEYS, "AWS_ENDPOINT_URL_KMS": address}, put, holds)
    finally:
        server.stop()

"""keycloak/keycloak-<version>.tar.gz: Keycloak as its project publishes it, for sites that run one.

It comes from Maven's registry by Maven itself, and must have the digest that stands here.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from infra.depot.command import run
from infra.depot.errors import DepotPartFailed
from infra.depot.manifest import digest, sha256
from infra.depot.workshop import Say, Workshop

PART = "keycloak"
VERSION = "26.7.3"
SHA256 = "77657f30b7e90d70f727712ce1c967f430fd6a5e9f458d32d8c6df0635345f47"
FILE = f"keycloak/keycloak-{VERSION}.tar.gz"
_GET = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"


def inputs(workshop: Workshop) -> str:
    """The digest decides."""
    return digest(SHA256.encode())


def make(workshop: Workshop, work: Path, say: Say) -> None:
    """Copy the archive."""
    say("fetching Keycloak (176 MB)", 0.1)
    target = work / FILE
    target.parent.mkdir(parents=True)
    shutil.copyfile(fetched(workshop.cache("keycloak")), target)


def fetched(cache: Path) -> Path:
    """The archive in this folder, fetched if it is not there or not whole. Raises DepotPartFailed."""
    archive = cache / Path(FILE).name
    if archive.is_file() and sha256(archive) == SHA256:
        return archive
    if shutil.which("mvn") is None:
        raise DepotPartFailed(PART, "Maven is not installed, which fetches it; run: scripts/prepare maven")
    repository = cache / "maven"
    run(
        PART,
        ["mvn", "--batch-mode", "--quiet", "--strict-checksums", f"-Dmaven.repo.local={repository}", _GET,
         f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz", "-Dtransitive=false"],
        cwd=cache,
    )  # fmt: skip
    name = f"org/keycloak/keycloak-quarkus-dist/{VERSION}/keycloak-quarkus-dist-{VERSION}.tar.gz"
    found = repository / name
    if (has := sha256(found)) != SHA256:
        raise DepotPartFailed(PART, f"{found.name} has sha256 {has}, expected is {SHA256}")
    os.replace(found, archive)
    shutil.rmtree(repository)
    return archive

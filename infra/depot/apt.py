"""Debian packages: resolve against an empty machine, download, index, sign.

apt runs in a root of its own (lists, cache, empty dpkg status), so neither this machine's packages nor its
third-party sources decide what the depot holds. The result is a flat repository:
`deb [signed-by=...depot.asc] <depot_url>/apt ./`.
"""

from __future__ import annotations

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from infra.depot import packages, signing, sources
from infra.depot.command import run
from infra.depot.errors import DepotPartFailed
from infra.depot.manifest import digest, sha256_of_all
from infra.depot.workshop import Say, Workshop

PART = "apt"
_FTPARCHIVE = [
    "-o",
    "APT::FTPArchive::MD5=false",
    "-o",
    "APT::FTPArchive::SHA1=false",
    "-o",
    "APT::FTPArchive::SHA512=false",
]
_RELEASE = {
    "Origin": "City Cloud",
    "Label": "City Cloud depot",
    "Suite": "bookworm",
    "Codename": "bookworm",
    "Architectures": "amd64 all",
    "Description": "Everything that servers of this site install",
}


@dataclass(frozen=True, order=True)
class Package:
    """A package file as Debian's archive serves it; `file` is its name in the pool (no epoch, no escapes)."""

    name: str
    version: str
    file: str
    cached: str
    sha256: str


def inputs(workshop: Workshop) -> str:
    """The lists decide; a newer package in Debian does not make the part old (see `renew` of build)."""
    return digest(workshop.own_source("apt.py", "sources.py", "signing.py"), packages.LIST.read_bytes())


def make(workshop: Workshop, work: Path, say: Say) -> None:
    """Fill work/apt."""
    root = workshop.cache("apt")
    config = _isolated_root(root)
    say("reading Debian's index", 0.05)
    run(PART, ["apt-get", "-q", "update"], variables={"APT_CONFIG": str(config)})
    lists = packages.load()
    wanted = {package.file: package for package in _alone(config, lists.files_only)}
    for name, names in lists.closures().items():
        say(f"resolving {name}", 0.1)
        for package in _closure(config, names):
            wanted[package.file] = package
    archives = root / "archives"
    _download(config, archives, sorted(wanted.values()), say)
    pool = work / "apt" / "pool"
    pool.mkdir(parents=True)
    for package in wanted.values():
        shutil.copyfile(archives / package.cached, pool / package.file)
    say("writing the index", 0.85)
    _index(work / "apt")
    signing.sign_release(signing.ensure_key(workshop.depot_dir), work / "apt")


def _isolated_root(root: Path) -> Path:
    """apt's own world under the cache; returns its configuration file."""
    entries = sources.debian_entries(Path("/etc/apt"))
    missing = [suite for suite in sources.SUITES if suite not in {suite for _, suite in entries}]
    if missing:
        raise DepotPartFailed(
            PART, f"/etc/apt names no Debian source for {', '.join(missing)}; add one and build again"
        )
    for folder in (
        "etc/apt.conf.d",
        "etc/preferences.d",
        "lists/partial",
        "cache/archives/partial",
        "archives",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "status").write_text("")
    (root / "etc/sources.list").write_text(sources.as_lines(entries))
    settings = {
        "Dir::Etc": f"{root}/etc",
        "Dir::Etc::sourcelist": f"{root}/etc/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::parts": f"{root}/etc/apt.conf.d",
        "Dir::Etc::preferencesparts": f"{root}/etc/preferences.d",
        "Dir::State": f"{root}",
        "Dir::State::lists": f"{root}/lists",
        "Dir::State::status": f"{root}/status",
        "Dir::Cache": f"{root}/cache",
        "APT::Architecture": "amd64",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::ForceHash": "SHA256",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "true",
    }
    lines = [f'{key} "{value}";' for key, value in settings.items()]
    config = root / "apt.conf"
    config.write_text("\n".join([*_transport_settings(), *lines, 'APT::Architectures { "amd64"; };']) + "\n")
    return config


def _transport_settings() -> list[str]:
    """How this machine reaches Debian (proxy, certificates, a mirror with old dates) also holds here."""
    wanted = re.compile(r"Acquire::(https?|Check-Valid-Until|Check-Date)\b.*[^:] \"")
    return [line for line in run(PART, ["apt-config", "dump"]).splitlines() if wanted.match(line)]


def _closure(config: Path, names: tuple[str, ...]) -> list[Package]:
    """Everything that these packages need on an empty machine, with the essential packages."""
    argv = ["apt-get", "-qq", "--print-uris", "install", "?essential", *names]
    return parse_listing(run(PART, argv, variables={"APT_CONFIG": str(config)}))


def _alone(config: Path, names: tuple[str, ...]) -> list[Package]:
    """These packages, without what they need."""
    argv = ["apt-get", "-qq", "--print-uris", "download", *names]
    return parse_listing(run(PART, argv, variables={"APT_CONFIG": str(config)}))


def parse_listing(text: str) -> list[Package]:
    """What --print-uris prints: a line `'address' file size SHA256:digest` for each package."""
    found = []
    for line in text.splitlines():
        if line.startswith("'"):
            address, cached, _, checksum = line.split()
            name, version, _ = cached.removesuffix(".deb").split("_")
            file = unquote(address.strip("'").rpartition("/")[2])
            found.append(Package(name, unquote(version), file, cached, checksum.removeprefix("SHA256:")))
    return found


def _download(config: Path, archives: Path, wanted: list[Package], say: Say) -> None:
    """Fetch what the cache does not hold whole; what it holds is hashed, not believed."""
    held = [package for package in wanted if (archives / package.cached).is_file()]
    for package, checksum in zip(
        held, sha256_of_all(archives / package.cached for package in held), strict=True
    ):
        if checksum != package.sha256:
            (archives / package.cached).unlink()
    missing = [package for package in wanted if not (archives / package.cached).is_file()]
    say(f"downloading {len(missing)} of {len(wanted)} packages", 0.3)
    if missing:
        fetch = [f"{package.name}={package.version}" for package in missing]
        run(PART, ["apt-get", "-qq", "download", *fetch], cwd=archives, variables={"APT_CONFIG": str(config)})
    for package, checksum in zip(
        missing, sha256_of_all(archives / package.cached for package in missing), strict=True
    ):
        if checksum != package.sha256:
            raise DepotPartFailed(
                PART, f"{package.cached} has sha256 {checksum}, Debian's index says {package.sha256}"
            )
    keep = {package.cached for package in wanted}
    for path in archives.iterdir():
        if path.name not in keep:
            path.unlink()


def _index(folder: Path) -> None:
    """Packages (plain and gzip) and Release of the flat repository."""
    listing = run(PART, ["apt-ftparchive", *_FTPARCHIVE, "packages", "pool"], cwd=folder)
    (folder / "Packages").write_text(listing)
    (folder / "Packages.gz").write_bytes(gzip.compress(listing.encode(), mtime=0))
    fields = [
        part for key, value in _RELEASE.items() for part in ("-o", f"APT::FTPArchive::Release::{key}={value}")
    ]
    release = run(PART, ["apt-ftparchive", *_FTPARCHIVE, *fields, "release", "."], cwd=folder)
    (folder / "Release").write_text(release)

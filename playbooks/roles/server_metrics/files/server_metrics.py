#!/usr/bin/python3
"""What a server tells of itself that no exporter does: certificates, the database, backups.

Writes one file for the node exporter's textfile collector and renames it into place. Runs with Debian's own
Python and nothing else. A section that cannot be read has no figures, says so (success 0), and hides no
other.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

SECONDS = 15
MEANINGS = {
    "city_server_run_timestamp_seconds": "When the program last ran.",
    "city_server_section_success": "Whether the section was read.",
    "city_certificate_expiry_timestamp_seconds": "When a certificate of the site that lies here expires.",
    "city_database_up": "Whether MariaDB on the server answers a query.",
    "city_database_ready": "Whether it takes queries as a member of its cluster (wsrep_ready).",
    "city_database_members": "Members of the cluster that it sees, itself included.",
    "city_database_members_expected": "Controllers of the site.",
    "city_database_connections": "Connections that are open.",
    "city_database_connections_limit": "Connections that it takes (max_connections).",
    "city_backup_last_success_timestamp_seconds": "When the newest whole backup ended, 0 for never.",
    "city_backup_bytes": "Size of the newest whole backup.",
}
QUERY = (
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_ready', 'Threads_connected');"
    "SHOW GLOBAL VARIABLES LIKE 'max_connections'"
)


class SectionFailed(Exception):
    """A section could not be read; the message says why."""


def certificates(paths):
    """`paths`: name -> file. Yields (metric, labels, value)."""
    for name, path in paths.items():
        done = run("openssl", "x509", "-noout", "-enddate", "-in", path)
        if done.returncode:
            raise SectionFailed(f"{path}: {done.stderr.strip()}")
        told = done.stdout.strip().removeprefix("notAfter=")
        moment = datetime.strptime(told, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        yield "city_certificate_expiry_timestamp_seconds", {"name": name}, moment.timestamp()


def database(members):
    """MariaDB by its socket; one that does not answer is down, which is an answer."""
    done = run("mariadb", "--batch", "--skip-column-names", "--connect-timeout=5", "-e", QUERY)
    yield "city_database_up", {}, int(done.returncode == 0)
    yield "city_database_members_expected", {}, members
    if done.returncode:
        print(f"database: {done.stderr.strip()}", file=sys.stderr)
        return
    pairs = (line.partition("\t") for line in done.stdout.splitlines())
    told = {name.lower(): value for name, _, value in pairs}
    try:
        size = int(told.get("wsrep_cluster_size") or 0)
        yield "city_database_ready", {}, int(size == 0 or told.get("wsrep_ready") == "ON")
        yield "city_database_members", {}, size or 1
        yield "city_database_connections", {}, int(told["threads_connected"])
        yield "city_database_connections_limit", {}, int(told["max_connections"])
    except (KeyError, ValueError) as error:
        raise SectionFailed(f"MariaDB's answer has no number: {error}") from error


def backups(folders):
    """The newest file in each folder; one that is being written has another name (`.part`)."""
    for kind, folder in folders.items():
        whole = [path.stat() for path in Path(folder).glob("*") if path.suffix != ".part" and path.is_file()]
        newest = max(whole, key=lambda found: found.st_mtime, default=None)
        yield "city_backup_last_success_timestamp_seconds", {"kind": kind}, newest.st_mtime if newest else 0
        if newest:
            yield "city_backup_bytes", {"kind": kind}, newest.st_size


def run(*command):
    """A command with its output; one that is missing or takes too long counts as failed."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer within {SECONDS} s")
    except OSError as error:
        raise SectionFailed(str(error)) from error


def read(sections, now):
    """All samples. `sections`: name -> iterable of samples."""
    samples = [("city_server_run_timestamp_seconds", {}, now)]
    for name, section in sections.items():
        try:
            found, good = list(section), 1
        except (SectionFailed, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            found, good = [], 0
        samples += [*found, ("city_server_section_success", {"section": name}, good)]
    return samples


def exposition(samples):
    """Prometheus' text format, the samples of a metric together."""
    samples, lines = list(samples), []
    for metric, meaning in MEANINGS.items():
        own = [(labels, value) for name, labels, value in samples if name == metric]
        if own:
            lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
        for labels, value in own:
            inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
            lines.append(f"{metric}{{{inside}}} {value}" if inside else f"{metric} {value}")
    return "\n".join(lines) + "\n"


def write(folder, text):
    fresh = Path(folder) / ".city_server.prom.new"
    fresh.write_text(text)
    fresh.chmod(0o644)
    os.replace(fresh, Path(folder) / "city_server.prom")


def pairs(words):
    return dict(word.split("=", 1) for word in words)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--textfiles", required=True, help="folder of the node exporter")
    parser.add_argument("--certificate", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--backup", action="append", default=[], metavar="KIND=FOLDER")
    parser.add_argument("--database-members", type=int, metavar="N", help="MariaDB is here, on N controllers")
    given = parser.parse_args(arguments)
    sections = {"certificates": certificates(pairs(given.certificate))}
    if given.database_members:
        sections["database"] = database(given.database_members)
    if given.backup:
        sections["backup"] = backups(pairs(given.backup))
    write(given.textfiles, exposition(read(sections, time.time())))


if __name__ == "__main__":
    main()

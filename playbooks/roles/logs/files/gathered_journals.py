#!/usr/bin/python3
"""Looks after the journals of all servers that systemd-journal-remote gathers here.

Tells the node exporter when the newest entry of each server was written, and removes files that hold nothing
younger than the retention. Only files that are full are removed, whole: an entry is kept for at least the
retention and at most as much longer as its file took to fill. Runs with Debian's own Python and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

SECONDS = 20
MONTH = 31 * 86400
MEANINGS = {
    "city_logs_last_entry_timestamp_seconds": "Time of the newest gathered entry of the server, 0 for none.",
    "city_logs_stored_bytes": "Size of the server's gathered journal.",
    "city_logs_retention_seconds": "How long entries are kept.",
    "city_logs_run_timestamp_seconds": "When the program last ran.",
}


def files_of(folder, address):
    """The files of a server: the one that is written, and full ones (`@`). They are named by its address."""
    return [*folder.glob(f"remote-{address}.journal"), *folder.glob(f"remote-{address}@*.journal")]


def newest_entry(files):
    """When the newest entry was written, by its own clock; 0 if there is none that can be read."""
    for file in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True):
        command = ["journalctl", "--file", str(file), "-qn1", "-ojson", "--output-fields=MESSAGE"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            return int(json.loads(done.stdout)["__REALTIME_TIMESTAMP"]) / 1e6
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            continue
    return 0


def remove_old(folder, before):
    """Full files to which nothing was written since `before`."""
    removed = [path for path in folder.glob("*@*.journal") if path.stat().st_mtime < before]
    for path in removed:
        path.unlink()
        print(f"removed {path.name}: older than the retention")
    return removed


def samples(folder, hosts, retention, now):
    """`hosts`: name -> address."""
    for host, address in hosts.items():
        files = files_of(folder, address)
        yield "city_logs_last_entry_timestamp_seconds", {"host": host}, newest_entry(files)
        yield "city_logs_stored_bytes", {"host": host}, sum(path.stat().st_size for path in files)
    yield "city_logs_retention_seconds", {}, retention
    yield "city_logs_run_timestamp_seconds", {}, now


def exposition(found):
    """Prometheus' text format, the samples of a metric together."""
    found, lines = list(found), []
    for metric, meaning in MEANINGS.items():
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
        for name, labels, value in found:
            if name == metric:
                inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
                lines.append(f"{metric}{{{inside}}} {value}" if inside else f"{metric} {value}")
    return "\n".join(lines) + "\n"


def write(folder, text):
    fresh = folder / ".city_logs.prom.new"
    fresh.write_text(text)
    fresh.chmod(0o644)
    os.replace(fresh, folder / "city_logs.prom")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where systemd-journal-remote writes")
    parser.add_argument("--textfiles", type=Path, required=True, help="folder of the node exporter")
    parser.add_argument("--months", type=int, required=True, help="retention, in months of 31 days")
    parser.add_argument("hosts", nargs="+", metavar="NAME=ADDRESS", help="servers that ought to send")
    given = parser.parse_args(arguments)
    now, retention = time.time(), given.months * MONTH
    hosts = dict(word.split("=", 1) for word in given.hosts)
    remove_old(given.folder, now - retention)
    write(given.textfiles, exposition(samples(given.folder, hosts, retention, now)))


if __name__ == "__main__":
    main()

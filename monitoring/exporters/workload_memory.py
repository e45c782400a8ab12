"""The memory of the uptime exporter: records over its own restarts, in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from monitoring.exporters.workload_record import Record

_VERSION = 2


def recall(file: Path | None) -> dict[str, Record]:
    """The records of the last run by server id; a missing or unreadable file means that nothing is known."""
    if file is None:
        return {}
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["version"] != _VERSION:
            return {}
        return {str(server): Record.recalled(data) for server, data in known["servers"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def remember(file: Path | None, records: Mapping[str, Record]) -> None:
    """Keep the records; written aside and renamed, so never half a file. Raises OSError."""
    if file is None or not records:
        return
    known = {"version": _VERSION, "servers": {server: one.remembered() for server, one in records.items()}}
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(known), encoding="utf-8")
    os.replace(partial, file)

"""Starts a program of the project with a wall clock that a file shifts while it runs, as a wrong or a
corrected time server would: `python -m tests.cloud.monitoring.shifted_clock FILE MODULE OPTION...`.

`time.time` is what exporters take the time of day from; what is in FILE (seconds, "" for none) is added to
it at each call. The monotonic clock is left alone: no time server touches it.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

_real = time.time


def shift(file: Path) -> None:
    """From now on, and for all modules that are imported later."""

    def shifted() -> float:
        return _real() + float(file.read_text() or 0)

    time.time = shifted


if __name__ == "__main__":
    shift(Path(sys.argv[1]))
    module = importlib.import_module(sys.argv[2])
    sys.argv[1:] = sys.argv[3:]
    module.main()

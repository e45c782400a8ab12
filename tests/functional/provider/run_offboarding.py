"""An off-boarding in a process of its own, to be killed: `python -m ... <site> <depot> <cache> <agency>`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from infra.inventory import load
from tests.functional.provider.conftest import ROOT, Place
from tests.functional.provider.test_offboarding import off_board


def main() -> None:
    import os

    site, depot, cache, agency = sys.argv[1:]
    server: Any = SimpleNamespace(environment=lambda: dict(os.environ))
    inventory = load(ROOT / "inventories" / "lab")
    off_board(Place(inventory, Path(site), Path(depot), Path(cache), server), agency)


if __name__ == "__main__":
    main()

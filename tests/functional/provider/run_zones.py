"""A deploy run in a process of its own, to be killed: `python run_zones.py <root> <site> <depot> <cache>
<agency>...`
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    root, site, depot, cache, *agencies = sys.argv[1:]
    sys.path.insert(0, root)
    from infra.cloud.credentials import Credentials
    from infra.inventory import load
    from infra.provisioning.stack import Stacks

    inventory = load(Path(root) / "inventories" / "lab")
    credentials = Credentials.from_environment(os.environ)
    with Stacks(inventory, Path(site), Path(depot), Path(cache), credentials, "passphrase") as stacks:
        stacks.platform_up()
        stacks.zone_up(agencies)


if __name__ == "__main__":
    main()

"""A real OpenStack with 200 servers that no hypervisor runs: Nova's fake driver, all else is real.

It deploys `inventories/scale` as a lab of its own, asks for the servers, measures the exporter in the lab's
network, and removes the lab.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SERVERS = 200
# inventories/scale is made for 100 servers at once; the benchmark's copy takes twice that.
_LARGER = {
    "instances: 100, cores: 100, ram_mib: 51200": "instances: 220, cores: 220, ram_mib: 112640",
    "ports: 250": "ports: 500",
}


def measured(arguments: list[str], output: str) -> list[dict[str, Any]]:
    """The site's results, printed as a table by the run inside the lab unless JSON was asked for."""
    from benchmarks.up.measure import lab

    with lab("bench-scale", "scale") as site:
        _enlarge(site.inventory / "agencies.yaml")
        site.ok("up")
        print(site.script("benchmarks.exporter.servers", str(SERVERS)), file=sys.stderr)
        said = site.script("benchmarks.exporter.scale", "--output", output, "--", *arguments)
        if output == "json":
            return list(json.loads(said))
        print(said)
        return []


def _enlarge(agencies: Path) -> None:
    text = agencies.read_text(encoding="utf-8")
    for old, new in _LARGER.items():
        if old not in text:
            raise SystemExit(
                f"{agencies} has no {old!r}: benchmarks/exporter/scale.py must be made to fit it"
            )
        text = text.replace(old, new)
    agencies.write_text(text, encoding="utf-8")


def main() -> None:
    """Run inside the lab's network, with the inventory as the first argument."""
    import os

    from benchmarks.exporter import measure
    from tests.cloud import admin

    opened = admin.site_of(sys.argv[1])
    os.environ |= {
        "OS_AUTH_URL": opened.identity_url, "OS_USERNAME": "monitoring",
        "OS_PASSWORD": opened.secrets.monitoring_password, "OS_PROJECT_NAME": "service",
        "OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": opened.inventory.site.region_name, "OS_INTERFACE": "public",
        "OS_CACERT": str(opened.paths.ca_certificate),
    }  # fmt: skip
    sys.argv = ["measure", "--cloud", *sys.argv[2:]]
    measure.main()


if __name__ == "__main__":
    main()

"""The page `docs/interchange.md` and the states that unit tests continue, out of what `interchange` found.

usage: python -m tests.cloud.provider.interchange_document ACCOUNTS.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.provider.registry import resource

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/interchange.md"
STATES = ROOT / "tests/unit/provider/incumbent_states.json"
_HEAD = """\
# Going over to this provider, and back

`pulumi_openstack` is served elsewhere by terraform-provider-openstack behind Pulumi's bridge. It was
built here from the published Go modules of both (`benchmarks/zone/incumbent`; for each of our 51 types
its schema has the inputs and outputs of the pinned package). Each conformance case was made by one of
the two on a lab's real APIs and continued by the other, by the real engine: a preview, a refresh, a
preview after it, and, of what the incumbent made, an update and the removal by ours.

Made by `tests/cloud/provider/interchange_document.py`; do not edit it. To make it anew, with a lab up:

```
benchmarks/zone/incumbent/build
citycloud lab shell - python -m tests.cloud.provider.interchange \\
    inventories/lab benchmarks/zone/incumbent/provider > accounts.json
python -m tests.cloud.provider.interchange_document accounts.json
```

✓: the next preview finds nothing to do. Else what it would do, with "(its own)" where the maker finds
the same to do in what it has just written itself. In a refresh the incumbent finds our marks (in a tag,
description or metadata) and takes them off in place. An application credential cannot be changed: the
incumbent replaces it then, so give out the new secret.

"""
_SECRET = "4dabf18193072939515e22adb298388d"
"""The engine's sign of a secret."""
_COLUMNS = (
    ("incumbent", "continued"), ("incumbent", "after_refresh"), ("incumbent", "updated"),
    ("ours", "continued"), ("ours", "after_refresh"),
)  # fmt: skip


def page(accounts: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    cases: dict[str, dict[str, Mapping[str, Any]]] = {}
    for account in accounts:
        cases.setdefault(account["case"], {})[account["maker"]] = account
    rows = []
    for case, both in cases.items():
        own = both["incumbent"]["own"]
        cells = [_cell(both[maker], column, own) for maker, column in _COLUMNS]
        rows.append(f"| {case.removeprefix('openstack:')} | {' | '.join(cells)} |")
    heads = (
        "case", "theirs, continued by ours", "refreshed", "updated and removed", "ours, continued by theirs",
        "refreshed",
    )  # fmt: skip
    head = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return _HEAD + "\n".join([*head, *rows]) + "\n"


def _cell(account: Mapping[str, Any], column: str, own: str) -> str:
    if account["why"]:
        return "it does not make it"
    told = str(account[column])
    if told.startswith("failed") or account["continued"].startswith("failed"):
        return "it refuses the program"
    if not told:
        return "✓"
    return f"{told} (its own)" if told == own else told


def states(accounts: Sequence[Mapping[str, Any]]) -> str:
    """JSON: what the incumbent made and would leave alone, with the program's inputs and the state."""
    made = [one for one in accounts if one["maker"] == "incumbent" and not one["why"] and not one["own"]]
    told = [
        {"case": one["case"], "token": one["token"], "inputs": one["inputs"], "state": _told(one)}
        for one in made
    ]
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _told(account: Mapping[str, Any]) -> dict[str, Any]:
    """The state without the bridge's bookkeeping and the id; a secret as the program gave it, by a word where
    the cloud gave it.
    """
    given, outputs = account["inputs"], resource(account["token"]).outputs
    shown = {}
    for name, value in account["state"].items():
        if name.startswith("__") or name == "id":
            continue
        if not (isinstance(value, dict) and _SECRET in value):
            shown[name] = value
        elif name in given or name in outputs:
            shown[name] = given.get(name, "hush")
    return shown


def main() -> None:
    accounts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    PAGE.write_text(page(accounts), encoding="utf-8")
    STATES.write_text(states(accounts), encoding="utf-8")


if __name__ == "__main__":
    main()

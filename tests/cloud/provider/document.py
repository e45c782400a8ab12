"""The page `docs/provider.md`: every served type and what was seen of it, as a run of the matrix found it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from infra.provider import functions
from tests.cloud.provider.matrix import COLUMNS, PASSED, REPLACES_ONLY

_MARKS = {PASSED: "✓", REPLACES_ONLY: "replaces"}
_HEAD = """\
# The provider's types, and what was seen of each

Made by the live tests from what they saw on a lab's real APIs, and compared with this page by them
(`tests/cloud/test_provider.py`); do not edit it. To make it anew, with a lab up:

```
citycloud lab shell - python -m tests.cloud.provider.run inventories/lab > matrix.json
python -m tests.cloud.provider.document matrix.json > docs/provider.md
```

A ✓ says that the rule of its column held, for each case of the type:

- **create**: bad input is refused at `check`, all of it at once, each with its path and without a call.
  After the create a run finds nothing to do, with a refresh and without; no secret stands in the state in
  the clear.
- **read**: a read of what nobody touched changes nothing.
- **update**: a change in place is made in place; then nothing is left to do. "replaces": the API changes
  nothing in place.
- **delete**: a read finds nothing, a second delete succeeds, nothing that was made is left.
- **diff**: a change in place and a replacement are each said as such; what a person changed by hand is
  seen and mended.
- **import**: found by its id; its own inputs and the program's are then no difference.
- **fault**: every operation through every fault (refused, time-out before and after the effect, 409, 429
  with Retry-After, 500, 503, slow, truncated). Each ends in success or in a named error; a read never
  says of a thing that it is gone; the next run converges; nothing is doubled or lost.
- **kill**: the provider is killed with SIGKILL after the first and after the last effect of each
  operation; its successor ends where an undisturbed run ends, with nothing doubled or left.

All cases run beside each other; one that fails is run once more without the others. With `--thorough` a
run has a life of its own for each fault and each call that writes.

"""


def document(table: Mapping[str, Mapping[str, str]]) -> str:
    """Markdown. `table`: token -> column -> verdict, as `matrix.table` makes it."""
    notes: list[str] = []

    def cell(verdict: str) -> str:
        if verdict in _MARKS or verdict.isupper():
            return _MARKS.get(verdict, verdict)
        if verdict not in notes:
            notes.append(verdict)
        return f"— ({notes.index(verdict) + 1})"

    rows = [
        "| " + " | ".join([f"`{token}`", *(cell(verdicts[column]) for column in COLUMNS)]) + " |"
        for token, verdicts in sorted(table.items())
    ]
    head = ["| type | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    remarks = [f"({number}) {note}." for number, note in enumerate(notes, 1)]
    served = sorted(functions.served())
    lookups = (
        f"Each of the {len(served)} data sources finds what was made for it, and answers every output: "
        + ", ".join(f"`{token}`" for token in served)
        + "."
    )
    parts = [f"{len(rows)} types:", "\n".join([*head, *rows]), "\n".join(remarks), lookups]
    return _HEAD + "\n\n".join(part for part in parts if part) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as stream:
        sys.stdout.write(document(json.load(stream)["table"]))

"""Writes what was adopted into the inventory: `adopted.yaml` as a whole, a quota in `agencies.yaml`.

`agencies.yaml` is people's: only the text of the one value is replaced or put in, so that every other
line, comments included, stays as they wrote it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from infra import inventory as inventories
from infra.domain.adopted import Adopted
from infra.errors import InfraError, InventoryInvalid
from infra.inventory.loading import ADOPTED, AGENCIES

_HEADER = """\
# What people made or changed in agencies' zones by hand and the city then took into its code.
# Written by `citycloud zone drift --adopt`, which keeps no comments; the landing zone's program declares it.
"""


class AdoptionFailed(InfraError):
    """What was to be adopted does not make a valid inventory; the files are as they were."""

    code = "adoption_failed"


class _Plain(yaml.SafeDumper):
    """Without anchors: the inventory refuses them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_adopted(folder: Path, adopted: Mapping[str, Adopted]) -> None:
    """The whole file; removed when nothing is adopted (any more)."""
    file = folder / ADOPTED
    told = {code: _plain(one) for code, one in sorted(adopted.items()) if one}
    if not told:
        file.unlink(missing_ok=True)
        return
    text = yaml.dump({"agencies": told}, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    _replace(file, _HEADER + text)


def write_quota(folder: Path, code: str, limits: Mapping[str, int]) -> None:
    """These limits as the agency's own, beside those that it had already."""
    file = folder / AGENCIES
    text = file.read_text(encoding="utf-8")
    entry = _entry(text, code)
    keys = {key.value: (key, value) for key, value in entry.value}
    before = yaml.safe_load(_span(text, keys["quota"][1])) if "quota" in keys else {}
    flow = ", ".join(f"{name}: {limit}" for name, limit in {**before, **limits}.items())
    if "quota" in keys:
        value = keys["quota"][1]
        start, end = value.start_mark.index, _end(text, value)
        text = text[:start] + "{" + flow + "}" + text[end:]
    else:
        key, value = keys["size"]
        separator = ", " if entry.flow_style else "\n" + " " * key.start_mark.column
        at = value.end_mark.index if entry.flow_style else _line_end(text, value.end_mark.index)
        text = f"{text[:at]}{separator}quota: {{{flow}}}{text[at:]}"
    _replace(file, text)


@contextmanager
def kept_valid(folder: Path) -> Iterator[None]:
    """What is written inside stays if the inventory is valid with it; else everything is put back."""
    files = [folder / ADOPTED, folder / AGENCIES]
    before = {file: file.read_text(encoding="utf-8") if file.exists() else None for file in files}
    try:
        yield
        inventories.load(folder)
    except BaseException as failed:
        for file, text in before.items():
            if text is None:
                file.unlink(missing_ok=True)
            else:
                _replace(file, text)
        if isinstance(failed, InventoryInvalid):
            raise AdoptionFailed(f"the inventory would not be valid with it: {failed}") from failed
        raise


def _plain(adopted: Adopted) -> dict[str, Any]:
    resources = [
        {"type": one.type, "name": one.name, "id": one.id, "inputs": dict(one.inputs)}
        for one in adopted.resources
    ]
    properties = [
        {"type": one.type, "name": one.name, "values": dict(one.values)} for one in adopted.properties
    ]
    return {key: rows for key, rows in (("resources", resources), ("properties", properties)) if rows}


def _entry(text: str, code: str) -> yaml.MappingNode:
    """The node of the agency in its file; the inventory was valid, so it is there."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    agencies = next(value for key, value in root.value if key.value == "agencies")
    for entry in agencies.value:
        if any(key.value == "code" and value.value == code for key, value in entry.value):
            return entry  # type: ignore[no-any-return]
    raise AdoptionFailed(f"agencies.yaml has no agency {code}")


def _span(text: str, node: yaml.Node) -> str:
    """The text of a value, as a document of its own."""
    lead = " " * node.start_mark.column if not getattr(node, "flow_style", True) else ""
    return lead + text[node.start_mark.index : _end(text, node)]


def _end(text: str, node: yaml.Node) -> int:
    """Where the text of a value ends: a block's end mark is at the next token, lines and comments later."""
    if getattr(node, "flow_style", True) is not False:
        return int(node.end_mark.index)
    last = max(value.end_mark.index for _, value in node.value)
    return int(last)


def _line_end(text: str, index: int) -> int:
    """The end of the line, behind a comment that stands there."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _replace(file: Path, text: str) -> None:
    """All at once: a reader sees the old text or the new one."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    if file.exists():
        fresh.chmod(file.stat().st_mode & 0o777)
    os.replace(fresh, file)

"""One YAML file of the inventory, read so that no text whatever can do more than be refused.

Values mean what they mean to Ansible (YAML 1.1 by PyYAML's safe rules), because Ansible reads the same files.
Anchors, aliases, merge keys and tags are refused: the first three can grow a page into gigabytes, and all
four hide what is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.errors import Problem
from infra.inventory.wording import shown

MAX_BYTES = 1024 * 1024
"""Largest file that is read. A site of 1,000 hosts takes about 150 KiB."""

MAX_DEPTH = 20
"""Deepest nesting. The inventory itself needs 6."""

_MAX_INTEGER = 2**63 - 1
_WHOLE_FILE = "(whole file)"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """A file's bytes (for the digest), what it says (None if it cannot be used), and what is wrong with
    it.
    """

    file: str
    content: bytes
    value: dict[str, Any] | None
    problems: tuple[Problem, ...]


def read(path: Path) -> Document:
    """Read a file; problems are in the result, nothing is raised."""
    file = str(path)
    try:
        if not path.is_file():
            return _unusable(
                file, b"", "", "there is no such file", "create it; inventories/lab has an example"
            )
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return _unusable(file, b"", "", f"cannot be read: {error}", "correct the path or its permissions")
    return parse(file, content)


def parse(file: str, content: bytes) -> Document:
    """Understand the content of a file; problems are in the result, nothing is raised."""
    if len(content) > MAX_BYTES:
        why = f"is larger than {MAX_BYTES} bytes, the largest file that is read"
        return _unusable(file, content, "", why, "give the right file; an inventory is a few KiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        value = f"byte 0x{content[error.start]:02x} in line {line}"
        return _unusable(file, content, value, "is not UTF-8 text", "save the file as UTF-8")
    refused = tuple(_tabs(file, text)) or tuple(_events(file, text))
    if refused:
        return Document(file, content, None, refused)
    return _document(file, content, text)


def _unusable(file: str, content: bytes, value: str, why: str, way_out: str) -> Document:
    return Document(file, content, None, (Problem(file, _WHOLE_FILE, value, why, way_out),))


def _tabs(file: str, text: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), start=1):
        if "\t" in line:
            key = f"line {number}, column {line.index(chr(9)) + 1}"
            yield Problem(
                file, key, "", "there is a tab, and YAML has only spaces", "replace every tab by spaces"
            )
            return


def _place(mark: Any) -> str:
    return _WHOLE_FILE if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"


def _syntax(file: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be understood"
    return Problem(file, _place(mark), "", f"is not YAML: {said}", "correct it there or just above")


def _events(file: str, text: str) -> Iterator[Problem]:
    """Everything refused before any value is built, so that nothing can grow."""
    depth = documents = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            place = _place(event.start_mark)
            if isinstance(event, yaml.AliasEvent):
                yield Problem(
                    file, place, shown(f"*{event.anchor}"), "aliases are refused", "write the value out"
                )
            elif anchor := getattr(event, "anchor", None):
                yield Problem(file, place, shown(f"&{anchor}"), "anchors are refused", "write the value out")
            if tag := getattr(event, "tag", None):
                yield Problem(file, place, shown(tag), "tags are refused", "write a plain value")
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    yield Problem(
                        file, place, "", "a second document begins here", "keep one document in a file"
                    )
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                why = f"is nested deeper than {MAX_DEPTH} levels"
                yield Problem(file, place, "", why, "close the brackets, or flatten it")
                return
    except yaml.YAMLError as error:
        yield _syntax(file, error)


def _document(file: str, content: bytes, text: str) -> Document:
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        return Document(file, content, None, (_syntax(file, error),))
    if root is None or root.value == "":
        return _unusable(file, content, "", "is empty", "fill it; inventories/lab has an example")
    if not isinstance(root, yaml.MappingNode):
        return _unusable(
            file, content, "", "is not a mapping of keys to values", "begin with `key: value` lines"
        )
    problems: list[Problem] = []
    value = _build(file, root, "", problems)
    return Document(file, content, None if problems else value, tuple(problems))


def _build(file: str, node: yaml.Node, path: str, problems: list[Problem]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(file, node, path, problems)
    if isinstance(node, yaml.SequenceNode):
        return [_build(file, item, f"{path}[{index}]", problems) for index, item in enumerate(node.value)]
    return _scalar(file, node, path, problems)


def _mapping(file: str, node: yaml.MappingNode, path: str, problems: list[Problem]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
            value = shown(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            key = f"{path}: line {line}" if path else f"line {line}"
            problems.append(
                Problem(file, key, value, "a key must be text", "put the key in quotes, or correct it")
            )
            continue
        name = str(key_node.value)
        key = f"{path}.{name}" if path else name
        if name in result:
            why = f"stands twice, in lines {lines[name]} and {line}"
            problems.append(Problem(file, shown(key), "", why, "keep one of the two"))
        lines[name] = line
        result[name] = _build(file, value_node, key, problems)
    return result


def _scalar(file: str, node: yaml.Node, path: str, problems: list[Problem]) -> Any:
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ArithmeticError, LookupError, ValueError):
        why = "looks like a number, a date or a special value, and is none"
        problems.append(
            Problem(file, shown(path), shown(str(node.value)), why, "put it in quotes, or correct it")
        )
        return None
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        problems.append(
            Problem(file, shown(path), shown(str(node.value)), "is too large a number", "write a smaller one")
        )
        return None
    return value

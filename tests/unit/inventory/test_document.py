"""One YAML file: whatever it holds, an answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.inventory.document import MAX_BYTES, parse, read


def refusals(content: str | bytes) -> list[tuple[str, str]]:
    found = parse("f.yml", content.encode() if isinstance(content, str) else content)
    assert found.value is None
    assert found.problems
    return [(problem.key, problem.why) for problem in found.problems]


def test_a_plain_mapping_is_read() -> None:
    found = parse("f.yml", b"a: 1\nb: [x, 2.5, true, null]\nc: {d: 'quoted'}\n")
    assert found.value == {"a": 1, "b": ["x", 2.5, True, None], "c": {"d": "quoted"}}
    assert found.problems == ()


def test_vietnamese_names_are_kept_exactly() -> None:
    found = parse("f.yml", 'name: "Sở Thông tin và Truyền thông"'.encode())
    assert found.value == {"name": "Sở Thông tin và Truyền thông"}


def test_a_tab_is_refused_with_its_place() -> None:
    assert refusals("a:\n  b: 1\n\tc: 2\n") == [
        ("line 3, column 1", "there is a tab, and YAML has only spaces")
    ]


def test_an_anchor_and_its_alias_are_refused() -> None:
    keys = refusals("a: &x [1]\nb: *x\n")
    assert keys == [("line 1, column 4", "anchors are refused"), ("line 2, column 4", "aliases are refused")]


def test_a_billion_laughs_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert all("refused" in why for _, why in refusals("\n".join(lines)))


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system [ls]", "a: !vault x", "!!map {a: 1}"])
def test_a_tag_is_refused(text: str) -> None:
    assert [why for _, why in refusals(text)] == ["tags are refused"]


def test_a_merge_key_is_refused() -> None:
    assert [why for _, why in refusals("<<: {a: 1}\n")] == ["a key must be text"]


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    found = parse("f.yml", b"a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert [(problem.key, problem.why) for problem in found.problems] == [
        ("a.b", "stands twice, in lines 2 and 4")
    ]


def test_every_repeated_key_is_told_at_once() -> None:
    assert [key for key, _ in refusals("a: 1\na: 2\nb: {c: 1, c: 2}\n")] == ["a", "b.c"]


@pytest.mark.parametrize(
    "text", ["1: a", "yes: a", "null: a", "2026-11-23: a", "? [a]\n: b", "? {a: b}\n: c"]
)
def test_a_key_that_is_not_text_is_refused(text: str) -> None:
    assert [why for _, why in refusals(text)] == ["a key must be text"]


def test_more_than_a_mebibyte_is_refused() -> None:
    assert "larger than" in refusals(b"a: " + b"x" * MAX_BYTES)[0][1]


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    large = tmp_path / "large.yml"
    with large.open("wb") as stream:
        stream.truncate(10 * 1024 * 1024)
    found = read(large)
    assert len(found.content) == MAX_BYTES + 1
    assert "larger than" in found.problems[0].why


def test_what_is_not_utf_8_is_refused_with_the_byte_and_line() -> None:
    found = parse("f.yml", b"a: 1\nb: \xff\n")
    assert (found.problems[0].why, found.problems[0].value) == ("is not UTF-8 text", "byte 0xff in line 2")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null", "''", "\ufeff"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert refusals(text)[0][1] in ("is empty", "is not a mapping of keys to values")


@pytest.mark.parametrize("text", ["[a, b]", "a", "- a\n- b\n", "42"])
def test_what_is_not_a_mapping_is_refused(text: str) -> None:
    assert refusals(text) == [("(whole file)", "is not a mapping of keys to values")]


def test_a_syntax_error_is_told_with_line_and_column() -> None:
    key, why = refusals("a: 1\nb: [1, 2\nc: 3\n")[0]
    assert key.startswith("line 3, column ")
    assert why.startswith("is not YAML")


def test_a_second_document_is_refused() -> None:
    assert "second document" in refusals("a: 1\n---\nb: 2\n")[0][1]


@pytest.mark.parametrize("text", ["a: " + "[" * 500_000, "{" * 500_000, "a: " + "[" * 100 + "]" * 100])
def test_deep_nesting_is_refused_without_recursion(text: str) -> None:
    assert "nested deeper" in refusals(text)[0][1]


def test_a_control_character_is_refused() -> None:
    assert "is not YAML" in refusals("a: \x00\n")[0][1]


@pytest.mark.parametrize("value", ["2026-99-99", "0b_", "0x_", "=", "1" * 5000, "0x" + "f" * 5000, "._"])
def test_a_value_that_only_looks_like_a_number_or_date_gives_an_answer(value: str) -> None:
    found = parse("f.yml", f"a: {value}\n".encode())
    assert found.value is not None or all(problem.key == "a" for problem in found.problems)


def test_a_number_beyond_64_bits_is_refused() -> None:
    assert refusals("a: 9223372036854775808") == [("a", "is too large a number")]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path / "none.yml").problems[0].why == "there is no such file"


def test_a_folder_in_place_of_a_file_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path).problems[0].why == "there is no such file"


def test_a_file_that_cannot_be_read_is_a_problem() -> None:
    assert read(Path("x" * 5000)).problems[0].why.startswith("cannot be read")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    assert read(tmp_path / "pipe.yml").problems[0].why == "there is no such file"

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_engine import EngineNotBuilt, ensure, on_path, place, version_of

MODULE = Path(pulumi_engine.__file__).parent / "engine_module"


def make_program(file: Path, says: str, status: int = 0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.mark.parametrize(
    ("says", "taken"),
    [("v3.259.0", True), ("v3.300.1", True), ("v3.258.9", False), ("v2.0.0", False), ("?", False)],
)
def test_an_engine_on_path_is_taken_if_it_is_recent_enough(tmp_path: Path, says: str, taken: bool) -> None:
    engine = make_program(tmp_path / "pulumi", says)
    assert on_path(str(tmp_path)) == (engine if taken else None)


def test_a_program_that_fails_has_no_version(tmp_path: Path) -> None:
    assert version_of(make_program(tmp_path / "pulumi", "v3.259.0", status=1)) is None
    assert version_of(tmp_path / "nothing") is None


def test_the_cached_engine_is_taken_and_nothing_is_built(tmp_path: Path) -> None:
    engine = make_program(place(tmp_path), f"v{pulumi_engine.VERSION}")
    assert ensure(tmp_path, search_path=str(tmp_path / "empty")) == engine


def test_a_failed_build_says_why_and_leaves_no_engine(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    make_program(tools / "go", "go version")
    (tools / "go").write_text(
        "#!/bin/sh\n[ \"$1\" = version ] && exit 0\necho 'checksum mismatch' >&2\nexit 1\n"
    )
    with pytest.raises(EngineNotBuilt, match="checksum mismatch"):
        ensure(tmp_path, search_path=f"{tools}")
    assert not place(tmp_path).exists()
    assert not list(place(tmp_path).parent.glob("build-*"))


def test_a_build_is_put_in_place_whole(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    make_program(tools / "go", "")
    (tools / "go").write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done\n'
        '[ -z "$out" ] || {\n'
        f'printf "#!/bin/sh\\necho v{pulumi_engine.VERSION}\\n" > $out; chmod +x $out\n'
        "}\n"
    )
    said: list[str] = []
    assert ensure(tmp_path, said.append, search_path=f"{tools}") == place(tmp_path)
    assert any("building" in sentence for sentence in said)


def test_the_engines_module_is_locked_and_names_the_version_we_ask_for() -> None:
    required = (MODULE / "go.mod").read_text(encoding="utf-8")
    assert f"github.com/pulumi/pulumi/pkg/v3 v{pulumi_engine.VERSION}" in required
    lock = (MODULE / "go.sum").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"\S+ v\S+ h1:[A-Za-z0-9+/]{43}=", line) for line in lock)

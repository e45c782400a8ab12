"""What every part is made with: folders, tools, and digests of the material."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from infra.depot.errors import DepotPartFailed
from infra.depot.manifest import FileEntry, digest

# Say what is going on inside a part, and how far it is (0..1).
Say = Callable[[str, float], None]

PYTHON = Path("/usr/bin/python3.11")


@dataclass
class Workshop:
    """One build. `files` grows as parts are done, so that a part can tell what it is made from."""

    depot_dir: Path
    cache_dir: Path
    project_root: Path
    engine: Path | Callable[[], Path] | None = None
    files: dict[str, FileEntry] = field(default_factory=dict)

    def cache(self, *names: str) -> Path:
        """A folder of the depot's own in the cache; what it holds may vanish between builds."""
        folder = self.cache_dir.joinpath("depot", *names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def uv(self) -> Path:
        """uv of the cache, where scripts/up puts it, else the one on PATH."""
        own = self.cache_dir / "uv" / "bin" / "uv"
        found = str(own) if own.is_file() else shutil.which("uv")
        if found is None:
            raise DepotPartFailed("wheels", "uv is not installed; run scripts/up, or put uv on PATH")
        return Path(found)

    def own_source(self, *names: str) -> str:
        """Digest of modules of this package: a part made by other code is another part.

        The code counts, not its words and its layout.
        """
        here = Path(__file__).parent
        return digest(*(_code(here.joinpath(name).read_text()) for name in names))

    def made_from(self, prefix: str) -> str:
        """Digest of what the depot holds under a path, for parts that are made from other parts."""
        held = sorted(
            (path, entry.sha256) for path, entry in list(self.files.items()) if path.startswith(prefix)
        )
        return digest(*(word for pair in held for word in pair))


def tree_digest(root: Path, paths: Iterable[Path]) -> str:
    """Digest of names and contents of files, and of the files under folders; byte code does not count."""
    found: list[Path] = []
    for path in paths:
        found += [path] if path.is_file() else (item for item in path.rglob("*") if item.is_file())
    kept = sorted(item for item in found if "__pycache__" not in item.parts)
    return digest(
        *(word for item in kept for word in (str(item.relative_to(root)).encode(), item.read_bytes()))
    )


def _code(source: str) -> str:
    """A module without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.dump(tree)

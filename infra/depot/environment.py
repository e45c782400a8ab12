"""A Python environment made once on the build host and unpacked on every server.

It works at any path (relocatable scripts), uses Debian's own /usr/bin/python3.11, and its byte code is in it:
services run without the right to write there, and three servers on two cores have no time to compile.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from infra.depot.command import run
from infra.depot.rootfs import pack
from infra.depot.wheels import wheel_requirements
from infra.depot.workshop import PYTHON, Say, Workshop

# Debian's libvirt binding fits Debian's libvirt. On a server without it the links dangle: no such module.
_LIBVIRT = (
    "libvirt.py",
    "libvirt_qemu.py",
    "libvirt_lxc.py",
    "libvirtaio.py",
    "libvirtmod.cpython-311-x86_64-linux-gnu.so",
    "libvirtmod_qemu.cpython-311-x86_64-linux-gnu.so",
    "libvirtmod_lxc.cpython-311-x86_64-linux-gnu.so",
)
# Of every file; byte code does not look at it.
_DATE = "2026-01-01 00:00:00Z"
_DEBIAN_PACKAGES = Path("/usr/lib/python3/dist-packages")


def make(
    part: str,
    workshop: Workshop,
    say: Say,
    *,
    wheels: Path,
    name: str,
    archive: Path,
    libvirt: bool = False,
) -> None:
    """Install the wheels of a folder, and no others; `name` is the environment's folder in the archive.

    `libvirt` links Debian's libvirt modules into it (package python3-libvirt of the server).
    """
    parent = workshop.cache(f"environment-{part}")
    shutil.rmtree(parent)
    target = parent / name
    python = target / "bin/python"
    say("making the environment", 0.1)
    run(part, [workshop.uv(), "venv", "--quiet", "--relocatable", "--python", PYTHON, target])
    requirements = parent / "requirements.txt"
    requirements.write_text(wheel_requirements(wheels))
    run(
        part,
        [
            workshop.uv(),
            "pip",
            "install",
            "--quiet",
            "--offline",
            "--python",
            python,
            "--no-index",
            "--find-links",
            wheels,
            "--no-deps",
            "--require-hashes",
            "--link-mode",
            "copy",
            "--requirement",
            requirements,
        ],
    )
    site = target / "lib/python3.11/site-packages"
    if libvirt:
        for module in _LIBVIRT:
            (site / module).symlink_to(_DEBIAN_PACKAGES / module)
    say("removing what never runs", 0.3)
    remove_unused(site)
    say("compiling", 0.4)
    run(part, [python, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", site])
    say("packing", 0.9)
    archive.parent.mkdir(parents=True, exist_ok=True)
    # The same wheels make the same archive: servers that have it need not unpack it again.
    pack(part, parent, name, archive, "--owner=0", "--group=0", f"--mtime={_DATE}")
    shutil.rmtree(parent)


def remove_unused(site: Path) -> None:
    """Drop packages' own test suites (a third of the files) that nothing a service runs imports."""
    for tests in sorted(path for path in site.glob("*/tests") if path.is_dir()):
        package = tests.parent
        imports = re.compile(
            rf"^\s*(from|import) {package.name}\.tests\b|^\s*from {package.name} import .*\btests\b", re.M
        )
        others = (
            path for path in package.rglob("*.py") if tests not in path.parents and not _supports_tests(path)
        )
        if not any(imports.search(path.read_text(errors="replace")) for path in others):
            shutil.rmtree(tests)


def _supports_tests(path: Path) -> bool:
    """Modules that only tests import; without the test suite they cannot be imported either."""
    return path.name in ("test.py", "fixture.py") or bool({"examples", "benchmarks"} & set(path.parts))

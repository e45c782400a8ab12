"""The programs of a site's stacks: loaded by path, given their arguments, and summed up in a digest."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from infra.domain.agency import Agency
from infra.inventory import Inventory
from infra.provisioning import pulumi_engine
from infra.provisioning.stack_record import digest_of, digest_of_files

_ROOT = Path(__file__).resolve().parents[2]
STACKS = _ROOT / "stacks"
PLATFORM, LANDING_ZONE = "platform", "landing_zone"
Program = Callable[[], None]


class StackPrograms:
    """`open_to` are the networks from which agencies' servers take SSH and ping (None: the site's management
    network and its way out). A code is an agency's, "" the platform's.
    """

    def __init__(
        self, inventory: Inventory, site_dir: Path, depot_dir: Path, open_to: Sequence[str] | None
    ) -> None:
        self._inventory = inventory
        self._site_dir = site_dir
        self._depot_dir = depot_dir
        self._open_to = tuple(open_to) if open_to is not None else _administration(inventory)

    def named(self, code: str) -> tuple[str, str]:
        """Project and stack; the platform is the stack without an agency."""
        site = self._inventory.site.site_name
        return (LANDING_ZONE, f"{site}-{code}") if code else (PLATFORM, site)

    def code(self, stack: str) -> str | None:
        """The agency of a landing zone's stack, None for another site's."""
        start = f"{self._inventory.site.site_name}-"
        return stack.removeprefix(start) if stack.startswith(start) else None

    def level(self, code: str) -> int:
        """The security level of the agency; the lowest for the platform and for who left the inventory."""
        return {one.code: one.security_level for one in self._inventory.agencies}.get(code, 1)

    def weight(self, code: str) -> int:
        """How long it takes beside others: what has servers is begun first."""
        return {one.code: len(one.servers) for one in self._inventory.agencies}.get(code, 0)

    def prepare(self, *, zones: bool) -> None:
        """Load what threads need before they start."""
        load_stack(STACKS / (LANDING_ZONE if zones else PLATFORM))
        _ = (self._code_digest, self._ssh_public_key if zones else self._image_digests)

    def program(self, code: str, standing: Callable[[Agency], Agency] = lambda agency: agency) -> Program:
        """`standing` tells which of an agency's adopted things are there to take over (see `adoption`)."""
        if not code:
            module = load_stack(STACKS / PLATFORM)
            return partial(module.program, self._inventory, self._depot_dir, self._image_digests)
        module = load_stack(STACKS / LANDING_ZONE)
        agency = standing(self._inventory.agency(code))
        return partial(module.program, self._inventory, agency, self._ssh_public_key, self._open_to)

    def digest(self, code: str, platform: Any) -> str:
        """Of all that decides what the program asks for, and whether it may. `platform`: its outputs."""
        site = self._inventory.site
        release = (pulumi_engine.VERSION, self._code_digest, asdict(self._inventory.policies))
        if not code:
            hosts = [asdict(host) for host in self._inventory.hosts]
            return digest_of(
                release, asdict(self._inventory.platform), asdict(site), hosts, self._image_digests
            )
        agency = asdict(self._inventory.agency(code))
        given = (self._ssh_public_key, self._open_to, site.site_name, site.dns_servers)
        return digest_of(release, agency, given, platform)

    @cached_property
    def _code_digest(self) -> str:
        """Of the programs and of the provider: a new release of either runs every stack again."""
        infra = _ROOT / "infra"
        folders = [STACKS, infra / "provider", infra / "cloud", infra / "domain"]
        return digest_of_files(file for folder in folders for file in folder.rglob("*.py"))

    @cached_property
    def _image_digests(self) -> Mapping[str, str]:
        manifest = json.loads((self._depot_dir / "manifest.json").read_text(encoding="utf-8"))
        return {
            path: str(file["sha256"])
            for path, file in manifest["files"].items()
            if path.startswith("images/")
        }

    @cached_property
    def _ssh_public_key(self) -> str:
        return (self._site_dir / "ssh" / "id_ed25519.pub").read_text(encoding="utf-8").strip()


def _administration(inventory: Inventory) -> tuple[str, ...]:
    site = inventory.site
    return (str(site.management_network.cidr), f"{site.external_network.gateway}/32")


def load_stack(folder: Path) -> ModuleType:
    """A stack's program, by path: `infra` imports no stack."""
    spec = importlib.util.spec_from_file_location(f"citycloud_stack_{folder.name}", folder / "__main__.py")
    assert spec is not None  # a .py file always has both
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts = [loaded for name, loaded in sys.modules.items() if name.startswith("stacks.")]
    for value in [value for part in (module, *parts) for value in vars(part).values()]:
        # The SDK's modules load when something of theirs is first asked for; not safely, if two threads ask.
        if isinstance(value, ModuleType):
            hasattr(value, "Provider")
    return module

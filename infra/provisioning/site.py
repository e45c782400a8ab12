"""One site as the deploy host holds it: inventory, files, opened secrets. What every command on a site starts
from.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from infra.errors import InfraError, Problem
from infra.hosts import namespace
from infra.hosts.keys import ensure_key, write_whole
from infra.inventory import Inventory
from infra.provisioning.secrets import (
    Secrets,
    Vault,
    VaultPasswordMissing,
    ensure_lab_password,
)
from infra.settings import Settings, SitePaths


class SiteUnknown(InfraError):
    """Nothing was ever deployed for this site from this machine; deploy it first."""

    code = "site_unknown"


@dataclass(frozen=True)
class SiteContext:
    """Everything that provisioning needs to know about one site; made by `open_site` and `find_site`."""

    settings: Settings
    inventory: Inventory
    paths: SitePaths
    vault: Vault
    secrets: Secrets

    @property
    def name(self) -> str:
        return self.inventory.site.site_name

    @property
    def is_lab(self) -> bool:
        return self.inventory.lab is not None

    @property
    def identity_url(self) -> str:
        return f"https://{self.inventory.site.api_name}:5000/v3"

    def playbook_variables(self) -> dict[str, str]:
        """Extra variables of every playbook, beside the secrets."""
        return {
            "site_dir": str(self.paths.directory),
            "depot_dir": str(self.settings.depot_dir),
            "project_root": str(self.settings.project_root),
            "citycloud_version": version("citycloud"),
        }

    def enter_network(self) -> None:
        """In a lab: move this thread, and all it starts, into the lab's network. A real site's is the
        machine's.
        """
        if self.is_lab:
            namespace.enter(namespace.name_of(self.name))


def open_site(settings: Settings, inventory: Inventory, now: dt.datetime) -> SiteContext:
    """The site of an inventory, with its key and secrets made where they are missing.

    Raises VaultPasswordMissing, VaultPasswordWrong, VaultDamaged before anything is written.
    """
    paths, vault = _places(settings, inventory)
    if settings.vault_password_file is None:
        if inventory.lab is None:
            raise VaultPasswordMissing(
                [
                    Problem(
                        str(inventory.path),
                        "vault",
                        "",
                        "a production site's vault password is not kept beside its vault",
                        "name the file that holds it in CITYCLOUD_VAULT_PASSWORD_FILE",
                    )
                ]
            )
        ensure_lab_password(paths.vault_password, vault.path)
    services = service_names(settings.project_root)
    servers = {host.name: [str(host.address)] for host in inventory.hosts}
    secrets = vault.ensure(inventory.site.site_name, services, api_names(inventory), now, servers)
    ensure_key(paths.ssh_key, f"citycloud-{inventory.site.site_name}")
    certificate = secrets.ca_certificate.encode()
    if not paths.ca_certificate.exists() or paths.ca_certificate.read_bytes() != certificate:
        write_whole(paths.ca_certificate, certificate, 0o644)
    return SiteContext(settings, inventory, paths, vault, secrets)


def find_site(settings: Settings, inventory: Inventory) -> SiteContext:
    """The site as an earlier run left it; makes nothing. Raises SiteUnknown and what opening a vault
    raises."""
    paths, vault = _places(settings, inventory)
    if not vault.exists():
        raise SiteUnknown(
            f"the site `{inventory.site.site_name}` was never deployed from this machine;"
            f" deploy it with: citycloud up --inventory {inventory.path}"
        )
    return SiteContext(settings, inventory, paths, vault, vault.load())


def service_names(project_root: Path) -> list[str]:
    """OpenStack services that need accounts: one file each in playbooks/services/."""
    return sorted(path.stem for path in (project_root / "playbooks" / "services").glob("*.yml"))


def api_names(inventory: Inventory) -> list[str]:
    """Every name and address under which the API is reached: the public one first, then each controller's."""
    controllers = [host for host in inventory.hosts if host.is_controller]
    names = [inventory.site.api_name, str(inventory.site.api_address)]
    for host in controllers:
        names += [host.name, str(host.address)]
    return list(dict.fromkeys(names))


def digest_of(project_root: Path, paths: Iterable[Path]) -> str:
    """sha256 over names and contents of these files and folders; one that is missing counts as empty."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                name = file.relative_to(project_root) if file.is_relative_to(project_root) else file
                total.update(f"{name}\0{file.stat().st_size}\0".encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def _places(settings: Settings, inventory: Inventory) -> tuple[SitePaths, Vault]:
    paths = settings.site(inventory.site.site_name)
    return paths, Vault(paths.secrets, settings.vault_password_file or paths.vault_password)

"""Where City Cloud keeps things on the deploy host; the one reader of the environment.

Entry points call `Settings.from_environment(os.environ)` and pass on what the rest needs; nothing else looks
at environment variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATE_DIR = Path("/var/lib/citycloud")
CACHE_DIR = Path("/var/cache/citycloud")


@dataclass(frozen=True)
class SitePaths:
    """The files of one site. `directory` is 0700: it holds the site's key, vault and Pulumi state."""

    directory: Path

    @property
    def journal(self) -> Path:
        """Append-only record of runs, see `infra.provisioning.journal`."""
        return self.directory / "journal.jsonl"

    @property
    def lock(self) -> Path:
        return self.directory / "lock"

    @property
    def secrets(self) -> Path:
        """Every password and key of the site, encrypted with ansible-vault."""
        return self.directory / "secrets.yml"

    @property
    def vault_password(self) -> Path:
        """A lab's vault password; a production site's is given from outside and never stored here."""
        return self.directory / "vault-password"

    @property
    def ssh_key(self) -> Path:
        return self.directory / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Pinned host keys of the site's servers: an unknown or changed key is refused."""
        return self.directory / "known_hosts"

    @property
    def guests(self) -> Path:
        """Pinned host keys of the virtual machines, a file per server id, see `infra.provisioning.guest`."""
        return self.directory / "guests"

    @property
    def plans(self) -> Path:
        """Plans that wait for a second person, see `infra.provisioning.confirmation`."""
        return self.directory / "plans"

    @property
    def pulumi(self) -> Path:
        return self.directory / "pulumi"

    @property
    def runner(self) -> Path:
        return self.directory / "runner"

    @property
    def ca_certificate(self) -> Path:
        return self.directory / "ca.pem"


@dataclass(frozen=True)
class Settings:
    """What the environment decides, resolved once.

    CITYCLOUD_STATE (default /var/lib/citycloud) holds sites and labs, CITYCLOUD_CACHE (default
    /var/cache/citycloud) what can be made again, CITYCLOUD_DEPOT (default <state>/depot) the depot.
    CITYCLOUD_VAULT_PASSWORD_FILE names the file with the vault's password; without it a lab keeps its own and
    a production site is refused. CITYCLOUD_ANSIBLE_STRATEGY=linear runs Ansible without mitogen.
    """

    state_dir: Path
    cache_dir: Path
    depot_dir: Path
    project_root: Path
    vault_password_file: Path | None = None
    ansible_strategy: str = "mitogen_linear"
    search_path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        state_dir = _absolute(environ.get("CITYCLOUD_STATE"), STATE_DIR)
        vault_password = environ.get("CITYCLOUD_VAULT_PASSWORD_FILE")
        return cls(
            state_dir=state_dir,
            cache_dir=_absolute(environ.get("CITYCLOUD_CACHE"), CACHE_DIR),
            depot_dir=_absolute(environ.get("CITYCLOUD_DEPOT"), state_dir / "depot"),
            project_root=Path(__file__).resolve().parents[1],
            vault_password_file=Path(vault_password).absolute() if vault_password else None,
            ansible_strategy=environ.get("CITYCLOUD_ANSIBLE_STRATEGY") or cls.ansible_strategy,
            search_path=environ.get("PATH") or cls.search_path,
        )

    def site(self, name: str) -> SitePaths:
        return SitePaths(self.state_dir / "sites" / name)

    def lab_dir(self, name: str) -> Path:
        """Servers' overlay directories and process ids of the lab of this name."""
        return self.state_dir / "labs" / name


def _absolute(value: str | None, default: Path) -> Path:
    return Path(value).absolute() if value else default

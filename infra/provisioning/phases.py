"""The phases of a site's deployment, composed of what the other modules do.

inventory, depot, lab (labs only), preflight; then those of playbooks/site.yml; then platform, landing_zones,
verify.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from infra import depot
from infra import inventory as inventories
from infra.depot.manifest import Manifest
from infra.errors import InventoryInvalid, Problem
from infra.hosts import preflight
from infra.hosts.lab import Lab
from infra.provisioning import pulumi_engine
from infra.provisioning.deploy import PhaseLog, Stage, single
from infra.provisioning.guest_watch import GuestWatch
from infra.provisioning.live_site import LiveSite
from infra.provisioning.playbook import Ansible, Playbook
from infra.provisioning.playbook_events import phase_names
from infra.provisioning.site import SiteContext, digest_of
from infra.provisioning.tether import Tether
from infra.provisioning.verify import Verification

Step = Callable[[str], None]


def stages(site: SiteContext, tether: Tether) -> list[Stage]:
    """Every stage of `up`, in order."""
    gates = [inventory_stage(site), depot_stage(site, tether)]
    if site.is_lab:
        gates.append(lab_stage(site))
    return [
        *gates,
        preflight_stage(site),
        playbook_stage(site, tether),
        platform_stage(site, tether),
        landing_zones_stage(site, tether),
        verify_stage(site),
    ]


def inventory_stage(site: SiteContext) -> Stage:
    """The inventory is valid and the one that this run began with."""

    def work(step: Step) -> int:
        inventory = inventories.load(site.inventory.path)
        if inventory.digest() != site.inventory.digest():
            raise InventoryInvalid(
                [Problem(str(inventory.path), "files", "", "changed while the run began", "run it again")]
            )
        step(f"{len(inventory.hosts)} servers, {len(inventory.agencies)} agencies")
        return 0

    return single("inventory", site.inventory.digest, work, gate=True)


def depot_stage(site: SiteContext, tether: Tether) -> Stage:
    """A lab's depot is built where something is missing; a production site's was carried in and is
    checked."""
    settings = site.settings

    def engine(step: Step) -> Path:
        return pulumi_engine.ensure(settings.cache_dir, step, engine_search_path(site))

    def work(step: Step) -> int:
        if not site.is_lab:
            step(f"{depot.verify(settings.depot_dir)} files are as their manifest says")
            engine(step)
            return 0
        with tether.children():
            result = depot.build(
                settings.depot_dir,
                settings.cache_dir,
                settings.project_root,
                lambda part, message, _: step(f"{part}: {message}"),
                engine=lambda: engine(step),
            )
        return len(result.made)

    return single("depot", lambda: depot_digest(settings.depot_dir), work, gate=True)


def lab_stage(site: SiteContext) -> Stage:
    """The lab's servers run and answer SSH."""
    lab = Lab.of(site.inventory, site.settings)

    def work(step: Step) -> int:
        before = {server.name for server in lab.status().servers if server.state == "running"}
        after = lab.create(step).servers
        return sum(server.name not in before for server in after)

    return single("lab", site.inventory.digest, work, gate=True)


def preflight_stage(site: SiteContext) -> Stage:
    """Every server is looked at before anything on it changes; all that is wrong comes in one report."""

    def work(step: Step) -> int:
        report = preflight.examine(site.inventory, site.settings)
        report.require()
        step(f"{len(report.facts)} servers are fit")
        return 0

    return single("preflight", site.inventory.digest, work, gate=True, before=site.enter_network)


def ansible_of(site: SiteContext) -> Ansible:
    settings = site.settings
    return Ansible(
        project_root=settings.project_root,
        inventory=site.inventory.path.absolute(),
        paths=site.paths,
        vault=site.vault,
        variables=site.playbook_variables(),
        search_path=settings.search_path,
        strategy=settings.ansible_strategy,
    )


def playbook_stage(site: SiteContext, tether: Tether) -> Stage:
    """The phases of playbooks/site.yml: one run of Ansible, from the first phase that is not done."""
    ansible = ansible_of(site)
    inventory = site.inventory.path

    def inputs(_: str) -> str:
        files = ["hosts.yml", "group_vars"]
        sources = [site.settings.project_root / "playbooks", site.paths.secrets]
        digest = digest_of(site.settings.project_root, [*sources, *(inventory / name for name in files)])
        return _joined(digest, depot_digest(site.settings.depot_dir))

    def work(phases: list[str], log: PhaseLog) -> None:
        Playbook(ansible, site.secrets).run(tether.run_id, phases, log, tether.environment)

    return Stage(tuple(phase_names(ansible.plays())), inputs, work, before=site.enter_network)


def verify_stage(site: SiteContext) -> Stage:
    """The site serves as it should; raises NotHealthy with every check that failed."""

    def work(step: Step) -> int:
        live = LiveSite(site)
        Verification(site.inventory, live, live.compute, live.roll, step).run().must_hold()
        return 0

    return single("verify", lambda: "", work, gate=True, before=site.enter_network)


def engine_search_path(site: SiteContext) -> str:
    """Where the Pulumi engine is looked for: PATH, then the depot, which an air-gapped site was given."""
    return f"{site.settings.search_path}:{site.settings.depot_dir / 'pulumi'}"


def depot_digest(depot_dir: Path) -> str:
    """What the depot holds; dates and build times in its manifest do not count."""
    files = Manifest.read_or_empty(depot_dir).files
    return _joined(*(f"{path}:{entry.sha256}" for path, entry in sorted(files.items())))


def _joined(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def platform_stage(site: SiteContext, tether: Tether) -> Stage:
    """Flavors, images, provider network, aggregates, roles."""

    def work(step: Step) -> int:
        raise NotImplementedError

    return single("platform", lambda: "", work, before=site.enter_network)


def landing_zones_stage(site: SiteContext, tether: Tether) -> Stage:
    """What every agency gets on day one."""

    def work(step: Step) -> int:
        live = LiveSite(site)
        with GuestWatch(live.compute, live.roll):
            raise NotImplementedError

    return single("landing_zones", lambda: "", work, before=site.enter_network)

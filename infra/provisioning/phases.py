"""The phases of a site's deployment, composed of what the other modules do.

inventory, depot, lab (labs only), preflight; then those of playbooks/site.yml; then platform, landing_zones,
maintenance, verify.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from infra import depot
from infra import inventory as inventories
from infra.depot.manifest import Manifest
from infra.errors import InventoryInvalid, Problem
from infra.hosts import deploy_host, preflight
from infra.hosts.lab import Lab
from infra.provisioning import pulumi_engine
from infra.provisioning.deploy import PhaseLog, Stage, single
from infra.provisioning.guard import Admission
from infra.provisioning.guest_watch import GuestWatch
from infra.provisioning.live_site import LiveSite, admin_credentials
from infra.provisioning.maintenance import apply_windows
from infra.provisioning.playbook import Ansible, Playbook
from infra.provisioning.playbook_events import phase_names
from infra.provisioning.signature import Signer
from infra.provisioning.site import SiteContext, digest_of
from infra.provisioning.stack import Stacks
from infra.provisioning.stack_result import StackProgress
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
        maintenance_stage(site),
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
                with_keycloak=any(host.is_keycloak for host in site.inventory.hosts),
            )
        return len(result.made)

    return single("depot", lambda: depot_digest(settings.depot_dir), work, gate=True)


def lab_stage(site: SiteContext) -> Stage:
    """The lab's servers run and answer SSH."""
    lab = Lab.of(site.inventory, site.settings)

    def work(step: Step) -> int:
        deploy_host.require(site.inventory, site.settings)
        before = lab.status().servers
        if all(server.state == "absent" for server in before):
            forget_cloud(site)
        lab.create(step)
        return sum(server.state != "running" for server in before)

    return single("lab", site.inventory.digest, work, gate=True)


def forget_cloud(site: SiteContext) -> None:
    """Before new servers: what stacks and guests remember is of a cloud that is gone with the old disks."""
    for path in (site.paths.pulumi, site.paths.guests):
        if path.exists():
            shutil.rmtree(path)


def preflight_stage(site: SiteContext) -> Stage:
    """Every server is looked at before anything on it changes; all that is wrong comes in one report."""

    def work(step: Step) -> int:
        if not site.is_lab:
            deploy_host.require(site.inventory, site.settings)
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
        # a server that was installed anew has another host key: what was done on the old one is not done
        sources = [site.settings.project_root / "playbooks", site.paths.secrets, site.paths.known_hosts]
        digest = digest_of(site.settings.project_root, [*sources, *(inventory / name for name in files)])
        return _joined(digest, depot_digest(site.settings.depot_dir))

    def work(phases: list[str], log: PhaseLog) -> None:
        Playbook(ansible, site.secrets).run(tether.run_id, phases, log, tether.environment)

    return Stage(tuple(phase_names(ansible.plays())), inputs, work, before=site.enter_network)


def platform_stage(site: SiteContext, tether: Tether) -> Stage:
    """Flavors, images, provider network, aggregates, roles."""

    def work(step: Step) -> int:
        with tether.children(), open_stacks(site, shown_by(step)) as stacks:
            return stacks.platform_up().changed

    return single("platform", lambda: stacks_digest(site), work, before=site.enter_network)


def landing_zones_stage(site: SiteContext, tether: Tether) -> Stage:
    """What every agency gets on day one; its first guests are watched from their first second on."""

    def work(step: Step) -> int:
        live = LiveSite(site)
        with (
            GuestWatch(live.compute, live.roll),
            tether.children(),
            open_stacks(site, shown_by(step)) as stacks,
        ):
            return sum(result.changed for result in stacks.zone_up())

    return single("landing_zones", lambda: stacks_digest(site), work, before=site.enter_network)


def maintenance_stage(site: SiteContext) -> Stage:
    """Alertmanager is silent in the windows that were agreed with agencies, and in no other."""

    def work(step: Step) -> int:
        done = apply_windows(site, dt.datetime.now(dt.UTC))
        step(f"{len(done.made)} silences made, {len(done.removed)} removed")
        return done.changed

    return single("maintenance", site.inventory.digest, work, before=site.enter_network)


def open_stacks(
    site: SiteContext, on_event: Callable[[StackProgress], None], requester: Signer | None = None,
    guard: Admission | None = None,
) -> Stacks:  # fmt: skip
    """The site's stacks, as the cloud's administrator. The lab's network must have been entered."""
    settings = site.settings
    return Stacks(
        site.inventory,
        site.paths.directory,
        settings.depot_dir,
        settings.cache_dir,
        admin_credentials(site),
        site.secrets.pulumi_passphrase,
        on_event=on_event,
        search_path=engine_search_path(site),
        requester=requester,
        guard=guard,
        backend_environment=site.secrets.pulumi_environment,
    )


def shown_by(step: Step) -> Callable[[StackProgress], None]:
    """Stacks' progress as sentences."""

    def show(event: StackProgress) -> None:
        name = f"{event.stack}: " if event.stack else ""
        step(f"{event.done} of {event.total} stacks; {name}{event.sentence}")

    return show


def stacks_digest(site: SiteContext) -> str:
    """What the stacks are made of: the whole inventory, the programs, the images."""
    root = site.settings.project_root
    programs = digest_of(root, [root / "stacks"])
    return _joined(site.inventory.digest(), programs, depot_digest(site.settings.depot_dir))


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

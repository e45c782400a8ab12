"""The phases of a site's deployment, composed of what the other modules do."""

from __future__ import annotations

from infra.provisioning.deploy import PhaseLog, Stage
from infra.provisioning.playbook import Ansible, Playbook
from infra.provisioning.playbook_events import phase_names
from infra.provisioning.site import SiteContext, digest_of
from infra.provisioning.tether import Tether


def ansible_of(site: SiteContext) -> Ansible:
    settings = site.settings
    return Ansible(
        project_root=settings.project_root,
        inventory=site.inventory.path,
        paths=site.paths,
        vault=site.vault,
        variables=site.playbook_variables(),
        search_path=settings.search_path,
        strategy=settings.ansible_strategy,
    )


def playbook_stage(site: SiteContext, tether: Tether) -> Stage:
    """The phases of playbooks/site.yml: one run of Ansible, from the first phase that is not done."""
    ansible = ansible_of(site)
    root, inventory = site.settings.project_root, site.inventory.path
    inputs = digest_of(
        root,
        [
            root / "playbooks",
            inventory / "hosts.yml",
            inventory / "group_vars",
            site.paths.secrets,
            site.settings.depot_dir / "manifest.json",
        ],
    )

    def work(phases: list[str], log: PhaseLog) -> None:
        Playbook(ansible, site.secrets).run(tether.run_id, phases, log, tether.environment)

    return Stage(tuple(phase_names(ansible.plays())), lambda _: inputs, work, before=site.enter_network)

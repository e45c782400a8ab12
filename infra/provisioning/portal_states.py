"""What the portal's worker has made in the cloud, by agency, asked of the portal's server over SSH."""

from __future__ import annotations

from collections.abc import Mapping

from infra.provisioning.portal_server import ask
from infra.provisioning.site import SiteContext
from infra.provisioning.stack_state import StateResource, resources_of


def read_portal_states(site: SiteContext) -> Mapping[str, tuple[StateResource, ...]]:
    """Agency -> resources; nothing for a site without a portal. The lab's network must have been entered."""
    if not site.inventory.portal():
        return {}
    return {agency: resources_of(deployment) for agency, deployment in ask(site, "states").items()}

"""What the portal's worker has made in the cloud, by agency, asked of the portal's server over SSH."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from infra.errors import InfraError
from infra.hosts import ssh
from infra.hosts.preflight import target_of
from infra.provisioning.site import SiteContext
from infra.provisioning.stack_state import StateResource, resources_of

PROGRAM = "/usr/local/sbin/citycloud-portal"
"""On the portal's servers: `citycloud portal` with its settings and secrets, as the user that owns them."""
ANSWER_SECONDS = 60.0


class PortalUnread(InfraError):
    """The portal's server did not say what it has made; the message says which server and why."""

    code = "portal_unread"


def read_portal_states(site: SiteContext) -> Mapping[str, tuple[StateResource, ...]]:
    """Agency -> resources; nothing for a site without a portal. The lab's network must have been entered."""
    hosts = site.inventory.portal()
    if not hosts:
        return {}
    target = target_of(site.inventory, site.settings, hosts[0])
    command = shlex.join([*(() if target.user == "root" else ("sudo", "-n")), PROGRAM, "states"])
    try:
        told = json.loads(ssh.run(target, command, deadline_seconds=ANSWER_SECONDS).output)
    except (ssh.SSHFailed, ValueError) as failed:
        raise PortalUnread(f"the portal on {hosts[0].name} did not answer: {failed}") from failed
    return {agency: resources_of(deployment) for agency, deployment in told.items()}

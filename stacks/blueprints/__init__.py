"""What a catalog item becomes: a component for each blueprint, by the blueprint's name.

What is set up inside the guest is the playbook of the same name, `playbooks/blueprints/<name>.yml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.domain.blueprint import Wanted
from stacks.blueprints.ground import Ground
from stacks.blueprints.network import private_network
from stacks.blueprints.server import database_server, plain_server, web_server

__all__ = ["REALISES", "Ground"]

REALISES: Mapping[str, Callable[[Wanted, Ground], Mapping[str, Any]]] = {
    "plain-server": plain_server,
    "web-server": web_server,
    "database-server": database_server,
    "private-network": private_network,
}
"""Blueprint -> what makes it; the answer is what the portal keeps of it: ids and addresses."""

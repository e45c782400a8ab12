"""What a person does to an agency's zone behind the code's back: run inside the lab's network.

usage: by_hand.py INVENTORY AGENCY make WHAT... | has WHAT ID | quota CORES
prints the ids by what was made, whether a thing is there, or the cores that the project may have now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from tests.cloud import admin

NAME = "made-by-hand"


class Hand:
    """The administrator, in a hurry."""

    def __init__(self, inventory: str, agency: str) -> None:
        site = admin.site_of(inventory)
        self.cloud = admin.connect(site)
        self.agency = agency
        self.project = admin.project_of(self.cloud, agency)
        self.inside = admin.connect(site, self.project.id)

    def rule(self) -> str:
        group = self.cloud.network.find_security_group("baseline", project_id=self.project.id)
        made = self.cloud.network.create_security_group_rule(
            security_group_id=group.id, direction="ingress", ether_type="IPv4", protocol="tcp",
            port_range_min=3389, port_range_max=3389, remote_ip_prefix="0.0.0.0/0",
        )  # fmt: skip
        return str(made.id)

    def address(self) -> str:
        outside = self.cloud.network.find_network("external")
        made = self.cloud.network.create_ip(floating_network_id=outside.id, project_id=self.project.id)
        return str(made.id)

    def role(self) -> str:
        group = self.cloud.identity.find_group("members", domain_id=self.project.domain_id)
        role = self.cloud.identity.find_role("reader")
        self.cloud.identity.assign_project_role_to_group(self.project, group, role)
        return f"/{self.project.id}/{group.id}//{role.id}"

    def server(self) -> str:
        """Booted in the agency's project, as nobody of the agency asked for it."""
        self.cloud.identity.assign_project_role_to_user(
            self.project, self.cloud.current_user_id, self.cloud.identity.find_role("member")
        )
        network = self.inside.network.find_network(self.agency)
        image = self.inside.image.find_image("debian-12-container")
        flavor = self.inside.compute.find_flavor("container.small")
        made = self.inside.compute.create_server(
            name=NAME, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
        return str(self.inside.compute.wait_for_server(made, wait=300).id)

    def quota(self, cores: str) -> int:
        self.cloud.compute.update_quota_set(self.project.id, cores=int(cores))
        return self.cores()

    def cores(self) -> int:
        return int(self.cloud.compute.get_quota_set(self.project.id).cores)

    def has(self, what: str, identity: str) -> bool:
        look: dict[str, Callable[[str], Any]] = {
            "rule": self.cloud.network.find_security_group_rule,
            "address": self.cloud.network.find_ip,
            "server": lambda one: self.cloud.compute.find_server(one, all_projects=True),
            "role": self._holds,
        }
        return bool(look[what](identity))

    def _holds(self, identity: str) -> bool:
        _, project, group, _, role = identity.split("/")
        held = self.cloud.identity.role_assignments(scope_project_id=project, group_id=group, role_id=role)
        return any(True for _ in held)


def main() -> None:
    inventory, agency, verb, *words = sys.argv[1:]
    hand = Hand(inventory, agency)
    if verb == "make":
        print(json.dumps({what: getattr(hand, what)() for what in words}))
    elif verb == "has":
        print(json.dumps(hand.has(*words)))
    elif verb == "quota":
        print(json.dumps(hand.quota(*words)))
    else:
        print(json.dumps(hand.cores()))


main()

"""What one agency asked for in the portal and got: a component for each deployment, by its blueprint.

`program` is run inline by the portal's worker. It stands on the agency's landing zone and on the platform
and finds both by name, so that it needs neither's state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import Output, ResourceOptions, export
from pulumi.runtime.stack import ResourceRegistrationFailed
from pulumi_openstack import Provider, identity, networking

from infra.domain.agency import Agency
from infra.domain.blueprint import Wanted
from infra.inventory import Inventory
from stacks.blueprints import REALISES, Ground

ROLE = "admin"
"""Who holds it in a project works on locked servers too: those that are suspended, then started."""


def program(inventory: Inventory, agency: Agency, wanted: Sequence[Wanted], manager_key: str) -> None:
    """`manager_key` is the public SSH key by which the worker sets guests up. Where nothing is wanted,
    nothing stays: not even the worker's right to work in the project.
    """
    made: Mapping[str, Any] = {}
    if wanted:
        ground = _ground(inventory, agency, manager_key)
        made = {one.id: _made(REALISES[one.kind](one, ground)) for one in wanted}
    export("deployments", made)


def _made(outputs: Mapping[str, Any]) -> Output[Mapping[str, Any]]:
    """What was made of a deployment; {} where a part failed, so that the others are told all the same."""

    def nothing(failed: Exception) -> Mapping[str, Any]:
        if isinstance(failed, ResourceRegistrationFailed):
            return {}
        raise failed  # a defect of the program

    return Output.from_input(outputs).recover(nothing)


def _ground(inventory: Inventory, agency: Agency, manager_key: str) -> Ground:
    """Nova boots a server in the project of the token: this needs a role there and a provider of its own."""
    domain = identity.get_project(name=agency.code, is_domain=True)
    project = identity.get_project(name=agency.code, domain_id=domain.id)
    me = identity.get_auth_scope(name="worker")
    role = identity.get_role(name=ROLE)
    duty = identity.RoleAssignment("worker", project_id=project.id, user_id=me.user_id, role_id=role.id)
    scoped = Provider("agency", tenant_id=project.id, opts=ResourceOptions(depends_on=[duty]))
    network = networking.get_network(name=agency.code, tenant_id=project.id)
    baseline = networking.get_sec_group(name="baseline", tenant_id=project.id)
    router = networking.get_router(name=agency.code, tenant_id=project.id)
    outside = networking.get_network(name="external", external=True)
    return Ground(
        inventory, agency, manager_key, scoped, project.id, network.id, router.id, baseline.id, outside.name
    )

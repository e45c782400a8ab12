"""An agency's things in Keystone, and what hangs on its people: credentials of every sort, keypairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.cloud.agency import Agency
from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.service import pages
from infra.domain.holding import Holding

Read = tuple[dict[str, int], list[Holding]]


def listed(cloud: Cloud, service: str, path: str, plural: str, **params: Any) -> list[Thing] | None:
    """Every item, None where the cloud does not serve this path."""
    try:
        return [*pages(cloud.service(service), path, plural, params)]
    except NotFound:
        return None


def read(cloud: Cloud, agency: Agency) -> Read:
    """Domain, projects, people, groups, roles, assignments, limits, trusts, identity providers."""
    looked: dict[str, int] = {}
    found: list[Holding] = []

    def add(kind: str, things: list[Thing] | None, mine: Any) -> None:
        if things is not None:
            looked[kind] = len(things)
            found.extend(Holding(kind, str(one["id"]), _name(one), told=one) for one in things if mine(one))

    add("domain", listed(cloud, "identity", "/projects", "projects", is_domain="true"),
        lambda one: one["id"] in agency.domains)  # fmt: skip
    add(
        "project",
        listed(cloud, "identity", "/projects", "projects"),
        lambda one: one["id"] in agency.projects,
    )
    add("user", listed(cloud, "identity", "/users", "users"), lambda one: one["id"] in agency.users)
    add("group", listed(cloud, "identity", "/groups", "groups"), lambda one: one["id"] in agency.groups)
    for domain in agency.domains:
        add("domain role", listed(cloud, "identity", "/roles", "roles", domain_id=domain),
            lambda one: one.get("domain_id") in agency.domains)  # fmt: skip
    scopes = agency.projects | agency.domains
    add("limit", listed(cloud, "identity", "/limits", "limits"),
        lambda one: {one.get("project_id"), one.get("domain_id")} & scopes)  # fmt: skip
    add("trust", listed(cloud, "identity", "/OS-TRUST/trusts", "trusts"), lambda one: _trusts(one, agency))
    add("identity provider",
        listed(cloud, "identity", "/OS-FEDERATION/identity_providers", "identity_providers"),
        lambda one: one.get("domain_id") in agency.domains)  # fmt: skip
    assignments = listed(cloud, "identity", "/role_assignments", "role_assignments")
    if assignments is not None:
        looked["role assignment"] = len(assignments)
        found += [
            Holding("role assignment", assignment_path(one), told=one)
            for one in assignments
            if _concerns(one, agency)
        ]
    return looked, found


def read_credentials(cloud: Cloud, agency: Agency) -> Read:
    """Keypairs, application credentials, EC2 and other credentials of the agency's people; of others, the
    application credentials for its projects, and the keypair that its landing zone has in the operator's
    name. A keypair of somebody else is theirs, whatever server it was put on.

    Access rules of application credentials Keystone shows to their owner only; it removes them with the user.
    """
    looked = {"keypair": 0, "application credential": 0}
    found: list[Holding] = []
    for user in sorted({*agency.users, *_holders(cloud, agency)}):
        own = user in agency.users
        for pair in _keypairs(cloud, user):
            looked["keypair"] += 1
            if own or (user == cloud.user_id and pair["name"] == f"{agency.code}-operator"):
                found.append(Holding("keypair", f"{user}/{pair['name']}", pair["name"], told=pair))
        path = f"/users/{user}/application_credentials"
        for one in listed(cloud, "identity", path, "application_credentials") or ():
            looked["application credential"] += 1
            if own or one.get("project_id") in agency.projects:
                found.append(Holding("application credential", f"{user}/{one['id']}", _name(one), told=one))
    every = listed(cloud, "identity", "/credentials", "credentials")
    if every is not None:
        looked["credential"] = len(every)
        found += [
            Holding("credential", one["id"], one.get("type", ""), told={**one, "blob": "[secret]"})
            for one in every
            if one.get("user_id") in agency.users or one.get("project_id") in agency.projects
        ]
    return looked, found


def assignment_path(assignment: Thing) -> str:
    """Keystone's path of one assignment: how it is taken away."""
    scope = assignment["scope"]
    user = assignment.get("user", {}).get("id")
    holder = f"/users/{user}" if user else f"/groups/{assignment['group']['id']}"
    role = f"{holder}/roles/{assignment['role']['id']}"
    if "system" in scope:
        return f"/system{role}"
    where = (
        f"/projects/{scope['project']['id']}" if "project" in scope else f"/domains/{scope['domain']['id']}"
    )
    if scope.get("OS-INHERIT:inherited_to"):
        return f"/OS-INHERIT{where}{role}/inherited_to_projects"
    return where + role


def _concerns(assignment: Thing, agency: Agency) -> bool:
    scope = assignment["scope"]
    return (
        scope.get("project", {}).get("id") in agency.projects
        or scope.get("domain", {}).get("id") in agency.domains
        or assignment.get("user", {}).get("id") in agency.users
        or assignment.get("group", {}).get("id") in agency.groups
    )


def _holders(cloud: Cloud, agency: Agency) -> set[str]:
    """Users, of whatever domain, with a role on one of the agency's projects, and ourselves: the operator's
    keypair is in our name."""
    assignments = listed(cloud, "identity", "/role_assignments", "role_assignments") or []
    holders = {
        one["user"]["id"]
        for one in assignments
        if "user" in one and one["scope"].get("project", {}).get("id") in agency.projects
    }
    return {*holders, cloud.user_id}


def _keypairs(cloud: Cloud, user: str) -> Iterator[Thing]:
    rows = listed(
        cloud, "compute", "/os-keypairs", "keypairs", **({} if user == cloud.user_id else {"user_id": user})
    )
    for row in rows or ():
        yield row.get("keypair", row)


def _trusts(trust: Thing, agency: Agency) -> bool:
    people = {trust.get("trustor_user_id"), trust.get("trustee_user_id")}
    return bool(people & agency.users) or trust.get("project_id") in agency.projects


def _name(thing: Thing) -> str:
    return str(thing.get("name") or thing.get("resource_name") or "")

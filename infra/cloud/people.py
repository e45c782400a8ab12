"""The accounts of an agency's people: Keystone users in its domain, by the groups of its landing zone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.cloud.group import group_named
from infra.cloud.membership import add_member
from infra.cloud.project import project_named
from infra.cloud.service import pages
from infra.cloud.user import user_named, users

MARK = "citycloud_people"
"""What an account has that `add_person` made: nobody made it by hand. Administrators alone write it."""
GROUPS = {"member": "members", "approver": "approvers", "operator": "operators", "auditor": "auditors"}
"""What people may do in the portal, and the group of the landing zone that may."""


@dataclass(frozen=True)
class Account:
    """`roles` are those of `GROUPS` that the person has."""

    id: str
    name: str
    display_name: str
    email: str
    enabled: bool
    roles: tuple[str, ...]


def add_person(
    cloud: Cloud, agency: str, name: str, password: str, *, roles: Iterable[str], display_name: str = "",
    email: str = "",
) -> bool:  # fmt: skip
    """Make the account or complete it; False if there was one, whose password then stays. Raises NotFound
    where the agency has no landing zone, or it has no group for a role: operators and auditors are in the
    agency that runs the cloud.
    """
    domain = _domain(cloud, agency)
    groups = [_group(cloud, agency, domain, role) for role in roles]
    said = {"description": display_name, "email": email, MARK: "true"}
    found = user_named(cloud, name, domain)
    if found is None:
        made = users(cloud).create({"name": name, "domain_id": domain, "password": password, **said})
    else:
        made = users(cloud).change(found["id"], {key: value for key, value in said.items() if value})
    for group in groups:
        add_member(cloud, group, made["id"])
    return found is None


def is_ours(user: Thing) -> bool:
    """Whether `add_person` made or completed this Keystone user."""
    return user.get(MARK) == "true"


def set_password(cloud: Cloud, agency: str, name: str, password: str) -> None:
    """Raises NotFound."""
    users(cloud).change(_known(cloud, agency, name), {"password": password})


def remove_person(cloud: Cloud, agency: str, name: str) -> None:
    """The account is gone, and with it every session and token of the person. Raises NotFound."""
    users(cloud).remove(_known(cloud, agency, name))


def list_people(cloud: Cloud, agency: str) -> Sequence[Account]:
    """By name. Raises NotFound where the agency has no landing zone."""
    domain = _domain(cloud, agency)
    held: dict[str, list[str]] = {}
    for role, name in GROUPS.items():
        if (group := group_named(cloud, name, domain)) is not None:
            path = f"/groups/{group['id']}/users"
            for one in pages(cloud.service("identity"), path, "users", {}):
                held.setdefault(one["id"], []).append(role)
    return sorted(
        (
            Account(
                one["id"], one["name"], one.get("description") or "", one.get("email") or "",
                bool(one.get("enabled", True)), tuple(held.get(one["id"], ())),
            )
            for one in users(cloud).list(domain_id=domain)
        ),
        key=lambda one: one.name,
    )  # fmt: skip


def _domain(cloud: Cloud, agency: str) -> str:
    found = project_named(cloud, agency, None, is_domain=True)
    if found is None:
        raise NotFound(f"the agency {agency} has no landing zone yet; bring it up first")
    return str(found["id"])


def _group(cloud: Cloud, agency: str, domain: str, role: str) -> str:
    found = group_named(cloud, GROUPS[role], domain)
    if found is None:
        raise NotFound(
            f"the landing zone of {agency} has no group {GROUPS[role]}; only the agency that runs the cloud"
            " has operators and auditors"
        )
    return str(found["id"])


def _known(cloud: Cloud, agency: str, name: str) -> str:
    found = user_named(cloud, name, _domain(cloud, agency))
    if found is None:
        raise NotFound(f"the agency {agency} has no account {name}")
    return str(found["id"])

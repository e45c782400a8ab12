#!/usr/bin/python
"""Ansible module: Keystone knows the services, their endpoints and their accounts."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: service_catalog
short_description: Services, endpoints, service accounts and roles of a Keystone
description:
  - Runs with the Python of the OpenStack environment, which has openstacksdk.
  - A password is set only where the account cannot sign in with it.
options:
  auth: {type: dict, required: true, description: What openstack.connect() takes to sign in as administrator.}
  region: {type: str, required: true, description: Region of the endpoints.}
  project: {type: str, default: service, description: Project of the service accounts.}
  services:
    description: Services with C(name), C(type), C(url).
    type: list
    elements: dict
    required: true
  accounts:
    description: Accounts with C(name), C(password), C(roles) on the project.
    type: list
    elements: dict
    required: true
author: [City Cloud]
"""

EXAMPLES = r"""
- name: Keystone knows Glance
  service_catalog:
    auth: "{{ admin }}"
    region: hai-phong
    services: [{name: glance, type: image, url: "https://cloud:9292"}]
    accounts: [{name: glance, password: "{{ password }}", roles: [service]}]
"""

RETURN = r"""
changes:
  description: What was made or corrected, one sentence each.
  returned: always
  type: list
"""


TEXT = {"type": "str", "required": True}
PASSWORD = {"type": "str", "required": True, "no_log": True}
AUTH = {
    **dict.fromkeys(
        (
            "auth_url",
            "username",
            "project_name",
            "user_domain_id",
            "project_domain_id",
            "region_name",
            "cacert",
        ),
        TEXT,
    ),
    "password": PASSWORD,
}
ACCOUNT = {"name": TEXT, "password": PASSWORD, "roles": {"type": "list", "elements": "str", "required": True}}


class Catalog:
    """The catalog of one Keystone; collects what it changed in `changes`."""

    def __init__(self, connection, region, apply):
        self.identity = connection.identity
        self.region = region
        self.apply = apply
        self.changes = []

    def change(self, sentence, action, *arguments, **options):
        """Note the change and, outside check mode, make it."""
        self.changes.append(sentence)
        return action(*arguments, **options) if self.apply else None

    def ensure_services(self, wanted):
        """Services and their public and internal endpoints are as wanted."""
        services = {service.type: service for service in self.identity.services()}
        endpoints = {
            (item.service_id, item.interface): item
            for item in self.identity.endpoints()
            if item.region_id == self.region
        }
        for want in wanted:
            service = services.get(want["type"])
            if service is None:
                service = self.change(
                    f"service {want['name']}",
                    self.identity.create_service,
                    name=want["name"],
                    type=want["type"],
                )
            for interface in ("public", "internal"):
                self.ensure_endpoint(want, service, interface, endpoints)

    def ensure_endpoint(self, want, service, interface, endpoints):
        """One endpoint of one service."""
        found = endpoints.get((service.id, interface)) if service else None
        label = f"{interface} endpoint of {want['name']}"
        if found is None:
            self.change(
                label,
                self.identity.create_endpoint,
                service_id=getattr(service, "id", None),
                interface=interface,
                url=want["url"],
                region_id=self.region,
            )
        elif found.url != want["url"]:
            self.change(label, self.identity.update_endpoint, found, url=want["url"])

    def ensure_accounts(self, project_name, wanted, can_sign_in):
        """Service accounts exist, can sign in, and hold their roles on the project."""
        project = self.identity.find_project(project_name, domain_id="default")
        if project is None:
            project = self.change(
                f"project {project_name}",
                self.identity.create_project,
                name=project_name,
                domain_id="default",
                description="Accounts of the cloud's own services",
            )
        users = {user.name: user for user in self.identity.users(domain_id="default")}
        roles = {role.name: role.id for role in self.identity.roles()}
        granted = (
            {
                (item.user["id"], item.role["id"])
                for item in self.identity.role_assignments(scope_project_id=project.id)
                if item.user
            }
            if project
            else set()
        )
        for want in wanted:
            user = users.get(want["name"])
            if user is None:
                user = self.change(
                    f"account {want['name']}",
                    self.identity.create_user,
                    name=want["name"],
                    password=want["password"],
                    domain_id="default",
                    default_project_id=None,
                )
            fresh = want["name"] not in users
            for role in want["roles"]:
                if role not in roles:
                    roles[role] = self.change(f"role {role}", self.identity.create_role, name=role).id
                if user is None or (user.id, roles[role]) not in granted:
                    self.change(
                        f"role {role} of {want['name']}",
                        self.identity.assign_project_role_to_user,
                        project,
                        user,
                        roles[role],
                    )
            if not fresh and not can_sign_in(want):
                self.change(
                    f"password of {want['name']}", self.identity.update_user, user, password=want["password"]
                )


def main():
    """Entry point of the module."""
    module = AnsibleModule(
        {
            "auth": {"type": "dict", "required": True, "options": AUTH},
            "region": {"type": "str", "required": True},
            "project": {"type": "str", "default": "service"},
            "services": {"type": "list", "elements": "dict", "required": True},
            "accounts": {"type": "list", "elements": "dict", "required": True, "options": ACCOUNT},
        },
        supports_check_mode=True,
    )
    import openstack
    from keystoneauth1 import exceptions

    auth = module.params["auth"]

    def can_sign_in(account):
        own = {
            **auth,
            "username": account["name"],
            "password": account["password"],
            "project_name": module.params["project"],
        }
        try:
            openstack.connect(**own).authorize()
        except exceptions.Unauthorized:
            return False
        except openstack.exceptions.SDKException as error:
            if "401" in str(error):
                return False
            raise
        return True

    catalog = None
    try:
        catalog = Catalog(openstack.connect(**auth), module.params["region"], apply=not module.check_mode)
        catalog.ensure_services(module.params["services"])
        catalog.ensure_accounts(module.params["project"], module.params["accounts"], can_sign_in)
    except (openstack.exceptions.SDKException, exceptions.ClientException) as error:
        module.fail_json(
            msg=f"Keystone at {auth['auth_url']}: {error}", changes=catalog.changes if catalog else []
        )
    module.exit_json(changed=bool(catalog.changes), changes=catalog.changes)


if __name__ == "__main__":
    main()

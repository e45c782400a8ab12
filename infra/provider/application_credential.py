"""`ApplicationCredential`: a log-in for programs, with some of its user's roles on one project."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from infra.cloud.application_credential import (
    application_credential_named,
    application_credentials,
    opens,
    remove_access_rule,
)
from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, NotFound, Refused, Unavailable
from infra.errors import InfraError
from infra.provider import mark as marking
from infra.provider import rules
from infra.provider.property import Difference, Property
from infra.provider.resource import REGION, Context, NotOurs, Resource, State, kept

_PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before a create is tried again
_METHODS = ("POST", "GET", "HEAD", "PATCH", "PUT", "DELETE")


class ApplicationCredentialRefused(InfraError):
    """Keystone gives this account no application credential; the message says which one could have it."""

    code = "application_credential_refused"


class SecretUnknown(InfraError):
    """The secret is not that of the application credential; a credential keeps its secret for life, so make
    another one under another name.
    """

    code = "secret_unknown"


def _moment(value: Any) -> str | None:
    try:
        _time(str(value))
    except ValueError:
        return "must be a moment such as 2030-12-31T23:59:59Z"
    return None


class ApplicationCredential(Resource):
    """The secret is made here if the program gives none, and never by Keystone: when the answer to the create
    is lost, the secret is not. One that an earlier create left without recording it is of use to nobody,
    so it is made anew.

    Keystone adds the roles that a given one implies; those are no difference.
    """

    type_name = "openstack:identity/applicationCredential:ApplicationCredential"
    properties = (
        Property("name", required=True, replaces=True, rule=rules.name),
        Property("description", default="", replaces=True),
        Property("unrestricted", "boolean", default=False, replaces=True),
        Property("secret", secret=True, kept=True, chosen_by_cloud=True, replaces=True),
        Property("roles", "strings", unordered=True, chosen_by_cloud=True, replaces=True),
        Property(
            "accessRules", "objects", unordered=True, replaces=True,
            fields=(
                Property("id", chosen_by_cloud=True),
                Property("path", required=True),
                Property("method", required=True, rule=rules.one_of(*_METHODS)),
                Property("service", required=True),
            ),
        ),
        Property("expiresAt", replaces=True, rule=_moment),
        Property("projectId", output=True),
        REGION,
    )  # fmt: skip

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        if item.name == "expiresAt" and present:
            return _time(str(present)) == _time(str(wanted))
        return item.name == "roles" and isinstance(present, list) and set(wanted) <= set(present)

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        """A secret that is not known (an import) is not exchanged for another but proved, in `update`."""
        found = super().differences(state, dict(inputs))
        unknown = not state.get("secret")
        return [
            Difference("secret", "add", False) if unknown and item.name == "secret" else item
            for item in found
        ]

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        cloud = context.cloud
        left = application_credential_named(cloud, inputs["name"])
        if left is not None and not _bears(left, context.mark):
            raise NotOurs(
                f"an application credential named {inputs['name']} exists already (id {left['id']}) and was "
                "not made by this resource: import it, or choose another name"
            )
        secret = inputs.get("secret") or secrets.token_urlsafe(48)
        if left is not None and not inputs.get("secret"):
            self.delete(context, str(left["id"]), _state(left))
            left = None
        thing = left or _made(context, inputs, secret)
        return str(thing["id"]), {**_state(thing), "secret": secret}

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = application_credentials(context.cloud).look(identity)
        return None if thing is None else {**_state(thing), **kept(self.properties, state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        if "secret" in changed and not opens(context.cloud, identity, inputs["secret"]):
            raise SecretUnknown(
                f"the secret given for application credential {inputs['name']} is not its secret: leave it "
                "out, or make a credential of another name"
            )
        return {**state, **kept(self.properties, inputs)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        with _explained(context.cloud):
            application_credentials(context.cloud).remove(identity)
        for rule in state.get("accessRules", []):
            if rule.get("id"):
                remove_access_rule(context.cloud, rule["id"])


def _made(context: Context, inputs: State, secret: str) -> Thing:
    body = {
        "name": inputs["name"],
        "description": marking.with_mark(inputs.get("description", ""), context.mark),
        "unrestricted": bool(inputs.get("unrestricted")),
        "secret": secret,
    }
    if inputs.get("roles"):
        body["roles"] = [{"name": name} for name in inputs["roles"]]
    if inputs.get("accessRules"):
        body["access_rules"] = inputs["accessRules"]
    if inputs.get("expiresAt"):
        body["expires_at"] = _written(_time(inputs["expiresAt"]))
    try:
        with _explained(context.cloud):
            return _created(context, body)
    except (Conflict, Unavailable):
        # Nothing of this name was there a moment ago: one with our mark is what this request made.
        found = application_credential_named(context.cloud, inputs["name"])
        if found is None or not _bears(found, context.mark):
            raise
        return found


def _created(context: Context, body: dict[str, Any]) -> Thing:
    """Keystone's caches may miss a role of ours for some seconds after a role was given or taken anywhere."""
    for pause in _PAUSES:
        try:
            return application_credentials(context.cloud).create(body)
        except (NotFound, Refused) as refused:
            if "role assignment" not in str(refused):
                raise
            context.deadline.pause(pause)
    return application_credentials(context.cloud).create(body)


@contextmanager
def _explained(cloud: Cloud) -> Iterator[None]:
    """Keystone's refusals of who we are, with what to do about them; others speak for themselves."""
    try:
        yield
    except (NotFound, Refused) as refused:
        way_out = _way_out(cloud, str(refused))
        if not way_out:
            raise
        raise ApplicationCredentialRefused(f"{refused}: {way_out}") from refused


def _way_out(cloud: Cloud, said: str) -> str:
    ours = cloud.credentials.application_credential_id or cloud.credentials.application_credential_secret
    if ours or "Using method 'application_credential'" in said:
        return (
            "we are logged in with an application credential ourselves, and only an unrestricted one may "
            "make or remove others: log in with a password, or with an unrestricted one"
        )
    if "delegation" in said:
        return "we are logged in by a trust or an OAuth token: log in as the user"
    if "role assignment" in said:
        return (
            "Keystone finds no such role of our user on this project. A federated user's roles come from "
            "groups, and count here only while Keystone remembers the membership: set "
            "default_authorization_ttl in its section [federation] (or the identity provider's "
            "authorization_ttl) above 0 and log in again, or give the user the roles directly"
        )
    if "unassigned role" in said:
        return "give only roles that our user has on this project"
    return ""


def _state(thing: Thing) -> State:
    state: State = {
        "name": thing["name"],
        "description": marking.without_mark(thing.get("description") or ""),
        "unrestricted": bool(thing.get("unrestricted")),
        "roles": sorted(role["name"] for role in thing.get("roles", [])),
        "projectId": thing.get("project_id"),
    }
    if thing.get("access_rules"):
        names = ("id", "path", "method", "service")
        state["accessRules"] = [{name: rule[name] for name in names} for rule in thing["access_rules"]]
    if thing.get("expires_at"):
        state["expiresAt"] = _written(_time(thing["expires_at"]))
    return state


def _bears(thing: Thing, mark: str) -> bool:
    return marking.mark_in(thing.get("description") or "") == mark


def _time(text: str) -> datetime:
    """RFC 3339; Keystone's own answers leave out the zone, which is UTC."""
    if "T" not in text.upper():
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _written(moment: datetime) -> str:
    return (
        moment.strftime("%Y-%m-%dT%H:%M:%S")
        + (f".{moment.microsecond:06}" if moment.microsecond else "")
        + "Z"
    )

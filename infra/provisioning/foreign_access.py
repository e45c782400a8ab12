"""Foreign people and what they may do: users, groups, projects, role assignments, credentials, key pairs; and
volumes that a person attached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from infra.cloud.census import Census, Thing, born, kind_named
from infra.cloud.people import is_ours
from infra.provisioning.foreign_thing import Foreign, Known, Zone

_PEOPLE = {
    "projects": ("openstack:identity/project:Project", "project"),
    "users": ("openstack:identity/user:User", "user"),
    "groups": ("openstack:identity/groupV3:GroupV3", "group"),
}
_ASSIGNMENT = "openstack:identity/roleAssignment:RoleAssignment"
_INHERITED = "openstack:identity/inheritRoleAssignment:InheritRoleAssignment"
_CREDENTIAL = "openstack:identity/applicationCredential:ApplicationCredential"
_KEYPAIR = "openstack:compute/keypair:Keypair"
_SERVER = "openstack:compute/instance:Instance"
_VOLUME = "openstack:blockstorage/volume:Volume"
_ATTACHED = "openstack:compute/volumeAttach:VolumeAttach"
Belongings = Mapping[str, tuple[Sequence[Thing], Sequence[Thing]]]


def access(zone: Zone, known: Known, census: Census, belongings: Belongings) -> Iterator[Foreign]:
    yield from _people(zone, known, census)
    yield from _assignments(zone, known, census)
    yield from _belongings(zone, known, belongings)
    yield from _attachments(zone, known, census)


def _people(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    for plural, (token, noun) in _PEOPLE.items():
        for one in census.of(plural):
            ours = known.has(token, str(one["id"])) or is_ours(one)
            if one.get("domain_id") in zone.domains and not ours:
                yield Foreign(token, str(one["id"]), noun, str(one.get("name", "")))


def _assignments(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    names = {
        str(one["id"]): str(one.get("name", ""))
        for kind in ("users", "groups", "projects", "domains", "roles")
        for one in census.of(kind)
    }
    for assignment in census.of("role assignments"):
        scope = assignment.get("scope", {})
        domain, project = (str(scope.get(part, {}).get("id", "")) for part in ("domain", "project"))
        if domain not in zone.domains and project not in zone.projects:
            continue
        user, group = (str(assignment.get(part, {}).get("id", "")) for part in ("user", "group"))
        role = str(assignment["role"]["id"])
        identity = "/".join((domain, project, group, user, role))
        token = _INHERITED if scope.get("OS-INHERIT:inherited_to") else _ASSIGNMENT
        if not known.has(token, identity):
            holder, target = user or group, project or domain
            inherited = ", inherited by projects" if token == _INHERITED else ""
            about = f"role {names.get(role) or role} of {'user' if user else 'group'} "
            about += f"{names.get(holder) or holder} on {names.get(target) or target}{inherited}"
            yield Foreign(token, identity, "role assignment", "", about=about)


def _belongings(zone: Zone, known: Known, belongings: Belongings) -> Iterator[Foreign]:
    for user in sorted(zone.users):
        credentials, keypairs = belongings.get(user, ((), ()))
        for credential in credentials:
            if not known.has(_CREDENTIAL, str(credential["id"])):
                name = str(credential.get("name", ""))
                why = "its secret is known to its owner alone"
                yield Foreign(
                    _CREDENTIAL, f"{user}/{credential['id']}", "application credential", name,
                    about=f"of user {user}", adoptable=False, why_not=why,
                )  # fmt: skip
        for keypair in keypairs:
            name = str(keypair["name"])
            if not known.has(_KEYPAIR, name):
                why = "it is a person's own"
                yield Foreign(
                    _KEYPAIR, f"{user}/{name}", "key pair", name, about=f"of user {user}", adoptable=False,
                    why_not=why,
                )  # fmt: skip


def _attachments(zone: Zone, known: Known, census: Census) -> Iterator[Foreign]:
    """A volume and a server that a person tied together, one of them ours. A pair of which neither is ours is
    told by the server and by the volume.
    """
    kind = kind_named("volume attachments")
    for attachment in census.of(kind.name):
        server, volume = str(attachment.get("instance") or ""), str(attachment.get("volume_id") or "")
        identity = f"{server}/{volume}"
        ours = known.has(_VOLUME, volume) and bool(server)
        if ours and not known.has(_ATTACHED, identity) and volume not in _tied(known, server):
            about = f"volume {volume} on server {server}"
            yield Foreign(_ATTACHED, identity, "volume attachment", "", born(kind, attachment), about)


def _tied(known: Known, server: str) -> frozenset[str]:
    """Volumes that an attachment of ours ties to the server, whichever of the types made it."""
    return frozenset(
        identity.partition("/")[2]
        for token, identity in known.resources
        if token.endswith(":VolumeAttach") and identity.startswith(f"{server}/")
    )

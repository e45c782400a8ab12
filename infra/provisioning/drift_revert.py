"""Revert: the cloud becomes again what the code says.

Foreign things are deleted by their own type of the provider, what hangs on others first. A changed thing is
set back by its type where the cloud can do it in place; what is gone, or could only be replaced, is put back
by the engine, which then goes through the guard like every up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from infra.cloud.connection import Cloud
from infra.cloud.errors import NotFound
from infra.domain.drift import Finding
from infra.domain.plan import PlannedStep
from infra.errors import InfraError
from infra.provider.registry import resource, served
from infra.provisioning.confirmation import Confirmations
from infra.provisioning.drift import Reading, at, context_of, plain_inputs, property_drift
from infra.provisioning.drift_order import rank
from infra.provisioning.stack_record import digest_of
from infra.provisioning.stack_state import HIDDEN

DANGEROUS = frozenset({
    "Instance", "Volume", "Network", "Subnet", "Port", "Router", "RouterInterface", "FloatingIp", "Project",
    "User", "GroupV3", "Image", "snapshot", "backup",
})  # fmt: skip
"""What holds data, carries traffic or is somebody's account: deleted only after a second person has confirmed
that very list. Roles, rules and credentials that were given by hand are not among them: nobody had agreed to
them, and one person may close at night what should not be open.
"""
# What has no type of its own, or a type that cannot reach another person's: (service, path of the thing).
_DIRECTLY = {
    "snapshot": ("volume", "/snapshots/{0}"),
    "backup": ("volume", "/backups/{0}"),
    "ApplicationCredential": ("identity", "/users/{0}/application_credentials/{1}"),
    "Keypair": ("compute", "/os-keypairs/{1}?user_id={0}"),
}


class CannotRevert(InfraError):
    """This finding cannot be reverted; the message says why and what to do."""

    code = "cannot_revert"


class Engine(Protocol):
    """What of `Stacks` a revert needs."""

    def put_back(self, code: str, urns: Sequence[str]) -> object:
        """Read these resources anew and make them again what the program says, through the guard."""

    def harmless(self, code: str, step: PlannedStep) -> bool:
        """Whether the guard has nothing against this change."""


OPERATION = "zone drift --revert"
Confirm = Callable[[Sequence[Finding]], None]
"""Raises unless a second person has confirmed the deletion of exactly these."""


def dangerous(findings: Sequence[Finding]) -> list[Finding]:
    """Those of them whose revert deletes data or cuts access."""
    return [one for one in findings if one.kind == "foreign" and one.type.rpartition(":")[2] in DANGEROUS]


def guarded(site: str, confirmations: Confirmations) -> Confirm:
    """A confirmation of exactly these deletions, used up by this; raises PlanRefused, which says the way to
    one.
    """

    def confirm(findings: Sequence[Finding]) -> None:
        things = sorted((one.type, one.identity) for one in findings)
        digest = digest_of(site, OPERATION, things)
        lines = [f"delete {one.agency}: {one.sentence}" for one in findings]
        confirmations.demand(digest, OPERATION, lines, {"things": [list(thing) for thing in things]})

    return confirm


class Reversal:
    """Reverts findings of several stacks, foreign ones first."""

    def __init__(
        self, cloud: Cloud, engine: Engine, readings: Mapping[str, Sequence[Reading]], confirm: Confirm
    ) -> None:
        self._cloud = cloud
        self._engine = engine
        self._readings = readings
        self._confirm = confirm

    def revert(self, findings: Sequence[Finding]) -> None:
        """Raises CannotRevert and what the guard raises before anything is changed; CloudError where the
        cloud refuses one, after those before it were done.
        """
        unable = [f"{one.id}: {one.sentence}" for one in findings if not one.revertible]
        if unable:
            raise CannotRevert("\n".join(unable))
        grave = dangerous(findings)
        if grave:
            self._confirm(grave)
        foreign = [one for one in findings if one.kind == "foreign"]
        for finding in sorted(foreign, key=lambda one: rank(one.type), reverse=True):
            self._delete(finding)
        by_engine: dict[str, list[str]] = {}
        for finding in findings:
            if finding.kind != "foreign" and not (finding.kind == "changed" and self._set_back(finding)):
                by_engine.setdefault(finding.agency, []).append(finding.urn)
        for agency, urns in by_engine.items():
            self._engine.put_back(agency, urns)

    def _delete(self, finding: Finding) -> None:
        name = finding.type.rpartition(":")[2]
        if name in _DIRECTLY:
            service, path = _DIRECTLY[name]
            self._delete_at(service, path.format(*finding.identity.split("/")))
        elif finding.type in served():
            kind = resource(finding.type)
            state = kind.read(context_of(self._cloud), finding.identity, {})
            if state is not None:
                kind.delete(context_of(self._cloud, kind), finding.identity, state)
        else:
            raise CannotRevert(f"{finding.id}: the provider does not serve {finding.type}; remove it by hand")

    def _delete_at(self, service: str, path: str) -> None:
        where, _, query = path.partition("?")
        params = dict([query.split("=", 1)]) if query else None
        try:
            self._cloud.service(service).request("DELETE", where, params=params)
        except NotFound:
            return

    def _set_back(self, finding: Finding) -> bool:
        """Whether the change could be undone in place, by what the state knows. What the guard has something
        against is left to the engine, whose run it refuses or has confirmed.
        """
        reading = next(one for one in self._readings[finding.agency] if one.resource.urn == finding.urn)
        one, found = reading.resource, reading.found
        if found is None:
            return False
        kind, inputs = resource(one.type), plain_inputs(one)
        changed = {change.name for change in property_drift(one, found)}
        replaces = {item.name for item in kind.properties if item.replaces}
        hides = any(value is HIDDEN for value in inputs.values())
        if changed & replaces or hides:
            return False
        wanted = {**{name: one.outputs.get(name) for name in changed - inputs.keys()}, **inputs}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        present = {**wanted, **{name: found.get(name) for name in changed}}
        step = PlannedStep(
            one.urn, "update", one.type, one.name, one.id, present, wanted, tuple(sorted(changed))
        )
        if not self._engine.harmless(finding.agency, step):
            return False
        kind.update(context_of(at(self._cloud, one.outputs), kind), one.id, dict(found), wanted, changed)
        return True

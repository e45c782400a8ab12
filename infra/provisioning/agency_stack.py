"""Runs the stack of what an agency asked for in the portal (`stacks/agency`), for the portal's worker.

Its state stands apart from the landing zones': in the worker's own folder, or in a state backend that all
workers share. The engine's lock on a stack and the mark on every resource keep a second worker from doubling
anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.cloud.credentials import Credentials
from infra.domain.agency import Agency
from infra.domain.blueprint import Wanted
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_workspace import ProviderProcess, PulumiFiles
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_program import STACKS, load_stack
from infra.provisioning.stack_run import StackRun
from infra.provisioning.stack_state import STACK_TYPE, StateResource, resources_of

PROJECT = "agency"
PARALLEL = 4
FOLLOWS = "ResourceRegistrationFailed"
"""In what Pulumi's SDK says when a resource needs an output of one that failed; the program then ends."""
DUTY = "worker"
"""The resource of an agency's stack on which all its deployments stand (`stacks/agency`)."""
Outputs = Mapping[str, Mapping[str, str]]
"""Deployment's id -> what its blueprint made: `server_id`, `address`, `fixed_address`, `user`, and the like;
"" where there is none."""


class DeploymentsNotMade(InfraError):
    """Some of what an agency asked for could not be made or removed; `reasons` are by the name of the
    deployment, of what was to go by that of its resource, under "" those of none. `made` is what stands whole
    all the same; `left` are the names of all resources that are there now, None where nobody knows.
    """

    code = "deployments_not_made"

    def __init__(
        self, reasons: Mapping[str, str], made: Outputs | None = None, left: frozenset[str] | None = None
    ) -> None:
        self.reasons = dict(reasons)
        self.made = made or {}
        self.left = left
        super().__init__("; ".join(f"{name}: {why}" if name else why for name, why in reasons.items()))

    def of(self, names: Sequence[str]) -> dict[str, str]:
        """The reasons that are those of these deployments, or of their resources."""
        return {
            about: why for about, why in self.reasons.items() if any(is_of(about, name) for name in names)
        }

    def leaves(self, name: str) -> bool:
        """Whether something of the deployment of this name is there still, as far as is known."""
        return any(is_of(resource, name) for resource in self.left or ())


def is_of(resource: str, deployment: str) -> bool:
    """Whether a resource's name says that it is this deployment's. It may be that of another one whose name
    begins alike.
    """
    return resource == deployment or resource.startswith(f"{deployment}-")


class AgencyGone(InfraError):
    """agencies.yaml has this agency no more, while the portal has things of it: put its entry back and
    deploy, or take it off the cloud with `citycloud zone offboard`.
    """

    code = "agency_gone"


@dataclass(frozen=True)
class StackPlace:
    """Where a worker keeps its stacks. `engine_path` is where the engine is looked for."""

    folder: Path
    cache: Path
    engine_path: str
    passphrase: str
    backend_url: str = ""

    def __repr__(self) -> str:
        return f"StackPlace({self.folder})"


class AgencyStacks:
    """`with AgencyStacks(...) as stacks:` starts one provider for all that follows and ends it."""

    def __init__(
        self, inventory: Inventory, place: StackPlace, credentials: Credentials, manager_key: str
    ) -> None:
        self._inventory = inventory
        self._place = place
        self._manager_key = manager_key
        self._provider = ProviderProcess(credentials)

    def __enter__(self) -> Self:
        place = self._place
        engine = pulumi_engine.ensure(place.cache, search_path=place.engine_path)
        self._files = PulumiFiles(place.folder, engine, place.passphrase, backend_url=place.backend_url)
        self._program = load_stack(STACKS / PROJECT).program
        self._provider.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._provider.__exit__(*raised)

    def up(self, agency: str, wanted: Sequence[Wanted]) -> Outputs:
        """Make exactly these deployments stand. Raises DeploymentsNotMade, with what else could be made made
        and removed; and AgencyGone, StackLocked, BackendUnreachable, ProviderDidNotStart.
        """
        events = RunEvents(lambda step: None)
        found = _known(self._inventory, agency)
        stack = f"{self._inventory.site.site_name}-{agency}"
        run = StackRun(
            self._files, self._provider.living_port(), PARALLEL, PROJECT, stack,
            lambda: self._program(self._inventory, found, wanted, self._manager_key), keep_going=True,
        )  # fmt: skip
        try:
            run.operate("up", events)
        except InfraError as failed:
            if failed.code != "stack_stopped":
                raise
            reasons = _by_deployment(events, [one.name for one in wanted])
            left = frozenset(one.name for one in self._resources(stack))
            raise DeploymentsNotMade(reasons or {"": str(failed)}, _made(events), left) from failed
        return _made(events)

    def _resources(self, stack: str) -> Sequence[StateResource]:
        held = self._files.backend.deployment(PROJECT, stack) or {}
        return [one for one in resources_of(held, left_over=True) if one.type != STACK_TYPE]

    @property
    def volumes_grow_attached(self) -> bool:
        return self._inventory.site.volume_backend.grows_attached

    def image(self, wanted: Wanted) -> str:
        """The name of the image that a server of this deployment is made from."""
        return self._inventory.platform.image_for(wanted.value("size")).name


def stack_states(inventory: Inventory, place: StackPlace) -> Mapping[str, Any]:
    """Agency -> the deployment of its stack, as Pulumi keeps it, with secrets encrypted."""
    engine = pulumi_engine.ensure(place.cache, search_path=place.engine_path)
    backend = PulumiFiles(place.folder, engine, place.passphrase, backend_url=place.backend_url).backend
    start = f"{inventory.site.site_name}-"
    found = {name.removeprefix(start): backend.deployment(PROJECT, name) for name in backend.stacks(PROJECT)}
    return {agency: deployment for agency, deployment in found.items() if deployment is not None}


def _known(inventory: Inventory, code: str) -> Agency:
    try:
        return inventory.agency(code)
    except KeyError:
        raise AgencyGone(
            f"agencies.yaml of the portal's server has no agency {code}, and the portal has things of it: put"
            f" its entry back and deploy, or take it off the cloud with `citycloud zone offboard {code}`"
        ) from None


def _made(events: RunEvents) -> Outputs:
    """Nothing is told where the program came to no end."""
    told: Mapping[str, Any] = events.outputs.get("deployments") or {}
    return {
        id_: {name: str(value) for name, value in dict(values).items() if value is not None}
        for id_, values in told.items()
    }


def _by_deployment(events: RunEvents, names: Sequence[str]) -> dict[str, str]:
    """Which deployment each error of a run belongs to: the one whose name the resource's begins with, the
    longest of several. What belongs to none that is wanted was to go, unless all others stand on it. That a
    program ended early because of a resource that failed says nothing more.
    """
    reasons: dict[str, str] = {}
    for urn, told in events.failed:
        if FOLLOWS in told:
            continue
        resource = urn.rpartition("::")[2]
        owners = [name for name in names if is_of(resource, name)]
        common = resource == DUTY or "::pulumi:" in urn  # the stack itself, its provider
        owner = max(owners, key=len, default="" if common else resource)
        reasons[owner] = f"{reasons[owner]}; {told}" if owner in reasons else told
    return reasons

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

PROJECT = "agency"
PARALLEL = 4
Outputs = Mapping[str, Mapping[str, str]]
"""Deployment's id -> what its blueprint made: `server_id`, `address`, `fixed_address`, `user`, and the like;
"" where there is none."""


class DeploymentsNotMade(InfraError):
    """Some of what an agency asked for could not be made; `reasons` are by the name of the deployment, under
    "" those of none.
    """

    code = "deployments_not_made"

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        super().__init__("; ".join(f"{name}: {why}" if name else why for name, why in reasons.items()))


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
        """Make exactly these deployments stand. Raises DeploymentsNotMade, with what else could be made made;
        and AgencyGone, StackLocked, BackendUnreachable, ProviderDidNotStart.
        """
        events = RunEvents(lambda step: None)
        found = _known(self._inventory, agency)
        run = StackRun(
            self._files, self._provider.living_port(), PARALLEL, PROJECT,
            f"{self._inventory.site.site_name}-{agency}",
            lambda: self._program(self._inventory, found, wanted, self._manager_key),
        )  # fmt: skip
        try:
            run.operate("up", events)
        except InfraError as failed:
            reasons = _by_deployment(events, [one.name for one in wanted])
            if failed.code != "stack_stopped":
                raise
            raise DeploymentsNotMade(reasons or {"": str(failed)}) from failed
        return _outputs(events.outputs.get("deployments") or {})

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


def _outputs(told: Mapping[str, Any]) -> Outputs:
    return {
        id_: {name: str(value) for name, value in dict(values).items() if value is not None}
        for id_, values in told.items()
    }


def _by_deployment(events: RunEvents, names: Sequence[str]) -> dict[str, str]:
    """Which deployment each error of a run belongs to: the resource that it names is the deployment's own."""
    reasons: dict[str, str] = {}
    for urn, told in events.failed:
        resource = urn.rpartition("::")[2]
        owner = next((name for name in names if resource == name or resource.startswith(f"{name}-")), "")
        reasons[owner] = f"{reasons[owner]}; {told}" if owner in reasons else told
    return reasons

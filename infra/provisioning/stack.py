"""Runs the two stacks of a site: the platform, and a landing zone for each agency, several at a time.

Everything that these runs start (engines, provider) and the threads they use belong to the network namespace
of the calling thread: enter a lab's namespace first, then make `Stacks`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.domain.agency import Agency
from infra.domain.plan import Finding, Plan, PlannedStep
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.provisioning import pulumi_engine
from infra.provisioning.adoption import standing
from infra.provisioning.confirmation import Confirmations
from infra.provisioning.drift import changed_stacks
from infra.provisioning.guard import Admission, Guard, must_not_exceed
from infra.provisioning.offboarded import leave_out
from infra.provisioning.pulumi_workspace import ProviderProcess, PulumiFiles
from infra.provisioning.signature import Signer
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_plans import PreparedStack, StackPlans
from infra.provisioning.stack_program import StackPrograms
from infra.provisioning.stack_queue import WORKERS, StackQueue
from infra.provisioning.stack_record import StackRecord, StackRecords
from infra.provisioning.stack_result import (
    Operation,
    PlatformMissing,
    StackFailure,
    StackProgress,
    StackResult,
    StacksFailed,
    servers_of,
)  # fmt: skip
from infra.provisioning.stack_run import PlanLeft, StackRun
from infra.provisioning.stack_state import StateResource, resources_of

PARALLEL = 4  # resources at a time in one stack
PASSES = 4  # of one up, each bound to its plan
Listener = Callable[[StackProgress], None]


class Stacks:
    """`with Stacks(...) as stacks:` starts one provider for all that follows and ends it.

    `open_to` are the networks from which agencies' servers take SSH and ping (default: the site's management
    network and its way out). `requester` is the operator who asks, for plans that need a second person;
    `backend_environment` has the passwords or keys of the state backend. Every up and destroy is looked at by
    the guard first, all stacks of the call together; `guard` takes its place.

    Methods raise PlanRefused before anything is run, and StacksFailed when every stack was tried and some
    failed.
    """

    def __init__(  # noqa: PLR0917  (what every run needs; the rest goes by name)
        self,
        inventory: Inventory,
        site_dir: Path,
        depot_dir: Path,
        cache_dir: Path,
        credentials: Credentials,
        passphrase: str,
        *,
        on_event: Listener = lambda progress: None,
        workers: int = WORKERS,
        parallel: int = PARALLEL,
        open_to: Sequence[str] | None = None,
        search_path: str | None = None,
        requester: Signer | None = None,
        guard: Admission | None = None,
        backend_environment: Mapping[str, str] | None = None,
    ) -> None:
        self._inventory = inventory
        self._site_dir = site_dir
        self._cache_dir = cache_dir
        self._passphrase = passphrase
        self._parallel = parallel
        self._search_path = search_path
        self._backend_environment = dict(backend_environment or {})
        self._programs = StackPrograms(inventory, site_dir, depot_dir, open_to)
        self._queue = StackQueue(self._programs, on_event, workers)
        self._provider = ProviderProcess(credentials)
        site = inventory.site.site_name
        confirmations = Confirmations(site_dir / "plans", site, inventory.operators, requester)
        self._cloud: Callable[[], Cloud] = lambda: connect(credentials)
        self._guard = guard or Guard(site, inventory.policies, confirmations, self._cloud)

    def __enter__(self) -> Stacks:
        self._provider.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._provider.__exit__(*raised)

    def platform_up(self, *, force: bool = False) -> StackResult:
        """Make the platform what the inventory says. `force` runs it even if nothing can have changed."""
        return self._up([""], force=force)[0]

    def platform_preview(self, *, force: bool = False) -> StackResult:
        return self._preview([""], force=force)[0]

    def platform_refresh(self) -> StackResult:
        """Read the cloud into the state; `changes` tell what differed."""
        return self._refresh([""])[0]

    def platform_destroy(self) -> StackResult:
        """Remove the platform; refused by the cloud while landing zones stand on it."""
        return self._destroy([""])[0]

    def zone_up(self, agencies: Sequence[str] | None = None, *, force: bool = False) -> list[StackResult]:
        """Make the landing zones of these agencies (None: all) what the inventory says.

        An agency whose inputs and state are those of its last successful up is skipped and says so; `force`
        runs it. One that was off-boarded is left out and says so; named, it raises AgencyOffboarded.
        """
        codes, gone = self._staying("up", agencies)
        return [*self._up(codes, force=force), *gone]

    def zone_preview(
        self, agencies: Sequence[str] | None = None, *, force: bool = False
    ) -> list[StackResult]:
        """What an up would do, and what of it the guard would refuse. Where nothing can have changed nothing
        is run, and the result says so; `force` runs it.
        """
        codes, gone = self._staying("preview", agencies)
        return [*self._preview(codes, force=force), *gone]

    def zone_refresh(self, agencies: Sequence[str] | None = None) -> list[StackResult]:
        """Read the cloud into the states; `changes` and `steps` tell what differed (drift). All stacks are
        read together, in a listing for each kind; an engine runs for those alone that differ.
        """
        return self._refresh([code for code in self._codes(agencies) if self._exists(code)])

    def zone_destroy(self, agencies: Sequence[str] | None = None) -> list[StackResult]:
        """Remove landing zones with all that is in them, and their stacks. None: every one that exists."""
        codes = self.zones() if agencies is None else self._codes(agencies)
        return self._destroy([code for code in codes if self._exists(code)])

    def put_back(self, code: str, urns: Sequence[str]) -> StackResult:
        """Read these resources of one stack anew, and make them (and what depends on them) what the program
        says. `code` is an agency's, "" the platform's.
        """
        self._prepare([code], program=True)
        self._queue.each("refresh", [code], lambda one: self._run("refresh", one, RunEvents(_quiet), urns))
        return self._up([code], force=True, targets=urns)[0]

    def harmless(self, code: str, step: PlannedStep) -> bool:
        """Whether the guard has nothing against one change of one stack."""
        plan = Plan(self._programs.named(code)[1], code, "up", (step,), (), self._programs.level(code))
        return not self._guard.findings([plan])

    def zones(self) -> list[str]:
        """The agencies that have a landing zone, whether or not the inventory still knows them."""
        codes = (self._programs.code(stack) for stack in self._files.backend.stacks("landing_zone"))
        return [code for code in codes if code is not None]

    def state(self, code: str) -> tuple[StateResource, ...] | None:
        """What the state of a stack ("": the platform's) says is there; None when there is no such stack."""
        deployment = self._files.backend.deployment(*self._programs.named(code))
        return None if deployment is None else resources_of(deployment)

    @cached_property
    def _files(self) -> PulumiFiles:
        engine = pulumi_engine.ensure(self._cache_dir, self._queue.say, self._search_path)
        site = self._inventory.site
        return PulumiFiles(
            self._site_dir, engine, self._passphrase, backend_url=site.pulumi_backend_url,
            secrets_provider=site.pulumi_secrets_provider, environment=self._backend_environment,
        )  # fmt: skip

    @cached_property
    def _records(self) -> StackRecords:
        return StackRecords(self._files.records)

    @cached_property
    def _plans(self) -> StackPlans:
        return StackPlans(self._programs, self._files, self._records, self._engine)

    def _codes(self, agencies: Sequence[str] | None) -> list[str]:
        if agencies is None:
            return [agency.code for agency in self._inventory.agencies]
        known = {*(agency.code for agency in self._inventory.agencies), *self.zones()}
        unknown = [code for code in agencies if code not in known]
        if unknown:
            raise AgencyUnknown(f"neither inventory nor cloud has an agency {', '.join(unknown)}")
        return list(dict.fromkeys(agencies))

    def _staying(
        self, operation: Operation, agencies: Sequence[str] | None
    ) -> tuple[list[str], list[StackResult]]:
        """The agencies to work on, and a result for each that was off-boarded and stays away."""
        codes, gone = leave_out(self._site_dir, self._codes(agencies), named=agencies is not None)
        left = [
            StackResult(self._programs.named(code)[1], code, operation, {}, 0.0, skipped=True, why=why)
            for code, why in gone.items()
        ]
        return codes, left

    def _exists(self, code: str) -> bool:
        project, stack = self._programs.named(code)
        return stack in self._files.backend.stacks(project)

    def _prepare(self, codes: Sequence[str], *, program: bool) -> None:
        """What all threads need, made once and before them."""
        if program:
            self._programs.prepare(zones=any(codes))
            if any(codes) and not self._exists(""):
                raise PlatformMissing(
                    "there is no platform yet, and landing zones stand on it: bring it up first"
                )
        _ = (self._files, self._records, self._plans)

    def _preview(self, codes: Sequence[str], *, force: bool) -> list[StackResult]:
        self._prepare(codes, program=True)
        looked = self._queue.each("preview", codes, lambda code: self._plans.preview(code, force=force))
        found = self._guard.findings([one.plan for one in looked.done.values()])
        return self._told(
            codes, {code: _with(one, found) for code, one in looked.done.items()}, looked.failed
        )

    def _up(self, codes: Sequence[str], *, force: bool, targets: Sequence[str] = ()) -> list[StackResult]:
        self._prepare(codes, program=True)
        with tempfile.TemporaryDirectory(prefix="plans-", dir=self._site_dir / "pulumi") as folder:
            looked = self._queue.each(
                "plan", codes, lambda code: self._plans.up(code, Path(folder), force=force, targets=targets)
            )
            self._admit("up", codes, looked.done)
            waiting = [code for code, one in looked.done.items() if not one.result.skipped]
            again = partial(self._plans.up, folder=Path(folder), force=True, targets=targets)
            made = self._queue.each(
                "up", waiting, lambda code: self._bring_up(code, looked.done[code], targets, again)
            )
        results = {code: one.result for code, one in looked.done.items() if one.result.skipped}
        return self._told(codes, {**results, **made.done}, [*looked.failed, *made.failed])

    def _destroy(self, codes: Sequence[str]) -> list[StackResult]:
        self._prepare(codes, program=False)
        self._admit("destroy", codes, {code: self._plans.destroy(code) for code in codes})
        made = self._queue.each("destroy", codes, self._remove)
        return self._told(codes, made.done, made.failed)

    def _refresh(self, codes: Sequence[str]) -> list[StackResult]:
        self._prepare(codes, program=False)
        states = {code: self.state(code) or () for code in codes}
        changed = changed_stacks(self._cloud(), states)

        def refreshed(code: str) -> StackResult:
            named = self._programs.named(code)
            if code in changed or self._files.backend.has_pending(*named):
                return self._once("refresh", code)
            return StackResult(named[1], code, "refresh", {"same": len(states[code])}, 0.0)

        made = self._queue.each("refresh", codes, refreshed)
        return self._told(codes, made.done, made.failed)

    def _admit(self, operation: str, codes: Sequence[str], prepared: Mapping[str, PreparedStack]) -> None:
        command = f"{'zone' if any(codes) else 'platform'} {operation}"
        self._guard.admit(command, [prepared[code].plan for code in codes if code in prepared])

    def _bring_up(
        self, code: str, prepared: PreparedStack, targets: Sequence[str],
        again: Callable[[str], PreparedStack],
    ) -> StackResult:  # fmt: skip
        """In as many passes as it takes: each is bound to its plan, and a value that only becomes known on
        the way may lead beyond it.
        """
        before = self._records.find(self._programs.named(code)[1])
        admitted = prepared.plan
        events, started = self._listening(code), time.monotonic()
        for left in reversed(range(PASSES)):
            try:
                self._run("up", code, events, targets, prepared.saved)
                break
            except PlanLeft:
                if not left:
                    raise
                events.errors.clear()
                prepared = replace(again(code), digest=prepared.digest)
                must_not_exceed(self._guard, admitted, prepared.plan)
        servers = servers_of(events, before.servers if before else ())
        result = self._result("up", code, events, started)
        if not targets:
            state = self._files.backend.digest(*self._programs.named(code))
            self._records.write(result.stack, StackRecord(prepared.digest, state, events.outputs, servers))
        return replace(result, outputs=events.outputs, servers=servers)

    def _once(self, operation: Operation, code: str) -> StackResult:
        events, started = self._listening(code), time.monotonic()
        self._run(operation, code, events)
        return self._result(operation, code, events, started)

    def _remove(self, code: str) -> StackResult:
        result = self._once("destroy", code)
        self._records.forget(result.stack)
        return result

    def _listening(self, code: str) -> RunEvents:
        return RunEvents(lambda step: self._queue.step(code, step))

    def _result(self, operation: Operation, code: str, events: RunEvents, started: float) -> StackResult:
        stack, seconds = self._programs.named(code)[1], time.monotonic() - started
        return StackResult(stack, code, operation, events.changes, seconds, tuple(events.steps))

    def _run(
        self, operation: Operation, code: str, events: RunEvents, targets: Sequence[str] = (),
        plan: Path | None = None,
    ) -> None:  # fmt: skip
        """A record of success falls first: a run that is cut off is never taken for done."""
        self._records.invalidate(self._programs.named(code)[1])
        self._engine(code, operation == "up", targets).operate(operation, events, plan)

    def _engine(self, code: str, with_program: bool, targets: Sequence[str] = ()) -> StackRun:
        program = self._programs.program(code, self._standing) if with_program else None
        named = self._programs.named(code)
        return StackRun(self._files, self._provider.port, self._parallel, *named, program, targets)

    def _standing(self, agency: Agency) -> Agency:
        return standing(agency, self.state(agency.code) or (), self._cloud)

    def _told(
        self, codes: Sequence[str], results: Mapping[str, StackResult], failures: Sequence[StackFailure]
    ) -> list[StackResult]:
        ordered = [results[code] for code in codes if code in results]
        if failures:
            raise StacksFailed(failures, ordered)
        return ordered


class AgencyUnknown(InfraError):
    """No agency has that code; `citycloud inventory check` lists them."""

    code = "unknown_agency"


def _with(prepared: PreparedStack, findings: Sequence[Finding]) -> StackResult:
    """A preview's result with what the guard would say of it."""
    result = prepared.result
    return replace(result, findings=tuple(one for one in findings if one.stack == result.stack))


def _quiet(step: Any) -> None:
    return

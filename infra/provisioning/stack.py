"""Runs the two stacks of a site: the platform, and a landing zone for each agency, several at a time.

Everything that these runs start (engines, provider) and the threads they use belong to the network namespace
of the calling thread: enter a lab's namespace first, then make `Stacks`.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from pulumi import automation

from infra.cloud.credentials import Credentials
from infra.errors import InfraError
from infra.inventory import Inventory
from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_workspace import ProviderProcess, PulumiFiles
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_record import StackRecord, StackRecords, digest_of, digest_of_files
from infra.provisioning.stack_result import (
    Operation,
    PlatformMissing,
    ServerResult,
    StackFailure,
    StackLocked,
    StackProgress,
    StackResult,
    StacksFailed,
    Step,
)  # fmt: skip

_ROOT = Path(__file__).resolve().parents[2]
WORKERS = 3  # stacks at a time
PARALLEL = 4  # resources at a time in one stack
Listener = Callable[[StackProgress], None]


class Stacks:
    """`with Stacks(...) as stacks:` starts one provider for all that follows and ends it.

    `open_to` are the networks from which agencies' servers take SSH and ping (default: the site's management
    network and its way out). Methods raise StacksFailed when every stack was tried and some failed.
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
    ) -> None:
        self._inventory = inventory
        self._site_dir = site_dir
        self._depot_dir = depot_dir
        self._cache_dir = cache_dir
        self._passphrase = passphrase
        self._on_event = on_event
        self._workers = workers
        self._parallel = parallel
        self._open_to = tuple(open_to) if open_to is not None else _administration(inventory)
        self._search_path = search_path
        self._provider = ProviderProcess(credentials)
        self._done = 0
        self._total = 0

    def __enter__(self) -> Stacks:
        self._provider.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._provider.__exit__(*raised)

    def platform_up(self, *, force: bool = False) -> StackResult:
        """Make the platform what the inventory says. `force` runs it even if nothing can have changed."""
        return self._all("up", [""], force=force)[0]

    def platform_preview(self) -> StackResult:
        return self._all("preview", [""])[0]

    def platform_refresh(self) -> StackResult:
        """Read the cloud into the state; `changes` tell what differed."""
        return self._all("refresh", [""])[0]

    def platform_destroy(self) -> StackResult:
        """Remove the platform; refused by the cloud while landing zones stand on it."""
        return self._all("destroy", [""])[0]

    def zone_up(self, agencies: Sequence[str] | None = None, *, force: bool = False) -> list[StackResult]:
        """Make the landing zones of these agencies (None: all) what the inventory says.

        An agency whose inputs and state are those of its last successful up is skipped and says so; `force`
        runs it.
        """
        return self._all("up", self._codes(agencies), force=force)

    def zone_preview(self, agencies: Sequence[str] | None = None) -> list[StackResult]:
        return self._all("preview", self._codes(agencies))

    def zone_refresh(self, agencies: Sequence[str] | None = None) -> list[StackResult]:
        """Read the cloud into the states; `changes` and `steps` tell what differed (drift)."""
        return self._all("refresh", [code for code in self._codes(agencies) if self._exists(code)])

    def zone_destroy(self, agencies: Sequence[str] | None = None) -> list[StackResult]:
        """Remove landing zones with all that is in them, and their stacks. None: every one that exists."""
        codes = self.zones() if agencies is None else self._codes(agencies)
        return self._all("destroy", [code for code in codes if self._exists(code)])

    def zones(self) -> list[str]:
        """The agencies that have a landing zone, whether or not the inventory still knows them."""
        start = f"{self._inventory.site.site_name}-"
        stacks = self._files.stacks("landing_zone")
        return [stack.removeprefix(start) for stack in stacks if stack.startswith(start)]

    @cached_property
    def _files(self) -> PulumiFiles:
        engine = pulumi_engine.ensure(self._cache_dir, self._say, self._search_path)
        return PulumiFiles(self._site_dir, engine, self._passphrase)

    @cached_property
    def _records(self) -> StackRecords:
        return StackRecords(self._files.records)

    @cached_property
    def _code_digest(self) -> str:
        """Of the programs and of the provider: a new release of either runs every stack again."""
        infra = _ROOT / "infra"
        folders = [_ROOT / "stacks", infra / "provider", infra / "cloud", infra / "domain"]
        return digest_of_files(file for folder in folders for file in folder.rglob("*.py"))

    @cached_property
    def _image_digests(self) -> dict[str, str]:
        manifest = json.loads((self._depot_dir / "manifest.json").read_text(encoding="utf-8"))
        return {
            path: str(file["sha256"])
            for path, file in manifest["files"].items()
            if path.startswith("images/")
        }

    @cached_property
    def _ssh_public_key(self) -> str:
        return (self._site_dir / "ssh" / "id_ed25519.pub").read_text(encoding="utf-8").strip()

    def _codes(self, agencies: Sequence[str] | None) -> list[str]:
        if agencies is None:
            return [agency.code for agency in self._inventory.agencies]
        known = {*(agency.code for agency in self._inventory.agencies), *self.zones()}
        unknown = [code for code in agencies if code not in known]
        if unknown:
            raise AgencyUnknown(f"neither inventory nor cloud has an agency {', '.join(unknown)}")
        return list(agencies)

    def _exists(self, code: str) -> bool:
        project, stack = self._named(code)
        return self._files.checkpoint(project, stack).exists()

    def _named(self, code: str) -> tuple[str, str]:
        """Project and stack; the platform is the stack without an agency."""
        site = self._inventory.site.site_name
        return ("landing_zone", f"{site}-{code}") if code else ("platform", site)

    def _all(self, operation: Operation, codes: Sequence[str], *, force: bool = False) -> list[StackResult]:
        """Run the operation on these stacks, a few at a time, the ones with servers first; results in their
        order.
        """
        self._prepare(operation, codes)
        self._done, self._total = 0, len(codes)
        results: dict[str, StackResult] = {}
        failures: list[StackFailure] = []
        order = sorted(codes, key=self._weight, reverse=True)
        with ThreadPoolExecutor(self._workers, thread_name_prefix="stack") as pool:
            running = {pool.submit(self._one, operation, code, force): code for code in order}
            for ended in as_completed(running):
                code = running[ended]
                self._done += 1
                try:
                    results[code] = ended.result()
                except InfraError as stopped:
                    failures.append(StackFailure(self._named(code)[1], code, str(stopped)))
                    self._tell(code, "failed", str(stopped))
                else:
                    result = results[code]
                    self._tell(code, "skipped" if result.skipped else "finished", _summary(result))
        ordered = [results[code] for code in codes if code in results]
        if failures:
            raise StacksFailed(failures, ordered)
        return ordered

    def _prepare(self, operation: Operation, codes: Sequence[str]) -> None:
        """What all threads need, made once and before them."""
        zones = any(codes)
        if operation in ("up", "preview"):
            _load(_ROOT / "stacks" / ("landing_zone" if zones else "platform"))
            if zones and not self._exists(""):
                raise PlatformMissing(
                    "there is no platform yet, and landing zones stand on it: bring it up first"
                )
            _ = (self._code_digest, self._ssh_public_key if zones else self._image_digests)
        _ = (self._files, self._records)

    def _weight(self, code: str) -> int:
        known = {agency.code: len(agency.servers) for agency in self._inventory.agencies}
        return known.get(code, 0)

    def _one(self, operation: Operation, code: str, force: bool) -> StackResult:
        project, stack = self._named(code)
        started = time.monotonic()
        digest = self._inputs_digest(code) if operation == "up" else ""
        if operation == "up" and not force:
            skipped = self._as_it_was(code, digest)
            if skipped is not None:
                return skipped
        self._tell(code, "started", f"{operation} of {stack}")
        before = self._records.invalidate(stack) if operation != "preview" else None
        events = RunEvents(lambda step: self._tell(code, "step", _sentence(step)))
        self._run(operation, code, events)
        servers = _servers(events, before.servers if before else ()) if operation == "up" else ()
        if operation == "destroy":
            self._records.forget(stack)
        if operation == "up":
            state = digest_of_files([self._files.checkpoint(project, stack)])
            self._records.write(stack, StackRecord(digest, state, events.outputs, servers))
        return StackResult(
            stack, code, operation, events.changes, time.monotonic() - started, tuple(events.steps),
            events.outputs, servers,
        )  # fmt: skip

    def _run(self, operation: Operation, code: str, events: RunEvents) -> None:
        project, stack = self._named(code)
        providers = {"PULUMI_DEBUG_PROVIDERS": f"openstack:{self._provider.port}"}
        program = self._program(code) if operation in ("up", "preview") else None
        known = self._exists(code)
        try:
            opened = self._files.open(project, stack, program, providers)
            if operation != "preview":
                self._files.forget_pending_operations(project, stack, opened)
            if operation == "up":
                opened.up(on_event=events, parallel=self._parallel, suppress_outputs=True)
            elif operation == "preview":
                self._preview(opened, events, known)
            elif operation == "refresh":
                opened.refresh(on_event=events, parallel=self._parallel)
            else:
                opened.destroy(on_event=events, parallel=self._parallel, remove=True)
        except automation.ConcurrentUpdateError as busy:
            raise StackLocked(f"stack {stack} is locked by another run; wait for it to end") from busy
        except automation.CommandError as failed:
            raise StackStopped(events.reason(_last_words(failed))) from failed

    def _preview(self, opened: Any, events: RunEvents, known: bool) -> None:
        """A stack that the engine had to make for a preview of it is removed again."""
        try:
            opened.preview(on_event=events, parallel=self._parallel)
        finally:
            if not known:
                opened.workspace.remove_stack(opened.name)

    def _program(self, code: str) -> Callable[[], None]:
        if not code:
            module = _load(_ROOT / "stacks" / "platform")
            return partial(module.program, self._inventory, self._depot_dir, self._image_digests)
        module = _load(_ROOT / "stacks" / "landing_zone")
        agency = self._inventory.agency(code)
        return partial(module.program, self._inventory, agency, self._ssh_public_key, self._open_to)

    def _inputs_digest(self, code: str) -> str:
        """Of all that decides what the program asks for."""
        site = self._inventory.site
        release = (pulumi_engine.VERSION, self._code_digest)
        if not code:
            hosts = [asdict(host) for host in self._inventory.hosts]
            return digest_of(
                release, asdict(self._inventory.platform), asdict(site), hosts, self._image_digests
            )
        record = self._records.find(site.site_name)
        checkpoint = self._files.checkpoint("platform", site.site_name)
        platform = record.outputs if record else digest_of_files([checkpoint])
        agency = asdict(self._inventory.agency(code))
        policy = (self._ssh_public_key, self._open_to, site.site_name, site.dns_servers)
        return digest_of(release, agency, policy, platform)

    def _as_it_was(self, code: str, digest: str) -> StackResult | None:
        """The result of an up that is left out, None where it has to be run."""
        project, stack = self._named(code)
        record = self._records.find(stack)
        if record is None or record.inputs_digest != digest:
            return None
        if record.state_digest != digest_of_files([self._files.checkpoint(project, stack)]):
            return None
        why = (
            "inputs and state are those of the last successful up; the cloud was not read (refresh does that)"
        )
        return StackResult(
            stack, code, "up", {}, 0.0, outputs=record.outputs, servers=record.servers, skipped=True, why=why
        )  # fmt: skip

    def _tell(self, code: str, kind: Any, sentence: str) -> None:
        self._on_event(StackProgress(self._named(code)[1], code, kind, sentence, self._done, self._total))

    def _say(self, sentence: str) -> None:
        self._on_event(StackProgress("", "", "step", sentence, self._done, self._total))


class AgencyUnknown(InfraError):
    """No agency has that code; `citycloud inventory check` lists them."""

    code = "unknown_agency"


class StackStopped(InfraError):
    """One stack stopped before it was done; the message has the engine's and the provider's reasons."""

    code = "stack_stopped"


def _administration(inventory: Inventory) -> tuple[str, ...]:
    site = inventory.site
    return (str(site.management_network.cidr), f"{site.external_network.gateway}/32")


def _load(folder: Path) -> ModuleType:
    """A stack's program, by path: `infra` imports no stack."""
    spec = importlib.util.spec_from_file_location(f"citycloud_stack_{folder.name}", folder / "__main__.py")
    assert spec is not None  # a .py file always has both
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for value in vars(module).values():
        # The SDK's modules load when something of theirs is first asked for; not safely, if two threads ask.
        if isinstance(value, ModuleType):
            hasattr(value, "Provider")
    return module


def _servers(events: RunEvents, before: Iterable[ServerResult]) -> tuple[ServerResult, ...]:
    """The servers of an up; one that stood before keeps the times of its making."""
    known = {server.id: server for server in before}
    made = {
        urn.rpartition("::")[2]: when
        for urn, when in events.created.items()
        if "compute/instance:Instance" in urn
    }
    told = []
    for server in events.outputs.get("servers", []):
        name, identity = server["name"], server["id"]
        when, seconds = "", None
        if name in made:
            asked, seconds = made[name]
            when = dt.datetime.fromtimestamp(asked, dt.UTC).isoformat(timespec="milliseconds")
        elif identity in known:
            when, seconds = known[identity].requested_at, known[identity].active_seconds
        told.append(ServerResult(name, identity, server["fixed_ip"], server["floating_ip"], when, seconds))
    return tuple(told)


def _sentence(step: Step) -> str:
    kind = step.type.rpartition(":")[2]
    return f"{step.op} {kind} {step.name}" + (f", {step.seconds:.1f} s" if step.seconds >= 0.05 else "")


def _summary(result: StackResult) -> str:
    if result.skipped:
        return result.why
    counted = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "nothing"
    return f"{counted}, {result.seconds:.1f} s"


def _last_words(failed: automation.CommandError) -> str:
    lines = [line.strip() for line in str(failed).splitlines() if line.strip()]
    return " ".join(lines[-5:])

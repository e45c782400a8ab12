"""Continues with each provider what the other one made: every case, by the real engine, on a deployed site.

usage: python -m tests.cloud.provider.interchange INVENTORY INCUMBENT [WORD...]   (in the lab's network)

INCUMBENT is the executable that `benchmarks/zone/incumbent/build` makes. Standard output is one JSON
document, an account of each case in each direction; progress goes to standard error.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pulumi
from pulumi.automation.events import EngineEvent

from infra.errors import InfraError
from infra.provisioning import pulumi_engine
from infra.provisioning.pulumi_workspace import ProviderProcess, PulumiFiles
from infra.provisioning.stack_events import RunEvents
from infra.provisioning.stack_run import StackRun
from tests.cloud import admin
from tests.cloud.provider.case import Case, Ground
from tests.cloud.provider.engine import Incumbent
from tests.cloud.provider.ground import cases, credentials_of, live_ground
from tests.cloud.provider.matrix import Bench, Weather

PROJECT = "agency"  # any that the files know
PARALLEL = 4
_UNTOLD = "[secret]"
Run = Literal["up", "preview", "refresh", "destroy"]


@dataclass
class Account:
    """One case in one direction. `why` it was not made; what the maker's own next run and the other's would
    do: "" nothing, else `update` or `replace` and the properties. `state` is what the maker wrote.
    """

    case: str
    token: str
    maker: str
    why: str = ""
    own: str = ""
    continued: str = ""
    after_refresh: str = ""
    updated: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)


class Exchange:
    """One stack of all cases, made by `maker` and continued by the other."""

    def __init__(self, files: PulumiFiles, chosen: Sequence[Case], ground: Ground, maker: str) -> None:
        self._files = files
        self._maker = maker
        self._wanted = {f"case-{number}": (case, case.inputs(ground)) for number, case in enumerate(chosen)}
        self._accounts = {
            name: Account(case.name, case.token, maker, inputs=inputs)
            for name, (case, inputs) in self._wanted.items()
        }
        self._ground = ground

    def carried_out(self, maker: int, other: int, ours: int) -> list[Account]:
        """`maker`, `other` and `ours` are providers' ports; what was made is removed by ours, since the
        incumbent waits half an hour for a port that a guest does not let go.
        """
        self._preview("why", maker)
        made = self._run("up", maker)
        for name in [*self._wanted]:
            self._accounts[name].why = made.get(name, "not looked at")
            if self._accounts[name].why:
                del self._wanted[name]
        self._preview("own", maker)
        self._preview("continued", other)
        read = self._run("refresh", other)
        self._preview("after_refresh", other)
        for name in self._wanted:
            if name not in read or read[name].startswith("failed"):
                self._accounts[name].after_refresh = read.get(name, "not looked at")
        if self._maker == "incumbent":
            self._run("up", other)
            for name, (case, inputs) in self._wanted.items():
                if case.update:
                    self._wanted[name] = (case, case.update(self._ground, inputs))
            for name, what in self._run("up", other).items():
                self._accounts[name].updated = "" if what.startswith("update") else what
        for name, what in self._run("destroy", ours).items():
            if what.startswith("failed"):
                self._accounts[name].updated = what
        return list(self._accounts.values())

    def _preview(self, where: str, port: int) -> None:
        """A program that a provider refuses ends the run for all: it goes on without that one."""
        while True:
            found = self._run("preview", port)
            for name in self._wanted:
                setattr(self._accounts[name], where, found.get(name, "not looked at"))
            refused = [name for name in self._wanted if found.get(name, "").startswith("failed")]
            for name in refused:
                del self._wanted[name]
            if not refused:
                return

    def _run(self, run: Run, port: int) -> dict[str, str]:
        """By resource what was done to it: "" for nothing or a create, "failed: " and why. The accounts get
        the state of what an up makes.
        """
        heard: dict[str, str] = {}

        def hear(event: EngineEvent) -> None:
            begun, done = event.resource_pre_event, event.res_outputs_event
            if begun:
                heard[begun.metadata.urn.rpartition("::")[2]] = ""
            if run == "up" and done and done.metadata.new is not None:
                account = self._accounts.get(done.metadata.urn.rpartition("::")[2])
                if account is not None and not account.state:
                    account.state = dict(done.metadata.new.outputs or {})

        events = RunEvents(lambda step: None, also=hear)
        program = None if run in ("refresh", "destroy") else self._program
        stack = f"made-by-{self._maker}"
        work = StackRun(self._files, port, PARALLEL, PROJECT, stack, program, keep_going=True)
        sys.stderr.write(f"{stack}: {run}\n")
        sys.stderr.flush()
        try:
            work.operate(run, events)
        except InfraError:
            if not events.failed:
                raise
        done = {step.name: " ".join((step.op, *sorted(step.properties))) for step in events.steps}
        done = {name: "" if what == "create" and run == "up" else what for name, what in done.items()}
        failed = {urn.rpartition("::")[2]: f"failed: {why}" for urn, why in events.failed}
        every = {**heard, **done, **failed}
        return {name: every[name] for name in self._accounts if name in every}

    def _program(self) -> None:
        for name, (case, inputs) in self._wanted.items():
            pulumi.CustomResource(case.token, name, {**inputs})


def plain(value: Any) -> Any:
    """As JSON has it; a secret stays untold."""
    return json.loads(json.dumps(value, default=lambda other: _UNTOLD))


def main() -> None:
    inventory, executable, *words = sys.argv[1:]
    chosen = [case for case in cases() if not words or any(word in case.name for word in words)]
    credentials = credentials_of(inventory)
    engine = pulumi_engine.ensure(admin.site_of(inventory).settings.cache_dir)
    accounts: list[Account] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Bench(credentials, Weather()) as bench,
        live_ground(bench, credentials) as ground,
        Incumbent(executable, credentials.environment()) as incumbent,
        ProviderProcess(credentials) as ours,
    ):
        files = PulumiFiles(Path(folder), engine, "of a test")
        accounts += Exchange(files, chosen, ground, "incumbent").carried_out(
            incumbent.port, ours.port, ours.port
        )
        accounts += Exchange(files, chosen, ground, "ours").carried_out(ours.port, incumbent.port, ours.port)
    json.dump([plain(vars(account)) for account in accounts], sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()

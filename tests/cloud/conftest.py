"""A real site for the whole test run: a lab of its own, deployed under fire, removed at the end.

The lab's state lives in a temporary folder and its network in a namespace of its own name, beside a lab that
a person may have running. The depot and the caches are the machine's.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CITYCLOUD = Path(sys.executable).parent / "citycloud"
CUTS = 5
# Phases in which a kill is sure to meet the work, and for how many seconds after its begin. The others are
# over in less than a second; the depot's build is killed in a test of its own.
CUTTABLE = {
    "lab": 0.5,
    "base": 10.0,
    "message_queue": 1.0,
    "network": 0.5,
    "schemas": 10.0,
    "identity": 2.0,
    "services": 5.0,
    "hypervisors": 4.0,
    "monitoring": 0.5,
    "platform": 2.0,
    "landing_zones": 60.0,
    "verify": 2.0,
}
GATES = {"inventory", "depot", "lab", "preflight"}


@dataclass
class Command:
    """What a finished `citycloud` said."""

    code: int
    output: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


@dataclass
class Site:
    """A site under test; `name` is unique to this run."""

    name: str
    inventory: Path
    state: Path
    cuts: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.state / "sites" / self.name

    @property
    def variables(self) -> dict[str, Any]:
        """What group_vars/all.yml says."""
        found: dict[str, Any] = yaml.safe_load((self.inventory / "group_vars/all.yml").read_text())
        return found

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CITYCLOUD_STATE": str(self.state),
            "CITYCLOUD_DEPOT": os.environ.get("CITYCLOUD_DEPOT", "/var/lib/citycloud/depot"),
        }

    def arguments(self, *words: str) -> list[str]:
        """`--inventory` goes behind the command's own words: `lab shell`, `zone up`, `up`."""
        length = 2 if words[0] in {"lab", "zone", "platform", "depot", "inventory", "people"} else 1
        return [str(CITYCLOUD), *words[:length], "--inventory", str(self.inventory), *words[length:]]

    def run(self, *words: str, timeout: float = 1800) -> Command:
        """`citycloud WORDS --inventory ...`; never raises for its exit code."""
        done = subprocess.run(
            self.arguments(*words),
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Command(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, timeout: float = 1800) -> Command:
        """The same, for commands that must succeed."""
        done = self.run(*words, timeout=timeout)
        assert done.code == 0, f"{words}: exit {done.code}\n{done.error[-6000:]}\n{done.output[-3000:]}"
        return done

    def by(self, operator: str) -> tuple[str, ...]:
        """The options by which `an` or `binh` says who it is."""
        return "--operator", operator, "--key", str(self.state / "keys" / operator)

    def confirmed(self, *words: str) -> Command:
        """A command that `an` asks for with `--output json`, and `binh` confirms where it has to be."""
        command = (*words, *self.by("an"), "--output", "json")
        asked = self.run(*command)
        if asked.code == 0:
            return asked
        assert asked.json["error"]["code"] == "plan_refused", asked.output + asked.error
        plans = self.ok("zone", "plans", "--output", "json").json
        (digest,) = [plan["digest"] for plan in plans if plan["state"] == "waiting"]
        self.ok("zone", "confirm", digest, *self.by("binh"))
        return self.ok(*command)

    def journal(self) -> list[dict[str, Any]]:
        path = self.folder / "journal.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def on(self, server: str, *command: str, timeout: float = 1200) -> str:
        """Run a command on a server of the lab by SSH; with `-`, on this machine in the lab's network."""
        done = self.run("lab", "shell", server, *command, timeout=timeout)
        assert done.code == 0, done.error + done.output
        return done.output

    def script(self, module: str, *words: str, timeout: float = 1200) -> str:
        """Run a script of the tests on this machine, in the lab's network."""
        command = (sys.executable, "-W", "ignore", "-m", module, str(self.inventory), *words)
        return self.on("-", *command, timeout=timeout)

    def holdings(self, agency: str, project: str = "") -> dict[str, Any]:
        """What the cloud holds for an agency, by kind, read from the APIs."""
        held: dict[str, Any] = json.loads(
            self.script("tests.cloud.holdings", agency, *([project] if project else []))
        )
        return held

    def up_until_killed(self, phase: str, delay: float) -> None:
        """Start `up`, and kill it with SIGKILL `delay` seconds after it began `phase`."""
        seen = len(self.journal())
        with (self.state / "cut.log").open("a") as log:
            process = subprocess.Popen(
                self.arguments("up"),
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_for(phase, seen, process)
            time.sleep(delay)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def remove(self) -> None:
        """To the end, also where this process is ended: who interrupts `pytest -n` gives it ten seconds."""
        log = self.state / "down.log"
        with log.open("w") as stream:
            removal = subprocess.Popen(
                self.arguments("down", "--yes"),
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        assert removal.wait() == 0, log.read_text()[-6000:]

    def _wait_for(self, phase: str, seen: int, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 1500
        while not any(
            record["event"] == "phase_started" and record.get("phase") == phase
            for record in self.journal()[seen:]
        ):
            output = (self.state / "cut.log").read_text()
            assert process.poll() is None, f"up ended before {phase}: {output[-4000:]}"
            assert time.monotonic() < deadline, f"up never came to {phase}"
            time.sleep(0.05)


def make_inventory(source: Path, target: Path, name: str, old: str = "lab") -> None:
    """A copy of an inventory whose site is called `old`, under another site name."""
    shutil.copytree(source, target)
    variables = target / "group_vars/all.yml"
    text = variables.read_text()
    assert f"\nsite_name: {old}\n" in text
    variables.write_text(text.replace(f"\nsite_name: {old}\n", f"\nsite_name: {name}\n"))


def add_operators(site: Site) -> None:
    """Two people of the city's cloud team, `an` and `binh`, with throw-away keys."""
    keys = site.state / "keys"
    keys.mkdir()
    rows = ["operators:"]
    for name in ("an", "binh"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", keys / name], check=True
        )
        key = (keys / f"{name}.pub").read_text().strip()
        rows.append(f'  - {{name: {name}, full_name: "Operator {name}", ssh_public_key: "{key}"}}')
    (site.inventory / "operators.yaml").write_text("\n".join(rows) + "\n")


SEED = "CITYCLOUD_TEST_SEED"


def pytest_configure() -> None:
    """One seed for the process that tells it and for that which has the lab."""
    if not int(os.environ.get(SEED, "0")):
        os.environ[SEED] = str(random.SystemRandom().randrange(1, 10**6))


def pytest_report_header() -> str:
    cuts = ", ".join(phase for phase, _ in fate())
    return f"lab: up is killed in {cuts}; {SEED}={os.environ[SEED]} does it again"


def fate() -> list[tuple[str, float]]:
    """The phases in which this run's `up` is killed, and the seconds after their begin."""
    dice = random.Random(int(os.environ[SEED]))
    chosen = dice.sample(list(CUTTABLE), CUTS)
    return [(phase, dice.uniform(0, CUTTABLE[phase])) for phase in CUTTABLE if phase in chosen]


@pytest.fixture(scope="session")
def site(built_depot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The deployed site: five kills on the way, then a run to the end."""
    folder = tmp_path_factory.mktemp("site")
    name = f"test-{os.getpid()}"
    make_inventory(ROOT / "inventories/lab", folder / "inventory", name)
    made = Site(name, folder / "inventory", folder / "state")
    made.state.mkdir()
    add_operators(made)
    made.cuts = [phase for phase, _ in fate()]
    try:
        for phase, delay in fate():
            made.up_until_killed(phase, delay)
        made.ok("up")
        yield made
    finally:
        made.remove()

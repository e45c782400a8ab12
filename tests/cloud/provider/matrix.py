"""Every case through everything, side by side, and the table that comes of it.

A case's lives follow each other in one lane (quotas and assignments exist once); cases run beside each other.
The kills come last, all cases at once: each operation is held in the proxy after its effect, the one provider
process is killed, and its successor repeats what nobody recorded.
"""

from __future__ import annotations

import itertools
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from tests.cloud.provider.case import Case, Facts, Ground, Inputs, State
from tests.cloud.provider.engine import Engine, Failed, ProviderProcess, Thing, struct, urn
from tests.cloud.provider.fault_proxy import FAULTS, Aim, FaultProxy, Lane
from tests.cloud.provider.harness import Broken, Operation, Trial

COLUMNS = ("create", "read", "update", "delete", "diff", "import", "fault", "kill")
PASSED = "passed"
REPLACES_ONLY = "replaces only"
# Those first that an operation fails through: one life can then meet them all.
_ROW = ("refused", "time-out before the effect", "409", "429", "500", "503", "truncated",
        "time-out after the effect", "slow")  # fmt: skip
assert set(_ROW) == set(FAULTS)


@dataclass
class Result:
    """What one case came to: a verdict for each column, and what was wrong with it."""

    token: str
    name: str
    verdicts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def broke(self, column: str, why: str) -> None:
        self.verdicts[column] = "FAILED"
        self.problems.append(f"{self.name}: {column}: {why}")


class Making:
    """Makes things through the provider, in a lane of its own, for the ground."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._count = 0
        self._lock = threading.Lock()

    def create(self, token: str, inputs: Inputs) -> tuple[str, dict[str, Any]]:
        with self._lock:
            self._count += 1
            name = urn(token, f"ground-{id(self)}-{self._count}")
        checked, failures = self._engine().check(token, name, inputs)
        assert not failures, f"{token}: {failures}"
        made = self._engine().create(token, name, checked)
        return made.identity, made.plain

    def delete(self, token: str, identity: str, state: State) -> None:
        self._engine().delete(Thing(token, urn(token, "ground"), identity, struct(state), struct({})))


@dataclass(frozen=True)
class Weather:
    """How hard a matrix is. Every operation meets every fault; `thorough`: in a life of its own for each
    fault and each call that writes, as long as the operation lasts and for one call. `workers` cases run side
    by side. Faults meet a provider that is soon out of patience
    (`hasty`); everything else is done by one that is not (`patient`), as another run of the engine would."""

    thorough: bool = False
    workers: int = 16
    hasty: str = "2,4,0.1,0.4"
    patient: str = "3,300,0.1,0.4"


class Bench:
    """A cloud, a fault proxy before it and a provider process behind: `with Bench(...) as bench`."""

    def __init__(
        self, credentials: Credentials, weather: Weather, slow: float = 1.0, retry_after: int = 1
    ) -> None:
        self.weather = weather
        self._credentials = credentials
        self.proxy = FaultProxy(credentials.auth_url, credentials.cacert, slow, retry_after)
        self._providers: dict[str, ProviderProcess] = {}
        self._engines: dict[tuple[str, str], Engine] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Bench:
        self.proxy.__enter__()
        self.restart()
        return self

    def __exit__(self, *raised: object) -> None:
        self._end()
        self.proxy.__exit__()

    def engine(self, lane: str, provider: str = "patient") -> Engine:
        """The engine of a lane: one connection, one configured provider, one token."""
        with self._lock:
            if (lane, provider) not in self._engines:
                address = self.proxy.lane(lane).auth_url
                self._engines[lane, provider] = Engine(
                    self._providers[provider].port, _configuration(self._credentials, address)
                )
            return self._engines[lane, provider]

    def restart(self) -> None:
        """Start the providers; those that run are killed with SIGKILL, and lanes get other engines then."""
        with self._lock:
            for provider in self._providers.values():
                provider.kill()
            self._end()
            for name in ("hasty", "patient"):
                self._providers[name] = ProviderProcess(getattr(self.weather, name))

    def _end(self) -> None:
        for engine in self._engines.values():
            engine.close()
        for provider in self._providers.values():
            provider.close()
        self._engines.clear()
        self._providers.clear()

    def ground(self, cloud: Cloud, facts: Facts) -> Ground:
        return Ground(cloud, facts, Making(lambda: self.engine("ground")))

    def trial(self, case: Case, ground: Ground, number: int) -> Trial:
        lane: Lane = self.proxy.lane(f"lane-{number}")
        return Trial(case, ground, self.proxy, lane, self.engine(lane.name), self.engine(lane.name, "hasty"))


def run(bench: Bench, ground: Ground, cases: Sequence[Case], say: Callable[[str], None]) -> list[Result]:
    """Every case through everything; the cases' things are gone afterwards, the ground's are not."""
    trials = [bench.trial(case, ground, number) for number, case in enumerate(cases)]
    results = [Result(case.token, case.name, dict(case.not_applicable)) for case in cases]
    order = sorted(range(len(cases)), key=lambda number: not cases[number].slow)  # the longest first

    def live(number: int) -> None:
        _lives(bench.weather, trials[number], results[number], say)

    with ThreadPoolExecutor(bench.weather.workers) as pool:
        list(pool.map(live, order))
    for position in ("first", "last"):
        _kills(bench, trials, results, position)
        say(f"killed after the {position} write of each operation")
    for result, case in zip(results, cases, strict=True):
        _complete(result, case)
    return results


def _lives(weather: Weather, trial: Trial, result: Result, say: Callable[[str], None]) -> None:
    with _told(result, trial, "create"):
        trial.calm()
        if "fault" not in trial.case.not_applicable:
            _storms(weather, trial, result)
    say(f"{result.name}: {'; '.join(result.problems) or 'ok'}")


def _storms(weather: Weather, trial: Trial, result: Result) -> None:
    """Time-outs meet one call, for each takes its time; the others last as long as the operation."""
    if trial.case.slow or not weather.thorough:
        left = _ROW
        with _told(result, trial, "fault"):
            while left:
                left = trial.stormy_row(left, reads=left is _ROW)
        return
    most = max(trial.counts.writes.values(), default=1)
    for fault, nth in itertools.product(_ROW, range(1, most + 1)):
        for lasts in {not fault.startswith("time-out"), False}:
            with _told(result, trial, "fault", f"({fault}, write {nth}{'' if lasts else ', once'}) "):
                trial.stormy(fault, nth, lasting=lasts)


def _kills(bench: Bench, trials: Sequence[Trial], results: Sequence[Result], position: str) -> None:
    """One kill for each kind of operation, all cases together. Where an operation has one write, the first is
    the last."""
    lives = [
        _Life(trial, result, position)
        for trial, result in zip(trials, results, strict=True)
        if "kill" not in trial.case.not_applicable
        and max(trial.counts.writes.values(), default=0) > (position == "last")
    ]
    for name in ("create", "update", "delete"):
        _kill_during(bench, lives, name)


def _kill_during(bench: Bench, lives: Sequence[_Life], operation: str) -> None:
    for life in lives:
        life.ready.clear()
    with ThreadPoolExecutor(max(1, len(lives))) as pool:
        cut = [pool.submit(life.cut, operation) for life in lives]
        for life in lives:
            life.ready.wait(300)
        bench.restart()
        for one in cut:
            one.result()
        for life in lives:
            life.trial.engine = bench.engine(life.trial.lane.name)
        list(pool.map(lambda life: life.repeat(operation), lives))


class _Life:
    """A thing's life with each of its operations cut off by a kill."""

    def __init__(self, trial: Trial, result: Result, position: str) -> None:
        self.trial = trial
        self.result = result
        self.ready = threading.Event()
        self._position = position
        self._operations = {one.name: one for one in trial.operations()}

    @property
    def _broken(self) -> bool:
        return self.result.verdicts.get("kill") == "FAILED"

    def cut(self, name: str) -> None:
        """Begin the operation; it is held after its effect until the provider dies. One that asked more often
        in the calm life, because a server was busy, may be done before its last write comes.
        """
        operation = self._operations.get(name)
        writes = self.trial.counts.writes.get(name, 0)
        if operation is None or not writes or self._broken:
            return self.ready.set()
        with _told(self.result, self.trial, "kill", f"{name}: ", clean=False):
            operation.prepare()
            nth = 1 if self._position == "first" else writes
            aim = Aim("held after the effect", nth)
            aim.held = self.ready
            self.trial.lane.arm(aim)
            try:
                operation.act()
            except Failed:
                if not aim.held.is_set():
                    raise
            else:
                if nth == 1:
                    raise Broken("kill", "no write was met")
            finally:
                self.ready.set()
        self.ready.set()
        return None

    def repeat(self, name: str) -> None:
        """What the next run of the engine does: the same again. A life that broke before is removed."""
        self.trial.lane.disarm()
        if self._broken:
            self.result.problems[-1] += _after(self.trial.clean())
            return
        operation: Operation | None = self._operations.get(name)
        if operation is None:
            return
        with _told(self.result, self.trial, "kill", f"{name}, {self._position} write: "):
            self.trial.done(name, operation.act())


@contextmanager
def _told(
    result: Result, trial: Trial, column: str, where: str = "", *, clean: bool = True
) -> Iterator[None]:
    """What goes wrong inside, in the result; the thing is removed then, so that the rest may go on. Not with
    `clean` off, where the provider that would remove it may die at any moment."""
    problems = len(result.problems)
    try:
        yield
    except Broken as broken:
        chosen = column if column in ("fault", "kill") else broken.column
        result.broke(chosen, where + str(broken))
    except Failed as failed:
        result.broke(column, where + str(failed))
    except Exception:
        result.broke(column, where + traceback.format_exc(limit=-4))
    if clean and len(result.problems) > problems:
        result.problems[-1] += _after(trial.clean())


def _after(left: str) -> str:
    return f" (and it cannot be removed: {left})" if left else ""


def _complete(result: Result, case: Case) -> None:
    """A column that nothing broke has passed, unless an earlier one kept the case from getting there."""
    broken = "FAILED" in [result.verdicts.get(column) for column in COLUMNS[:6]]
    for column in COLUMNS:
        result.verdicts.setdefault(column, "not reached" if broken else PASSED)
    if case.update is None and result.verdicts["update"] == PASSED:
        result.verdicts["update"] = REPLACES_ONLY


def table(results: Sequence[Result]) -> dict[str, dict[str, str]]:
    """Per type the worst verdict of its cases for each column."""
    rows: dict[str, dict[str, str]] = {}
    for result in sorted(results, key=lambda one: one.token):
        row = rows.setdefault(result.token, dict(result.verdicts))
        for column, verdict in result.verdicts.items():
            row[column] = max(row[column], verdict, key=_weight)
    return rows


def _weight(verdict: str) -> int:
    """A failure outweighs everything; a pass outweighs what another case does not apply to."""
    return {"FAILED": 3, "not reached": 3, PASSED: 2, REPLACES_ONLY: 1}.get(verdict, 0)


def _configuration(credentials: Credentials, auth_url: str) -> Mapping[str, str]:
    given = {
        "authUrl": auth_url,
        "userName": credentials.username,
        "password": credentials.password,
        "userDomainName": credentials.user_domain_name,
        "userDomainId": credentials.user_domain_id,
        "tenantName": credentials.project_name,
        "projectDomainName": credentials.project_domain_name,
        "projectDomainId": credentials.project_domain_id,
        "region": credentials.region_name,
    }
    return {name: value for name, value in given.items() if value}

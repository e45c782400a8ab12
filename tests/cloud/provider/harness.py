"""The life of one thing, driven as the engine drives it: in a calm cloud, and through faults.

Every step that goes wrong raises `Broken` with the column of the table that it belongs to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]

from infra.cloud.listing import SECONDS as LISTING_SECONDS
from infra.provider.registry import resource
from tests.cloud.provider.case import Case, Ground, Inputs
from tests.cloud.provider.engine import Engine, Failed, Thing, secrets_in, struct, told, urn
from tests.cloud.provider.fault_proxy import Aim, FaultProxy, Lane

_CLEARING_SECONDS = 60.0
_WRONG: dict[str, Any] = {
    "string": ["not", "a", "string"],
    "integer": "not a number",
    "number": "not a number",
    "boolean": "perhaps",
    "strings": {"no": "list"},
    "map": ["no", "map"],
    "object": "no object",
    "objects": "no list",
}


class Broken(Exception):
    """A rule of the conformance was broken; `column` is the table's."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column


@dataclass
class Counts:
    """What a calm life took, by operation: calls that write, calls that read, things that stood after it."""

    writes: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    stood: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """`prepare` once, `act` until it has succeeded."""

    name: str
    prepare: Callable[[], None]
    act: Callable[[], Any]


class Trial:
    """One case in one lane of the proxy. What meets a fault is done by the engine `hasty`, everything else by
    `engine`. `counts` are those of its calm life.
    """

    def __init__(
        self, case: Case, ground: Ground, proxy: FaultProxy, lane: Lane, engine: Engine, hasty: Engine
    ) -> None:
        self.case = case
        self.ground = ground
        self.lane = lane
        self.engine = engine
        self._hasty = hasty
        self.counts = Counts()
        self._proxy = proxy
        self._lives = 0
        self._urn = ""
        self._told: Inputs = {}
        self._inputs = Struct()
        self._thing: Thing | None = None

    def calm(self) -> None:
        """Each operation with nothing in its way."""
        self.refuse_bad_input()
        self._begin()
        self._thing = self._counted("create", self._create)
        self._settled("create", self._thing)
        self._unchanged_by_a_read(self._thing)
        self._import(self._thing)
        if self.case.update:
            self._wish(self.case.update(self.ground, self._told))
            self._said_in_place()
            self._thing = self._counted("update", self._update)
            self._settled("update", self._thing)
            self._unchanged_by_a_read(self._thing)
        if self.case.replace:
            self._said_to_replace(self.case.replace(self.ground, self._told))
        if self.case.by_hand:
            self._thing = self._mended_after_a_hand(self._thing)
        self._counted("delete", self._delete)
        self._gone("delete")

    def stormy(self, fault: str, nth: int = 1, *, lasting: bool = True) -> None:
        """Each operation with the fault from its `nth` write on, and once more after it."""
        self._begin()
        self._thing = self._through("create", fault, nth, lasting, self._create)
        self._settled("fault", self._thing)
        self._stands("create", fault)
        self._read_through(fault, nth, lasting)
        if self.case.update:
            self._wish(self.case.update(self.ground, self._told))
            self._thing = self._through("update", fault, nth, lasting, self._update)
            self._settled("fault", self._thing)
            self._stands("update", fault)
        self._through("delete", fault, nth, lasting, self._delete)
        self._gone("fault")

    def stormy_row(self, faults: tuple[str, ...], *, reads: bool) -> tuple[str, ...]:
        """A life in which each operation meets one fault after the other until it succeeds through one. The
        faults that some operation has not met then are left for another life."""
        self._begin()
        self._thing, met = self._through_row("create", faults, self._create)
        self._settled("fault", self._thing)
        self._stands("create", f"{faults}")
        for fault in faults if reads else ():
            self._read_through(fault, 1, True)
        if self.case.update:
            self._wish(self.case.update(self.ground, self._told))
            self._thing, more = self._through_row("update", faults, self._update)
            self._settled("fault", self._thing)
            self._stands("update", f"{faults}")
            met = min(met, more)
        _, more = self._through_row("delete", faults, self._delete)
        self._gone("fault")
        return faults[min(met, more) :]

    def operations(self) -> list[Operation]:
        """The operations that write, in a life's order; each may be cut off and repeated."""

        def wish() -> None:
            assert self.case.update
            self._wish(self.case.update(self.ground, self._told))

        chosen = [Operation("create", self._begin, self._create)]
        if self.case.update:
            chosen.append(Operation("update", wish, self._update))
        return [*chosen, Operation("delete", lambda: None, self._delete)]

    def done(self, operation: str, result: Any) -> None:
        """After an operation that was cut off and repeated: as it should be, and nothing twice."""
        if operation == "delete":
            return self._gone("kill")
        assert isinstance(result, Thing)
        self._thing = result
        self._settled("kill", result)
        return self._stands(operation, "a kill", "kill")

    def clean(self) -> str:
        """Remove what a broken life left, also what nobody recorded; why it could not be, if so."""
        self.lane.disarm()
        why = ""
        try:
            if self._thing is not None:
                self.engine.delete(self._thing)
        except Failed as failed:
            why = str(failed)
        self._thing = None
        left = self._clear_away()
        return why or (f"still there: {_paths(left)}" if left else "")

    def refuse_bad_input(self) -> None:
        """Everything that is wrong is said at once, each with its path, and without a call to the cloud."""
        kind, calls = resource(self.case.token), len(self.lane.calls)
        given = {item.name: item for item in kind.properties if not item.output}
        wrong = {name: _WRONG[item.kind] for name, item in given.items()}
        unsupported = dict.fromkeys(kind.unsupported, "x")
        given_urn = urn(self.case.token, "bad")
        _, failures = self.engine.check(
            self.case.token, given_urn, {**wrong, **unsupported, "noSuchInput": "x"}
        )
        said = {path.partition("[")[0].partition(".")[0] for path, _ in failures}
        missed = {*wrong, *unsupported, "noSuchInput"} - said
        if missed:
            raise Broken("create", f"check said nothing of bad {sorted(missed)}")
        _, failures = self.engine.check(self.case.token, given_urn, {})
        missed = {name for name, item in given.items() if item.required and name != "name"} - dict(
            failures
        ).keys()
        if missed:
            raise Broken("create", f"check said nothing of missing {sorted(missed)}")
        if len(self.lane.calls) != calls:
            raise Broken("create", f"check of bad input called {self.lane.calls[calls:]}")

    # What the engine does

    def _begin(self) -> None:
        """A new life: a new URN, new inputs, checked."""
        self._lives += 1
        name = f"{self.ground.run}-{self.lane.name}-{self._lives}"
        self._urn = urn(self.case.token, name)
        self.lane.clear()
        self._thing = None
        self._inputs = Struct()
        self._wish(self.case.inputs(self.ground))

    def _wish(self, inputs: Inputs) -> None:
        """What the program says from now on."""
        before = self._inputs if self._thing else None
        checked, failures = self.engine.check(self.case.token, self._urn, inputs, before)
        if failures:
            raise Broken("create", f"check refused good input: {failures}")
        self._told, self._inputs = inputs, checked

    def _create(self) -> Thing:
        return self.engine.create(self.case.token, self._urn, self._inputs)

    def _update(self) -> Thing:
        assert self._thing
        if not self.engine.diff(self._thing, self._inputs).some:
            return self._thing
        return self.engine.update(self._thing, self._inputs)

    def _delete(self) -> None:
        assert self._thing
        self.engine.delete(self._thing)

    # What must hold

    def _settled(self, column: str, thing: Thing) -> None:
        """The next run finds nothing to do, with a refresh and without."""
        found = self.engine.diff(thing, self._inputs)
        if found.some:
            raise Broken(column, f"right after it {found.changes} differ: {self._both(thing, found.changes)}")
        read = self._read_until(thing, lambda one: not self.engine.diff(one, self._inputs).some)
        if read is None:
            raise Broken(column, f"{thing.identity} is not there for a read")
        found = self.engine.diff(read, self._inputs)
        if found.some:
            raise Broken(column, f"after a read {found.changes} differ: {self._both(read, found.changes)}")
        hidden = resource(self.case.token).secrets & thing.plain.keys() - secrets_in(thing.state)
        if hidden:
            raise Broken(column, f"{sorted(hidden)} stand in state in the clear")

    def _unchanged_by_a_read(self, thing: Thing) -> None:
        read = self.engine.read(thing)
        assert read is not None
        before, after = thing.plain, read.plain
        changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        if changed:
            both = {key: (before.get(key), after.get(key)) for key in changed}
            raise Broken("read", f"a read of what nobody touched changes {both}")

    def _import(self, thing: Thing) -> None:
        if "import" in self.case.not_applicable:
            return
        identity = self.case.import_id(thing.identity, thing.plain)
        brought = self.engine.bring_in(self.case.token, self._urn, identity)
        if brought is None:
            raise Broken("import", f"nothing found by {identity}")
        if brought.identity != thing.identity:
            raise Broken("import", f"{identity} gave the id {brought.identity} for {thing.identity}")
        written, failures = self.engine.check(self.case.token, self._urn, told(brought.inputs))
        failures = [one for one in failures if one[0] not in self.case.untold]
        if failures:
            raise Broken("import", f"the inputs that it writes down are refused: {failures}")
        untold = {name: brought.plain.get(name) for name in self.case.untold}
        wanted = {**told(self._inputs), **untold}
        wishes = (("its own inputs", written), ("the program's", struct(_without_none(wanted))))
        for whose, inputs in wishes:
            found = self.engine.diff(brought, inputs)
            changes = [name for name in found.changes if name not in self.case.untold]
            if changes:
                raise Broken(
                    "import", f"against {whose} {changes} differ: {self._both(brought, changes, inputs)}"
                )

    def _said_in_place(self) -> None:
        assert self._thing
        found = self.engine.diff(self._thing, self._inputs)
        if not found.some:
            raise Broken("diff", "an update is not seen")
        if found.replaces:
            raise Broken("diff", f"an update in place is said to replace by {found.replaces}")

    def _said_to_replace(self, inputs: Inputs) -> None:
        assert self._thing
        checked, failures = self.engine.check(self.case.token, self._urn, inputs, self._inputs)
        if failures:
            raise Broken("diff", f"check refused the replacement: {failures}")
        if not self.engine.diff(self._thing, checked).replaces:
            raise Broken("diff", "a replacement is not said")

    def _mended_after_a_hand(self, thing: Thing) -> Thing:
        assert self.case.by_hand
        self.case.by_hand(self.ground, thing.identity, thing.plain)
        read = self._read_until(thing, lambda one: self.engine.diff(one, self._inputs).some)
        if read is None:
            raise Broken("diff", "after a change by hand it is not there for a read")
        found = self.engine.diff(read, self._inputs)
        if not found.some:
            raise Broken("diff", "a change by hand is not seen")
        if found.replaces:
            return read
        mended = self.engine.update(read, self._inputs)
        self._settled("update", mended)
        return mended

    def _gone(self, column: str) -> None:
        """A read finds nothing, a second delete succeeds, and nothing that was made is left."""
        thing = self._thing
        assert thing
        if not self.case.stays and self._read_until(thing, lambda one: False) is not None:
            raise Broken(column, "it is there after its delete")
        self.engine.delete(thing)
        left = self._standing()
        if left:
            raise Broken(column, f"left behind: {_paths(left)}")
        self._thing, self._urn = None, ""

    def _stands(self, operation: str, fault: str, column: str = "fault") -> None:
        """As many things stand as after a calm life's operation."""
        found, wanted = self._standing(), self.counts.stood.get(operation)
        if wanted is not None and len(found) != wanted:
            raise Broken(
                column,
                f"after {operation} through {fault}: {len(found)} stand, not {wanted}: {_paths(found)}",
            )

    def _read_until(self, thing: Thing, wanted: Callable[[Thing], bool]) -> Thing | None:
        """What a read finds: None, or the thing when it is as wanted, or as it is when no listing of before
        somebody else's change is served any more."""
        ends = time.monotonic() + LISTING_SECONDS + 1
        while True:
            read = self.engine.read(thing)
            if read is None or wanted(read) or time.monotonic() > ends:
                return read
            time.sleep(0.2)

    def _standing(self) -> list[tuple[int, str]]:
        """Where the things stand that this life made: origin and path."""
        self.lane.quiet()
        token = self._token()
        return [address for address in dict.fromkeys(self.lane.made) if self._proxy.exists(address, token)]

    def _token(self) -> str:
        return str(self.ground.cloud.sdk.session.get_token())

    def _clear_away(self) -> list[tuple[int, str]]:
        """Have the origin remove all that stands, and wait until it is gone: the next life may need its
        place. One thing may hold another, so what was refused is asked again. What stands all the same."""
        ends = time.monotonic() + _CLEARING_SECONDS
        while (left := self._standing()) and time.monotonic() < ends:
            for address in left:
                self._proxy.remove(address, self._token())
            time.sleep(1)
        return left

    # Faults

    def _counted(self, operation: str, act: Callable[[], Any]) -> Any:
        before = [*self.lane.calls]
        result = act()
        calls = self.lane.calls[len(before) :]
        self.counts.writes[operation] = sum(call.writes for call in calls)
        self.counts.reads[operation] = len(calls) - self.counts.writes[operation]
        self.counts.stood[operation] = len(self._standing())
        return result

    def _through(self, operation: str, fault: str, nth: int, lasting: bool, act: Callable[[], Any]) -> Any:
        """The operation in the fault and, if it failed by name, once more."""
        aim = self.lane.arm(Aim(fault, nth, lasting=lasting))
        try:
            with self._in_haste():
                return act()
        except Failed as failed:
            if not failed.named:
                raise Broken("fault", f"{operation} through {fault}: no named error: {failed.said}") from None
        finally:
            self.lane.disarm()
            if not aim.hits and nth <= self.counts.writes.get(operation, 0):
                raise Broken("fault", f"{operation}: {fault} met no call: {self.lane.calls[-5:]}")
        try:
            return act()
        except Failed as failed:
            raise Broken("fault", f"{operation} after {fault}: does not converge: {failed.said}") from None

    def _through_row(
        self, operation: str, faults: tuple[str, ...], act: Callable[[], Any]
    ) -> tuple[Any, int]:
        """What the operation gave, and how many of the faults it met."""
        for number, fault in enumerate(faults, 1):
            aim = self.lane.arm(Aim(fault, lasting=True))
            try:
                with self._in_haste():
                    result = act()
            except Failed as failed:
                if not failed.named:
                    raise Broken("fault", f"{operation} through {fault}: {failed.said}") from None
                continue
            finally:
                self.lane.disarm()
            if aim.hits or not self.counts.writes.get(operation):
                return result, number
            if number == 1:
                raise Broken("fault", f"{operation}: {fault} met no call: {self.lane.calls[-5:]}")
            return result, number - 1  # what went before had done it all
        try:
            return act(), len(faults)
        except Failed as failed:
            raise Broken("fault", f"{operation} after faults: does not converge: {failed.said}") from None

    def _read_through(self, fault: str, nth: int, lasting: bool) -> None:
        """A read through a fault fails by name or tells the truth; it never says that the thing is gone."""
        assert self._thing
        self.lane.arm(Aim(fault, nth, methods=("GET",), lasting=lasting))
        try:
            with self._in_haste():
                read = self.engine.read(self._thing)
        except Failed as failed:
            if not failed.named:
                raise Broken("fault", f"read through {fault}: no named error: {failed.said}") from None
        else:
            if read is None:
                raise Broken("fault", f"read through {fault} says that it is gone")
            if self.engine.diff(read, self._inputs).some:
                raise Broken("fault", f"read through {fault} tells {read.plain}")
        finally:
            self.lane.disarm()

    @contextmanager
    def _in_haste(self) -> Iterator[None]:
        """The next run after a fault is another process, which finds what this one left when the cloud is
        done with it."""
        patient, self.engine = self.engine, self._hasty
        try:
            yield
        finally:
            self.engine = patient
            self.lane.quiet()

    def _both(self, thing: Thing, names: list[str], inputs: Struct | None = None) -> dict[str, Any]:
        """What is and what is wanted, by name."""
        present, wanted = thing.plain, told(self._inputs if inputs is None else inputs)
        return {name: (present.get(name), wanted.get(name)) for name in names}


def _paths(addresses: list[tuple[int, str]]) -> list[str]:
    return [path for _, path in addresses]


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
